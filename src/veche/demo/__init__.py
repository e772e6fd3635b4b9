"""A small city before your eyes."""
