"""Chains: JSON-RPC, multicall, signing, the Anvil process and our contracts' artifacts."""
