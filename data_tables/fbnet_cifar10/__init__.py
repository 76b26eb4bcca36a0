"""The ``fbnet-cifar10`` table: its data, its card, and the scripts that build it."""
