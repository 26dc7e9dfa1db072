"""Pools and orders from files: read, quoted and imported without a chain."""
