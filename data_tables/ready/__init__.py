"""Cascades that ship ready to run: a graph and a card for each, made by one stage of the build."""
