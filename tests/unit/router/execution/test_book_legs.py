"""How many lots a leg can pay for, and what a failed leg says."""

from hypothesis import given
from hypothesis import strategies as st

from router.domain.errors import OrderRejected, OutcomeUnknown
from router.domain.market import Protocol
from router.domain.orders import BookOrder, Side
from router.domain.routes import Leg
from router.domain.taking import TakerFill, TakerOrder, WorstAverage
from router.execution.book_legs import BookLegs, affordable_lots, side_of
from tests.unit.router.execution.execution_world import INSTRUMENT, USDC, WETH

VENUE = "book:WETH/USDC"
WORST = WorstAverage(received_units=1, paid_units=2)


def book_leg(side: Side, lots: int, price_ticks: int) -> Leg:
    base, quote = INSTRUMENT.base_units(lots), INSTRUMENT.quote_units(lots, price_ticks)
    sells = side is Side.SELL
    return Leg(
        venue_id=VENUE,
        protocol=Protocol.BOOK,
        label=VENUE,
        asset_in=WETH if sells else USDC,
        asset_out=USDC if sells else WETH,
        amount_in_units=base if sells else quote,
        amount_out_units=quote if sells else base,
        fee_units=0,
        fee_ppm=500,
        gas=0,
        ticks_crossed=0,
        share_bps=10_000,
        takes_rest=False,
        marginal_price=1.0,
        lots=lots,
        limit_price_ticks=price_ticks,
    )


@given(
    side=st.sampled_from(Side),
    lots=st.integers(1, 10**7),
    price=st.integers(1, 10**6),
    available=st.integers(0, 10**24),
)
def test_a_leg_never_takes_more_lots_than_its_hold_pays_for(
    side: Side, lots: int, price: int, available: int
) -> None:
    leg = book_leg(side, lots, price)
    assert side_of(leg, INSTRUMENT) is side
    affordable = affordable_lots(leg, INSTRUMENT, available)
    paid = (
        INSTRUMENT.base_units(affordable)
        if side is Side.SELL
        else INSTRUMENT.quote_units(affordable, price)
    )
    assert 0 <= paid <= available
    if available >= leg.amount_in_units:
        assert affordable == leg.lots
    assert affordable <= leg.lots


class Desk:
    def __init__(self, answer: TakerFill | Exception) -> None:
        self.answer = answer
        self.orders: list[tuple[TakerOrder, str, str]] = []

    async def place(
        self, order: TakerOrder, *, hold_id: str, worst: WorstAverage, reference: str
    ) -> TakerFill:
        assert worst == WORST
        self.orders.append((order, hold_id, reference))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def open_orders(self, account: str, instrument: str) -> list[BookOrder]:
        raise AssertionError((account, instrument, "a leg that was filled met nothing"))


async def outcome_of(answer: TakerFill | Exception, available: int = 10**20) -> object:
    desk = Desk(answer)
    placed = await BookLegs(desk, {VENUE: INSTRUMENT}).place(
        book_leg(Side.SELL, 10, 300_000),
        key="o1:b0",
        account="alice",
        hold_id="h",
        available_units=available,
        worst=WORST,
        order_id="o1",
    )
    if desk.orders:
        order, hold_id, reference = desk.orders[0]
        assert (order.client_order_id, order.account, order.lots) == ("o1:b0", "user/alice", 10)
        assert (hold_id, reference) == ("h", "o1")
    return placed.fill if placed.fill is not None else placed.code


async def test_a_failed_leg_is_an_outcome_and_an_unknown_one_is_not() -> None:
    fill = TakerFill(filled_lots=10, paid_units=1, received_units=1, fee_units=0)
    assert await outcome_of(fill) == fill
    assert await outcome_of(OrderRejected("ORDER_REJECTED", "No.")) == "ORDER_REJECTED"
    assert await outcome_of(fill, available=1) == "INSUFFICIENT_LIQUIDITY"
    unknown = OutcomeUnknown("OUTCOME_UNKNOWN", "Maybe.")
    try:
        await outcome_of(unknown)
    except OutcomeUnknown as error:
        raised: object = error
    else:
        raised = None
    assert raised is unknown
