"""Pools of decentralised exchanges: read whole, kept current from logs, encoded as swaps."""
