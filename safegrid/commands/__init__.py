"""What `python -m safegrid` can be asked for, a module a subject."""
