"""Journals that more than one service books."""

from router.domain.ledger import Journal, JournalKind, gas_entries, wallet_account
from router.domain.settlement import Outcome


def settle_key(intent_id: str) -> str:
    """The idempotency key of the one journal that ends an intent."""
    return f"settle:{intent_id}"


def gas_journal(outcome: Outcome) -> Journal | None:
    """Return the journal of a transaction that only cost gas; None when even that was free."""
    intent = outcome.intent
    entries = gas_entries(
        wallet_account(intent.sender), outcome.gas_asset.symbol, outcome.receipt.gas_cost_wei
    )
    if not entries:
        return None
    return Journal(
        key=settle_key(intent.intent_id),
        kind=JournalKind.GAS,
        entries=entries,
        memo=outcome.receipt.tx_hash,
        reference=intent.reference,
    )
