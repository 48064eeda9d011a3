"""Exercises: answers read, audited and graded; answer keys and their variants."""
