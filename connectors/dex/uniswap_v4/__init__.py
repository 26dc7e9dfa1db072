"""Uniswap V4 pools without hooks, in the pool manager."""
