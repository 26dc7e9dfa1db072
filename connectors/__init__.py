"""Adapters to other people's systems: chains, DEX protocols, CEX venues."""
