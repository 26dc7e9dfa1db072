"""The local chain: real Anvil, real Uniswap contracts at their mainnet addresses, seeded pools."""
