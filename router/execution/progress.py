"""What an order has done and what it still has to work with, read from the ledger alone.

The ledger is the only memory: after a crash the same questions have the same answers. All
functions run inside a unit of work.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from router.domain.assets import Asset
from router.domain.ledger import Hold, HoldState, user_account
from router.domain.orders import OrderState, OrderStatus, SwapMode, SwapOrder
from router.domain.settlement import Intent, Outcome
from router.execution.parts import Parts
from router.ledger import place_hold, void_hold
from router.ports import UnitOfWork

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Units of one asset, held for an order, that still have to become its output.

    `least_out_units` is the least that all of it has to bring when it is sold; None when the order
    buys an exact output and only the size of the hold limits what is paid.
    """

    hold_id: str
    asset: Asset
    units: int
    least_out_units: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Base units of the order's input that were spent and of its output that were received."""

    spent_units: int
    received_units: int


def progress_of(uow: UnitOfWork, order: SwapOrder) -> Progress:
    """Sum what the order's journals took from the client and gave to the client."""
    account = user_account(order.account)
    sums = {order.asset_in.symbol: 0, order.asset_out.symbol: 0}
    after = 0
    while page := uow.ledger.journals(after, _PAGE, order.order_id):
        for posted in page:
            for entry in posted.journal.entries:
                if entry.account == account and entry.asset in sums:
                    sums[entry.asset] -= entry.units  # A credit is negative: it adds to a client.
        after = page[-1].sequence
    spent, received = -sums[order.asset_in.symbol], sums[order.asset_out.symbol]
    assert 0 <= spent <= order.max_in_units, order.order_id
    assert received >= 0, order.order_id
    return Progress(spent_units=spent, received_units=received)


def traces_of(uow: UnitOfWork, order_id: str) -> int:
    """Return how many transactions and journals an order has; it grows with each of its acts."""
    journals = len(uow.ledger.journals(0, _PAGE, order_id))
    return len(uow.settlement.intents(reference=order_id)) + journals


def pending_holds(uow: UnitOfWork, order: SwapOrder) -> list[Hold]:
    """Return the order's holds that are not in a transaction and still set something aside."""
    taken = {intent.hold_id for intent, _ in open_intents(uow, order.order_id)}
    return [
        hold
        for hold in uow.ledger.holds(user_account(order.account))
        if hold.reference == order.order_id and hold.hold_id not in taken and hold.remaining_units
    ]


def open_intents(uow: UnitOfWork, order_id: str) -> list[tuple[Intent, int]]:
    """Return the order's transactions that are not final, each with its number of attempts."""
    found = uow.settlement.intents(open_only=True, reference=order_id)
    return [(intent, len(attempts)) for intent, attempts in found]


def parcels_of(uow: UnitOfWork, order: SwapOrder, assets: Sequence[Asset]) -> list[Parcel]:
    """Return what is left to work with, intermediate assets first; unlisted assets are left out.

    In an exact-in order each parcel has to bring its own part of the limit, and the last one also
    what earlier parts lost against theirs.
    """
    by_symbol = {asset.symbol: asset for asset in assets}
    holds = [hold for hold in pending_holds(uow, order) if hold.asset in by_symbol]
    holds.sort(key=lambda hold: hold.asset == order.asset_in.symbol)
    leasts = [_least_out(uow, order, hold) for hold in holds]
    if order.mode is SwapMode.EXACT_IN and leasts:
        received = progress_of(uow, order).received_units
        leasts[-1] += max(0, order.limit_units - received - sum(leasts))
    return [
        Parcel(
            hold_id=hold.hold_id,
            asset=by_symbol[hold.asset],
            units=hold.remaining_units,
            least_out_units=None if _buys_exactly(order, hold) else least,
        )
        for hold, least in zip(holds, leasts, strict=True)
    ]


def _buys_exactly(order: SwapOrder, hold: Hold) -> bool:
    return order.mode is SwapMode.EXACT_OUT and hold.asset == order.asset_in.symbol


def _least_out(uow: UnitOfWork, order: SwapOrder, hold: Hold) -> int:
    """Return a parcel's own part of the limit: by size for the input, as planned for others."""
    if _buys_exactly(order, hold):
        return 0
    if hold.asset == order.asset_in.symbol:
        return -(-hold.remaining_units * order.limit_units // order.amount_units)
    for intent, _ in reversed(uow.settlement.intents(reference=order.order_id)):
        planned = json.loads(intent.details).get("then", {}).get(hold.asset)
        bought = uow.ledger.hold(_hold_of_bought(intent, hold.asset))
        if planned is not None and bought is not None:
            # All that was bought has to bring what was planned, whether it was less or more.
            return -(-hold.remaining_units * int(planned) // bought.units)
    return 1


def _hold_of_bought(intent: Intent, symbol: str) -> str:
    return f"{intent.intent_id}:{symbol}"


def details_of(order: SwapOrder, parts: Parts) -> str:
    """Return an intent's details: whose swap it is, and the least that the books are to make of
    each asset it buys for them."""
    assert parts.chain is not None, order.order_id
    then: dict[str, int] = {}
    for item in parts.book:
        symbol = item.leg.asset_in.symbol
        if item.leg.asset_in != parts.chain.asset_in:
            then[symbol] = then.get(symbol, 0) + item.minimum_units
    body = {"account": order.account, "then": {name: str(out) for name, out in then.items()}}
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def swap_ended(uow: UnitOfWork, outcome: Outcome) -> None:
    """Note an order's progress in the database transaction that settles or reverts its swap.

    What came back is held again and what was bought on the way is held too, both before anybody
    else can spend it.
    """
    state = uow.orders.by_id(outcome.intent.reference)
    assert state is not None, outcome.intent.reference
    hold = uow.ledger.hold(outcome.intent.hold_id)
    assert hold is not None, outcome.intent.intent_id
    if hold.state is HoldState.VOIDED:
        _hold_again(uow, state.order, hold)
    else:
        _hold_intermediates(uow, state.order, outcome)
    save_progress(uow, state.order.order_id)


def _hold_again(uow: UnitOfWork, order: SwapOrder, returned: Hold) -> None:
    """Hold for the order what a transaction that moved nothing gave back, together with the rest.

    Inside the transaction that returned it, so that nobody else can spend it in between.
    """
    rest = [hold for hold in pending_holds(uow, order) if hold.asset == returned.asset]
    for hold in rest:
        void_hold(uow.ledger, hold.hold_id)
    place_hold(
        uow.ledger,
        f"{returned.hold_id}:again",
        returned.account,
        returned.asset,
        returned.units + sum(hold.remaining_units for hold in rest),
        order.order_id,
    )


def _hold_intermediates(uow: UnitOfWork, order: SwapOrder, outcome: Outcome) -> None:
    """Hold for the order what a swap delivered for the books to trade on."""
    own = {order.asset_in.symbol, order.asset_out.symbol}
    for move in outcome.movements:
        units = move.received_units - move.spent_units
        if units > 0 and move.asset.symbol not in own:
            place_hold(
                uow.ledger,
                _hold_of_bought(outcome.intent, move.asset.symbol),
                user_account(order.account),
                move.asset.symbol,
                units,
                order.order_id,
            )


def save_progress(uow: UnitOfWork, order_id: str) -> OrderState:
    """Store what the ledger says about an order that goes on."""
    state = uow.orders.by_id(order_id)
    assert state is not None, order_id
    progress = progress_of(uow, state.order)
    updated = replace(
        state,
        status=OrderStatus.EXECUTING,
        spent_units=progress.spent_units,
        received_units=progress.received_units,
    )
    uow.orders.update(updated)
    return updated


def finish(uow: UnitOfWork, order_id: str, reason: str) -> OrderState:
    """End an order: return what is still held and say how it went. Idempotent.

    Settled means that the client got what the order asked for: at least the limit, or the exact
    output. Nothing of it may be in a transaction any more.
    """
    state = uow.orders.by_id(order_id)
    assert state is not None, order_id
    if state.status.is_final:
        return state
    assert not open_intents(uow, order_id), order_id
    for hold in uow.ledger.holds(user_account(state.order.account)):
        if hold.reference == order_id:
            void_hold(uow.ledger, hold.hold_id)
    progress = progress_of(uow, state.order)
    status = _final_status(state.order, progress)
    final = replace(
        state,
        status=status,
        spent_units=progress.spent_units,
        received_units=progress.received_units,
        reason="" if status is OrderStatus.SETTLED else reason,
    )
    uow.orders.update(final)
    return final


def _final_status(order: SwapOrder, progress: Progress) -> OrderStatus:
    is_exact_in = order.mode is SwapMode.EXACT_IN
    wanted = order.limit_units if is_exact_in else order.amount_units
    if progress.received_units >= max(wanted, 1):
        return OrderStatus.SETTLED
    return OrderStatus.PARTLY_SETTLED if progress.spent_units else OrderStatus.RETURNED
