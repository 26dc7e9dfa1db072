"""Centralised exchanges: real ones through ccxt, and a simulated one on our own book."""
