"""The table ``fbnet-fashion-mnist``, its weights, and what is true of it alone."""
