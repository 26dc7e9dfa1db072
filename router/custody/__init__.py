"""Hot and cold wallets: opening the books, deposits, withdrawals, sweeps, refills."""

from router.custody.config import CustodyConfig
from router.custody.deposits import DepositScanner, ScanResult
from router.custody.opening import open_books
from router.custody.service import CustodyService
from router.custody.sweeps import SweepSettlement
from router.custody.withdrawals import WithdrawalSettlement

__all__ = [
    "CustodyConfig",
    "CustodyService",
    "DepositScanner",
    "ScanResult",
    "SweepSettlement",
    "WithdrawalSettlement",
    "open_books",
]
