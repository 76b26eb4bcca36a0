"""Evaluators that searchers are handed: table, published table, live supernet, several devices."""
