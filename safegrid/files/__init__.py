"""Files of ours: written whole, and read as if a stranger had written them."""
