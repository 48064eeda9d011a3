"""Quantities with sizes: the same walk on their components, and what it comes to as matrices."""
