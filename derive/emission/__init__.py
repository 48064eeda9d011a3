"""Code that computes what a page says: a derivation written as functions of a programming language."""
