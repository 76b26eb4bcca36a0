"""How good the searchers are: the comparisons of ``searchers.md``, one step a file."""
