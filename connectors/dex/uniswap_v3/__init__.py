"""Uniswap V3 pools."""
