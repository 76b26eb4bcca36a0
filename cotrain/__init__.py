"""Training: the weight-sharing supernet, networks that inherit from it, and pairs.

``train_supernet.py`` trains the supernet; ``train_network.py`` one network and ``train_pair.py`` a
little and a big one together, by a recipe (``recipe.py``) and a method (``methods/``); ``front.py``
takes the pairs of a searched front through training, evaluation and export.
"""
