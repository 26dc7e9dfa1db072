"""What open orders need held, told to reconciliation from the same snapshot as the balances."""

from collections.abc import Callable, Iterable

from router.domain.custody import HoldNeed
from router.domain.ledger import Hold, user_account
from router.domain.market import Instrument
from router.domain.orders import OrderState
from router.execution.own_book_trade import pay_asset
from router.execution.own_book_work import needed_units
from router.execution.progress import open_intents, pending_holds, progress_of
from router.ports import UnitOfWork


def hold_needs(instruments: Iterable[Instrument]) -> Callable[[UnitOfWork], list[HoldNeed]]:
    """Return the question for one set of instruments."""
    by_symbol = {instrument.symbol: instrument for instrument in instruments}

    def needs(uow: UnitOfWork) -> list[HoldNeed]:
        return [*_of_book(uow, by_symbol), *_of_routed(uow)]

    return needs


def _of_book(uow: UnitOfWork, instruments: dict[str, Instrument]) -> list[HoldNeed]:
    return [
        HoldNeed(
            hold_id=order.hold_id,
            account=order.account,
            asset=pay_asset(instruments[order.instrument], order.side).symbol,
            units=needed_units(instruments[order.instrument], order),
        )
        for order in uow.book.open_orders()
        if order.instrument in instruments
    ]


def _of_routed(uow: UnitOfWork) -> list[HoldNeed]:
    found: list[HoldNeed] = []
    for state in uow.orders.unfinished():
        holds = pending_holds(uow, state.order)
        own = [hold for hold in holds if hold.asset == state.order.asset_in.symbol]
        found += [_need(hold, hold.remaining_units) for hold in holds if hold not in own]
        # What is left of the input is one hold, and its size follows from the order alone.
        left = _left_of_input(uow, state)
        if own or left:
            hold_id = own[0].hold_id if own else state.hold_id
            found.append(
                HoldNeed(
                    hold_id=hold_id,
                    account=user_account(state.order.account),
                    asset=state.order.asset_in.symbol,
                    units=left,
                )
            )
    return found


def _left_of_input(uow: UnitOfWork, state: OrderState) -> int:
    order = state.order
    in_flight = 0
    for intent, _ in open_intents(uow, order.order_id):
        hold = uow.ledger.hold(intent.hold_id)
        if hold is not None and hold.asset == order.asset_in.symbol:
            in_flight += hold.remaining_units
    return order.max_in_units - progress_of(uow, order).spent_units - in_flight


def _need(hold: Hold, units: int) -> HoldNeed:
    return HoldNeed(hold_id=hold.hold_id, account=hold.account, asset=hold.asset, units=units)
