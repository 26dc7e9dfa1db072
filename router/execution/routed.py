"""Runs routed orders: on chain first, then the books; what fails is routed again or returned.

The database is the only memory. `route` and `resume` drive the same loop, which asks the ledger
what the order still has to work with, so a crash between any two lines loses and repeats nothing.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from router.domain.amounts import Amount
from router.domain.assets import AssetRegistry
from router.domain.errors import FailureError, OutcomeUnknown, RouterError
from router.domain.orders import OrderState, OrderStatus, SwapOrder
from router.domain.routes import Quote
from router.domain.settlement import Intent, IntentKind, IntentSpec, IntentState, TxRequest
from router.domain.taking import WorstAverage
from router.execution.acceptance import Acceptance, Quoting
from router.execution.allowance import PermitAllowance
from router.execution.book_legs import BookLegs, BookOutcome
from router.execution.events import (
    OrderEvent,
    OrderEventKind,
    OrderObserver,
    ignore_order_events,
)
from router.execution.parts import BookLeg, ChainPart, Parts, parts_of
from router.execution.planning import Planner
from router.execution.preflight import Preflight, WouldRevert
from router.execution.progress import (
    Parcel,
    details_of,
    finish,
    open_intents,
    parcels_of,
    pending_holds,
    save_progress,
    traces_of,
)
from router.execution.terms import order_of
from router.ledger import HoldPart, split_hold
from router.ports import Clock, Database, Signer, SwapEncoder, TransactionSender, UnitOfWork
from router.risk.checks import RiskLimits
from router.telemetry import logger

_log = logger("execution")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionConfig:
    """`attempts` bounds how often one order is planned; `order_ttl_ms` is its default life.

    `inclusion_timeout_s` is how long a call watches one transaction; the order itself waits on.
    """

    chain_id: int
    order_ttl_ms: int = 120_000
    attempts: int = 3
    inclusion_timeout_s: float = 60.0


class _Stop(Exception):
    """Ends the loop of one order: nothing more can be done, or the chain has to answer first."""

    def __init__(self, reason: str, *, is_waiting: bool = False) -> None:
        super().__init__(reason)
        self.is_waiting = is_waiting


class RoutedExecution:
    """Accepts and drives routed orders. One instance per data directory."""

    def __init__(
        self,
        *,
        database: Database,
        sender: TransactionSender,
        encoder: SwapEncoder,
        signer: Signer,
        allowance: PermitAllowance,
        preflight: Preflight,
        book_legs: BookLegs,
        quoting: Quoting,
        registry: AssetRegistry,
        clock: Clock,
        config: ExecutionConfig,
        limits: RiskLimits,
        observer: OrderObserver = ignore_order_events,
    ) -> None:
        self._database = database
        self._sender = sender
        self._encoder = encoder
        self._signer = signer
        self._allowance = allowance
        self._preflight = preflight
        self._book_legs = book_legs
        self._planner = Planner(database, quoting)
        self._registry = registry
        self._clock = clock
        self._config = config
        self._acceptance = Acceptance(database, quoting, clock, limits, sender.address)
        self._observer = observer
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def route(
        self,
        quote: Quote,
        *,
        account: str,
        client_order_id: str,
        deadline_s: int | None = None,
    ) -> OrderState:
        """Accept an order on a quote and drive it until it is final or waits for the chain.

        The same `client_order_id` with the same terms returns that order and goes on with it.

        Raises:
            UsageError: IDEMPOTENCY_CONFLICT, or what quoting raises.
            FailureError: QUOTE_STALE, INSUFFICIENT_BALANCE, ORDER_LIMIT_EXCEEDED, PRICE_GUARD,
                DEADLINE_EXPIRED, SIGNER_FROZEN or CHAIN_UNAVAILABLE; nothing was held.
        """
        now_ms = self._clock.now_ms()
        if deadline_s is None:
            now_s = max(now_ms // 1_000, quote.block.timestamp_s)
            deadline_s = now_s + -(-self._config.order_ttl_ms // 1_000)
        order = order_of(
            quote,
            account=account,
            client_order_id=client_order_id,
            deadline_s=deadline_s,
            now_ms=now_ms,
        )
        async with self._lock_of(order.order_id):
            if await self._acceptance.known(order) is not None:
                return await self._drive(order.order_id, None)
            fresh = await self._acceptance.fresh(quote)
            await self._acceptance.accept(order, fresh)
            self._tell(
                order,
                OrderEventKind.ACCEPTED,
                held=str(Amount(order.max_in_units, order.asset_in)),
            )
            return await self._drive(order.order_id, fresh)

    async def drive(self, order_id: str) -> OrderState:
        """Take an order as far as it goes; returns it unfinished only when the chain is awaited.

        Raises:
            FailureError: NOT_FOUND.
        """
        async with self._lock_of(order_id):
            return await self._drive(order_id, None)

    def _lock_of(self, order_id: str) -> asyncio.Lock:
        """One call at a time works on an order; the lock lives as long as somebody uses it."""
        return self._locks.setdefault(order_id, asyncio.Lock())

    async def resume(self, *, patient: bool = True) -> list[OrderState]:
        """Go on with unfinished orders; call it after settlement has resumed or moved on.

        Without patience, orders that somebody works on or that wait for the chain are left alone,
        so that a timer never waits for them.
        """

        def ready(uow: UnitOfWork) -> list[str]:
            ids = [state.order.order_id for state in uow.orders.unfinished()]
            return [order_id for order_id in ids if patient or not open_intents(uow, order_id)]

        driven: list[OrderState] = []
        for order_id in await self._database.read(ready):
            if not patient and self._lock_of(order_id).locked():
                continue
            try:
                driven.append(await self.drive(order_id))
            except RouterError as error:
                # It stays open and held, and its next turn comes; the others go on.
                _log.warning("order_left_open", order_id=order_id, code=error.code)
        return driven

    # -- driving --------------------------------------------------------------------------------

    async def _drive(self, order_id: str, first: Quote | None) -> OrderState:
        state = await self._state(order_id)
        if state.status.is_final:
            return state
        order, reason = state.order, ""
        avoided: set[str] = set()
        try:
            await self._await_open(order)
            for attempt in range(self._config.attempts):
                parcels = await self._parcels(order)
                if not parcels:
                    break
                tag = f"{await self._traces(order)}.{attempt}.{self._clock.now_ms():x}"
                is_first = state.status is OrderStatus.ACCEPTED and attempt == 0
                reason = await self._round(
                    order, parcels, tag, first, is_first=is_first, avoided=avoided
                )
                first = None
        except _Stop as stop:
            if stop.is_waiting:
                self._tell(order, OrderEventKind.WAITING, reason=str(stop))
                return await self._state(order_id)
            reason = str(stop)
        return await self._finish(order, reason)

    async def _round(
        self,
        order: SwapOrder,
        parcels: Sequence[Parcel],
        tag: str,
        first: Quote | None,
        *,
        is_first: bool,
        avoided: set[str],
    ) -> str:
        """Work on each parcel once; return why something was left, empty when nothing was.

        Venues that are of no use to this order any more are added to `avoided`.

        Raises:
            _Stop: no parcel could be worked on, so another round would not help either.
        """
        reason, moved = "", False
        for number, parcel in enumerate(parcels):
            self._require_time(order)
            try:
                quote, required = await self._planner.plan(
                    order, parcel, first, is_first=is_first, avoided=avoided
                )
            except RouterError as error:
                _require_decided(error)
                reason = _reason(error)
                continue
            parts = parts_of(quote, required)
            self._tell(
                order,
                OrderEventKind.PLANNED,
                quote=quote.quote_id,
                legs=str(len(quote.legs)),
                out=str(quote.amount_out),
            )
            key = f"{order.order_id}:{tag}.{number}"
            reason = await self._run(order, parcel, parts, key, avoided)
            moved = True
        if not moved:
            raise _Stop(reason)
        return reason

    async def _run(
        self, order: SwapOrder, parcel: Parcel, parts: Parts, key: str, avoided: set[str]
    ) -> str:
        """Run one plan: its transaction, then its book legs; return why something was left."""
        if parts.chain is not None:
            refusal = await self._run_chain(order, parcel, parts, parts.chain, key)
            if refusal:
                return refusal
        reason = ""
        for number, item in enumerate(parts.book):
            self._require_time(order)
            missed = await self._run_book(order, parcel, item, f"{key}:b{number}", avoided)
            reason = missed or reason
        return reason

    async def _run_chain(
        self, order: SwapOrder, parcel: Parcel, parts: Parts, chain: ChainPart, key: str
    ) -> str:
        """Send the plan's transaction; return why it moved nothing, empty when it settled.

        Raises:
            _Stop: it is not final in time, or it cannot be sent at all.
            FailureError: STORAGE_ERROR, it may be on its way; the order stays open.
        """
        try:
            await self._allowance.ensure(chain.asset_in, chain.amount_in_units)
            spec = IntentSpec(
                key=key,
                kind=IntentKind.SWAP,
                request=await self._cleared(order, chain, key),
                reference=order.order_id,
                hold_id=key,
                details=details_of(order, parts),
            )
            intent = await self._sender.submit(spec, _splitting(order, parcel, chain, key))
        except WouldRevert as refusal:
            self._tell(order, OrderEventKind.NOT_SENT, reason=refusal.message)
            return _reason(refusal)
        except FailureError as error:
            _require_decided(error)
            raise _Stop(_reason(error)) from error
        except TimeoutError as error:
            raise _Stop("CHAIN_UNAVAILABLE: The node did not answer in time.") from error
        self._tell(order, OrderEventKind.SUBMITTED, intent=intent.intent_id)
        return await self._await_intent(order, intent)

    async def _cleared(self, order: SwapOrder, chain: ChainPart, key: str) -> TxRequest:
        """Return the plan's transaction after it ran on the latest state without being sent."""
        plan_id = hashlib.sha256(key.encode()).digest()
        request = self._encoder.encode(
            plan_id=plan_id,
            legs=chain.legs,
            amount_in_units=chain.amount_in_units,
            minimums=chain.minimums,
            # Unordered, so a plan that is never mined blocks no other.
            permit_nonce=int.from_bytes(plan_id),
            deadline_s=order.deadline_s,
            signer=self._signer,
            chain_id=self._config.chain_id,
        )
        return await self._preflight.cleared(request, self._sender.address)

    async def _await_open(self, order: SwapOrder) -> None:
        """Wait for what an earlier run of this order left in the chain's hands."""
        waiting = await self._database.read(lambda uow: open_intents(uow, order.order_id))
        for intent, _ in waiting:
            await self._await_intent(order, intent)

    async def _await_intent(self, order: SwapOrder, intent: Intent) -> str:
        try:
            async with asyncio.timeout(self._config.inclusion_timeout_s):
                ended = await self._sender.result(intent.intent_id)
        except TimeoutError as error:
            raise _Stop(
                "OUTCOME_UNKNOWN: The transaction is not final yet.", is_waiting=True
            ) from error
        if ended.state is IntentState.SETTLED:
            self._tell(order, OrderEventKind.MINED, intent=intent.intent_id)
            return ""
        if ended.state is IntentState.REVERTED:
            self._tell(order, OrderEventKind.REVERTED, intent=intent.intent_id)
            return "CONTRACT_REVERTED: The market moved beyond the plan's minimum."
        raise _Stop("OUTCOME_UNKNOWN: The transaction needs an operator.", is_waiting=True)

    async def _run_book(
        self, order: SwapOrder, parcel: Parcel, item: BookLeg, key: str, avoided: set[str]
    ) -> str:
        symbol = item.leg.asset_in.symbol
        is_own = item.leg.asset_in == parcel.asset

        def source(uow: UnitOfWork) -> tuple[str, int]:
            found = [
                (hold.remaining_units, hold.hold_id)
                for hold in pending_holds(uow, order)
                if hold.asset == symbol and (not is_own or hold.hold_id == parcel.hold_id)
            ]
            available, hold_id = max(found, default=(0, ""))
            return hold_id, available

        hold_id, available = await self._database.read(source)
        # Less than planned has to bring as much; of more, the planned part has to.
        whole = item.leg.amount_in_units if is_own else min(available, item.leg.amount_in_units)
        try:
            outcome = await self._book_legs.place(
                item.leg,
                key=key,
                account=order.account,
                hold_id=hold_id,
                available_units=available,
                worst=WorstAverage(received_units=item.minimum_units, paid_units=max(whole, 1)),
                order_id=order.order_id,
            )
        except OutcomeUnknown as error:
            raise _Stop(_reason(error), is_waiting=True) from error
        if outcome.met_itself:
            avoided.add(item.leg.venue_id)
        if outcome.fill is None or outcome.fill.filled_lots == 0:
            reason = _miss(outcome)
            self._tell(order, OrderEventKind.BOOK_MISSED, venue=item.leg.venue_id, reason=reason)
            return reason
        await self._database.write(lambda uow: save_progress(uow, order.order_id))
        self._tell(
            order,
            OrderEventKind.BOOK_FILLED,
            venue=item.leg.venue_id,
            lots=str(outcome.fill.filled_lots),
            received=str(Amount(outcome.fill.received_units, item.leg.asset_out)),
        )
        return ""

    # -- the rest -------------------------------------------------------------------------------

    async def _finish(self, order: SwapOrder, reason: str) -> OrderState:
        final = await self._database.write(lambda uow: finish(uow, order.order_id, reason))
        returned = order.max_in_units - final.spent_units
        if returned:
            self._tell(order, OrderEventKind.RETURNED, amount=str(Amount(returned, order.asset_in)))
        self._tell(order, OrderEventKind.FINISHED, status=final.status.value, reason=final.reason)
        return final

    async def _state(self, order_id: str) -> OrderState:
        state = await self._database.read(lambda uow: uow.orders.by_id(order_id))
        if state is None:
            raise FailureError("NOT_FOUND", f"There is no order {order_id}.")
        return state

    async def _parcels(self, order: SwapOrder) -> list[Parcel]:
        assets = tuple(self._registry)
        return await self._database.read(lambda uow: parcels_of(uow, order, assets))

    async def _traces(self, order: SwapOrder) -> int:
        """Count what the order has left behind so far, so that no key of a plan is used twice."""
        return await self._database.read(lambda uow: traces_of(uow, order.order_id))

    def _require_time(self, order: SwapOrder) -> None:
        if self._clock.now_ms() // 1_000 >= order.deadline_s:
            raise _Stop("DEADLINE_EXPIRED: The order's deadline has passed.")

    def _tell(self, order: SwapOrder, kind: OrderEventKind, **facts: str) -> None:
        event = OrderEvent(
            order_id=order.order_id, kind=kind, at_ms=self._clock.now_ms(), facts=facts
        )
        _log.info("order_event", kind=kind.value, order_id=order.order_id, **facts)
        self._observer(event)


def _splitting(
    order: SwapOrder, parcel: Parcel, chain: ChainPart, hold_id: str
) -> Callable[[UnitOfWork, Intent], None]:
    """Return what goes into the intent's own transaction: its part of the hold, and the state."""

    def split(uow: UnitOfWork, _intent: Intent) -> None:
        part = HoldPart(hold_id=hold_id, units=chain.amount_in_units, reference=order.order_id)
        split_hold(uow.ledger, parcel.hold_id, [part])
        save_progress(uow, order.order_id)

    return split


def _miss(outcome: BookOutcome) -> str:
    if outcome.met_itself:
        return "The client's own order is in front."
    return f"{outcome.code}: {outcome.message}" if outcome.code else "The book moved."


def _require_decided(error: RouterError) -> None:
    """Raise what leaves open whether something was kept: such an order must not be ended."""
    if error.code == "STORAGE_ERROR":
        raise error


def _reason(error: RouterError) -> str:
    return f"{error.code}: {error.message}"
