"""What settlement books by itself: swaps, and transactions that cost gas and move nothing."""

import json
from collections.abc import Callable

from router.domain.bookings import gas_journal, settle_key
from router.domain.errors import FailureError
from router.domain.ledger import (
    Entry,
    Journal,
    JournalKind,
    gas_entries,
    user_account,
    wallet_account,
)
from router.domain.settlement import Outcome
from router.ledger import post, post_hold, void_hold
from router.ports import Clock, UnitOfWork

Then = Callable[[UnitOfWork, Outcome], None]


class GasOnly:
    """Handler of intents whose transaction moves nothing of ours, such as an approval."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def settled(self, uow: UnitOfWork, outcome: Outcome) -> None:
        """Book the gas.

        Raises:
            FailureError: EVIDENCE_MISMATCH, something moved.
        """
        if outcome.movements:
            raise FailureError(
                "EVIDENCE_MISMATCH",
                f"{outcome.receipt.tx_hash} was to move nothing and moved {outcome.movements}.",
            )
        self.reverted(uow, outcome)

    def reverted(self, uow: UnitOfWork, outcome: Outcome) -> None:
        """Book the gas and void the hold, if there is one."""
        if outcome.intent.hold_id:
            void_hold(uow.ledger, outcome.intent.hold_id)
        journal = gas_journal(outcome)
        if journal is not None:
            post(uow.ledger, journal, self._clock.now_ms())


class SwapSettlement:
    """Handler of swaps. `details` names the client: {"account": "alice"}.

    The client gives what left the hot wallet, net and at most the hold, and gets all that arrived.
    `then` runs in the same database transaction afterwards: the order's own progress.
    """

    def __init__(self, clock: Clock, then: Then | None = None) -> None:
        self._clock = clock
        self._then = then
        self._gas_only = GasOnly(clock)

    def settled(self, uow: UnitOfWork, outcome: Outcome) -> None:
        """Book the swap and the gas in one journal, paid from the hold.

        Raises:
            FailureError: EVIDENCE_MISMATCH, nothing was sold, or more than the hold, or an asset
                left that the hold does not cover.
        """
        intent = outcome.intent
        hold = uow.ledger.hold(intent.hold_id)
        assert hold is not None, intent.intent_id
        nets = {
            move.asset.symbol: move.received_units - move.spent_units for move in outcome.movements
        }
        sold = -nets.get(hold.asset, 0)
        stray = [symbol for symbol, net in nets.items() if net < 0 and symbol != hold.asset]
        if stray or not 0 < sold <= hold.remaining_units:
            raise FailureError(
                "EVIDENCE_MISMATCH",
                f"{outcome.receipt.tx_hash} moved {nets}; the hold is {hold.remaining_units} base "
                f"units of {hold.asset}.",
            )
        client = user_account(json.loads(intent.details)["account"])
        wallet = wallet_account(intent.sender)
        entries: list[Entry] = []
        for symbol, net in nets.items():
            if net != 0:
                entries.append(Entry(account=wallet, asset=symbol, units=net))
                entries.append(Entry(account=client, asset=symbol, units=-net))
        gas = gas_entries(wallet, outcome.gas_asset.symbol, outcome.receipt.gas_cost_wei)
        journal = Journal(
            key=settle_key(intent.intent_id),
            kind=JournalKind.SWAP,
            entries=(*entries, *gas),
            memo=outcome.receipt.tx_hash,
            reference=intent.reference,
        )
        post_hold(uow.ledger, intent.hold_id, journal, self._clock.now_ms())
        if self._then is not None:
            self._then(uow, outcome)

    def reverted(self, uow: UnitOfWork, outcome: Outcome) -> None:
        """Return the hold and book the gas, which is ours to bear."""
        self._gas_only.reverted(uow, outcome)
        if self._then is not None:
            self._then(uow, outcome)
