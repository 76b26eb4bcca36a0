"""Data that ships: benchmark tables, device profiles, and the scripts that made them."""
