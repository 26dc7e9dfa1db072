"""Sends transactions so that a crash, a lost reply or a reorganisation never pays twice."""

from router.settlement.config import FeePolicy, SettlementConfig
from router.settlement.handlers import GasOnly, SwapSettlement
from router.settlement.service import SettlementService
from router.settlement.steps import Observer, Step

__all__ = [
    "FeePolicy",
    "GasOnly",
    "Observer",
    "SettlementConfig",
    "SettlementService",
    "Step",
    "SwapSettlement",
]
