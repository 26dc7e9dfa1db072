"""Compares ledger, holds, nonces and allowances with the chain, to the base unit."""

from router.reconcile.config import HoldNeeds, ReconcileConfig
from router.reconcile.service import Reconciler

__all__ = ["HoldNeeds", "ReconcileConfig", "Reconciler"]
