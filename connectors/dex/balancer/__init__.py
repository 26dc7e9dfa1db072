"""Balancer V2 weighted and composable stable pools, in the vault."""
