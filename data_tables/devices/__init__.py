"""Device profiles (one JSON each) and the scripts that made them."""
