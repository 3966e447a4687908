"""Figures that can be touched: the classes for notebooks, and the page's script and style."""
