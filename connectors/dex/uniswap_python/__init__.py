"""The `uniswap-python` package as an independent quoter and a way to swap on one pool."""
