"""The rules of double entry over a ledger store. Pure: called inside a unit of work, no I/O."""

from router.ledger.audit import LedgerAudit, verify
from router.ledger.canonical import GENESIS_HASH, chain_hash, fingerprint
from router.ledger.holds import HoldPart, place_hold, split_hold, void_hold
from router.ledger.posting import HoldSpend, available_units, post, post_hold

__all__ = [
    "GENESIS_HASH",
    "HoldPart",
    "HoldSpend",
    "LedgerAudit",
    "available_units",
    "chain_hash",
    "fingerprint",
    "place_hold",
    "post",
    "post_hold",
    "split_hold",
    "verify",
    "void_hold",
]
