"""Routing decides: an immutable view of every market goes in, one executable quote comes out."""
