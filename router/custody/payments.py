"""What a payment of ours did besides paying: only the recipient's own code can add to it."""

import structlog

from router.domain.errors import FailureError
from router.domain.ledger import SUSPENSE, Entry, wallet_account
from router.domain.settlement import Outcome

_log = structlog.get_logger(part="custody")


def require_paid(outcome: Outcome, symbol: str, units: int) -> tuple[Entry, ...]:
    """Check that exactly `units` of one asset left; return entries for what came back with it.

    A recipient with code may send us listed tokens while it is paid. That must not stop the
    payment from being booked, or anybody could freeze the signer: it goes to suspense.

    Raises:
        FailureError: EVIDENCE_MISMATCH, nothing, another amount or another asset left.
    """
    spent = {m.asset.symbol: m.spent_units for m in outcome.movements if m.spent_units}
    if spent != {symbol: units}:
        raise FailureError(
            "EVIDENCE_MISMATCH",
            f"{outcome.receipt.tx_hash} spent {spent} instead of {units} base units of {symbol}.",
        )
    wallet = wallet_account(outcome.intent.sender)
    entries: list[Entry] = []
    for move in outcome.movements:
        if move.received_units:
            asset, back = move.asset.symbol, move.received_units
            _log.warning("payment_came_back", tx=outcome.receipt.tx_hash, asset=asset, units=back)
            entries.append(Entry(account=wallet, asset=asset, units=back))
            entries.append(Entry(account=SUSPENSE, asset=asset, units=-back))
    return tuple(entries)
