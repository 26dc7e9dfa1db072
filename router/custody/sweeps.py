"""Sweeps: what the hot wallet holds above its high mark goes to the cold wallet.

A sweep never takes what is already promised: open holds of clients count against it. Liabilities as
a whole may well exceed what is left hot, since the cold wallet covers them too.
"""

import asyncio
import json
from dataclasses import dataclass, field

from router.custody.config import CustodyConfig
from router.custody.payments import require_paid
from router.domain.bookings import gas_journal, settle_key
from router.domain.custody import Marks, RefillRequest
from router.domain.ledger import Entry, Journal, JournalKind, gas_entries, wallet_account
from router.domain.settlement import Intent, IntentKind, IntentSpec, Outcome
from router.domain.transfers import PLAIN_TRANSFER_GAS, transfer_request
from router.ledger import available_units, place_hold, post, post_hold, void_hold
from router.ports import ChainAudit, Clock, Database, TransactionSender, UnitOfWork

_GAS_MARGIN_PERCENT = 110


@dataclass(frozen=True, slots=True)
class _SweepPlan:
    marks: Marks
    units: int


@dataclass(frozen=True, slots=True)
class Sweeps:
    """Moves excess from hot to cold, one sweep per asset at a time."""

    database: Database
    sender: TransactionSender
    audit: ChainAudit
    clock: Clock
    config: CustodyConfig
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def sweep(self) -> tuple[Intent, ...]:
        """Accept a sweep for each asset above its high mark; settlement sends them.

        Raises:
            FailureError: SIGNER_FROZEN, SIGNER_REFUSED; OrderRejected when a transfer would revert.
            VenueUnavailable, TimeoutError: the node does not answer.
        """
        # What one call plans the next one has to see as busy.
        async with self._one_at_a_time:
            plans = await self.database.read(self._plans)
            return tuple([await self._submit(plan) for plan in plans])

    async def refill_requests(self) -> tuple[RefillRequest, ...]:
        """Return what cold has to send to bring each asset below its low mark up to target.

        A request is derived from the ledger and so cannot be lost: it stands until the refill is
        booked as a deposit from the cold wallet.
        """

        def requests(uow: UnitOfWork) -> tuple[RefillRequest, ...]:
            wallet = wallet_account(self.config.hot)
            levels = [
                (marks, available_units(uow.ledger, wallet, marks.asset.symbol))
                for marks in self.config.marks
            ]
            return tuple(
                RefillRequest(asset=marks.asset, ledger_units=units, units=marks.target - units)
                for marks, units in levels
                if units < marks.low
            )

        return await self.database.read(requests)

    def _plans(self, uow: UnitOfWork) -> list[_SweepPlan]:
        wallet = wallet_account(self.config.hot)
        busy = {
            json.loads(intent.details)["asset"]
            for intent, _ in uow.settlement.intents(open_only=True)
            if intent.kind is IntentKind.SWEEP
        }
        plans = []
        for marks in self.config.marks:
            symbol = marks.asset.symbol
            held = available_units(uow.ledger, wallet, symbol)
            promised = sum(balance.held for balance in uow.ledger.balances("user", symbol))
            units = min(held - marks.target, held - promised)
            if held > marks.high and units > 0 and symbol not in busy:
                plans.append(_SweepPlan(marks, units))
        return plans

    async def _submit(self, plan: _SweepPlan) -> Intent:
        asset, cold = plan.marks.asset, self.config.cold
        draft = transfer_request(asset, cold, plan.units, PLAIN_TRANSFER_GAS)
        async with asyncio.timeout(self.config.call_timeout_s):
            estimate = await self.audit.estimate_gas(self.sender.address, draft)
        reference = f"sweep-{asset.symbol}-{self.clock.now_ms()}"
        hold_id = f"hold:{reference}"

        def hold(uow: UnitOfWork, _intent: Intent) -> None:
            place_hold(
                uow.ledger,
                hold_id,
                wallet_account(self.config.hot),
                asset.symbol,
                plan.units,
                reference,
            )

        details = {"asset": asset.symbol, "cold": cold, "units": str(plan.units)}
        gas_limit = estimate * _GAS_MARGIN_PERCENT // 100
        spec = IntentSpec(
            key=reference,
            kind=IntentKind.SWEEP,
            request=transfer_request(asset, cold, plan.units, gas_limit),
            reference=reference,
            hold_id=hold_id,
            details=json.dumps(details, sort_keys=True, separators=(",", ":")),
        )
        return await self.sender.submit(spec, hold)


class SweepSettlement:
    """Handler of sweeps: one asset of ours becomes another asset of ours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def settled(self, uow: UnitOfWork, outcome: Outcome) -> None:
        """Book the move from hot to cold and its gas in one journal.

        Raises:
            FailureError: EVIDENCE_MISMATCH, another amount moved.
        """
        intent = outcome.intent
        details = json.loads(intent.details)
        asset, units = details["asset"], int(details["units"])
        came_back = require_paid(outcome, asset, units)
        hot, cold = wallet_account(intent.sender), wallet_account(details["cold"])
        gas = gas_entries(hot, outcome.gas_asset.symbol, outcome.receipt.gas_cost_wei)
        journal = Journal(
            key=settle_key(intent.intent_id),
            kind=JournalKind.SWEEP,
            entries=(
                Entry(account=cold, asset=asset, units=units),
                Entry(account=hot, asset=asset, units=-units),
                *came_back,
                *gas,
            ),
            memo=outcome.receipt.tx_hash,
            reference=intent.reference,
        )
        post_hold(uow.ledger, intent.hold_id, journal, self._clock.now_ms())

    def reverted(self, uow: UnitOfWork, outcome: Outcome) -> None:
        """Return the hold; the gas is ours to bear."""
        void_hold(uow.ledger, outcome.intent.hold_id)
        journal = gas_journal(outcome)
        if journal is not None:
            post(uow.ledger, journal, self._clock.now_ms())
