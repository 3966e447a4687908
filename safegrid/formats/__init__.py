"""Other people's files: `read_…` and `write_…` that give and take `Episodes`."""
