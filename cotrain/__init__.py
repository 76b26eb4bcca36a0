"""Training: the weight-sharing supernet, and networks that inherit from it."""
