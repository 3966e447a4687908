"""Tests of the wing of figures; a package, so that a test may be named as one of another room is."""
