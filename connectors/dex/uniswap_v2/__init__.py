"""Uniswap V2 pairs."""
