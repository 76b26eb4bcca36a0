"""Anybody's models: what they answered, turned into a table like those that ship.

``answers.py`` turns what one network said into what a table stores, ``split.py`` says which images
are val and which test, ``costs.py`` what networks cost, and ``contents.py`` puts them together.
"""
