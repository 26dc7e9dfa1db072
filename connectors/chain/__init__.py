"""The chain: JSON-RPC, contracts, signing, and the local node process."""
