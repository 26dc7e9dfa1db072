"""What the solver quotes for our own book is what a taker gets there, to the unit."""

import asyncio

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from router.core import CoreError, MarketBuilder, Plan
from router.domain.assets import Asset
from router.domain.ledger import Entry, Journal, JournalKind, wallet_account
from router.domain.market import Instrument, Ladder
from router.domain.orders import Side
from router.domain.taking import TakerFill, TakerOrder
from router.execution.own_book import LimitOrder, OwnBook
from router.ledger import post
from router.ports import UnitOfWork
from router.storage import open_database

BASE = Asset(symbol="WETH", decimals=18, chain_id=31337, address="0x" + "1" * 40)
QUOTE = Asset(symbol="USDC", decimals=6, chain_id=31337, address="0x" + "2" * 40)
MAKER, TAKER = "user/maker", "user/taker"
PLENTY = 10**30


class StoppedClock:
    def now_ms(self) -> int:
        return 1_000

    async def sleep_s(self, _seconds: float) -> None:
        raise AssertionError("the book never sleeps")


instruments = st.builds(
    Instrument,
    symbol=st.just("WETH/USDC"),
    base=st.just(BASE),
    quote=st.just(QUOTE),
    lot_units=st.sampled_from([1, 997, 10**15]),
    tick_units=st.sampled_from([1, 13, 10**4]),
    taker_fee_ppm=st.sampled_from([500, 1_000, 7_777]),
    maker_fee_ppm=st.sampled_from([0, 499]),
)
resting = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 50)), min_size=1, max_size=6)


def fund(uow: UnitOfWork) -> None:
    for user in (MAKER, TAKER):
        for asset in ("WETH", "USDC"):
            entries = (
                Entry(account=wallet_account("0x1"), asset=asset, units=PLENTY),
                Entry(account=user, asset=asset, units=-PLENTY),
            )
            key = f"{user}{asset}"
            post(uow.ledger, Journal(key=key, kind=JournalKind.DEPOSIT, entries=entries), 1)


def quote(ladder: Ladder, side: Side, amount: int, *, exact_out: bool) -> Plan | None:
    """Ask the solver for the one path over this ladder; base is token 0, quote token 1."""
    terms = ladder.instrument
    builder = MarketBuilder(2)
    builder.add_ladder(
        0,
        1,
        terms.lot_units,
        terms.tick_units,
        terms.taker_fee_ppm,
        [(level.price_ticks, level.lots) for level in ladder.bids],
        [(level.price_ticks, level.lots) for level in ladder.asks],
    )
    token_in, token_out = (1, 0) if side is Side.BUY else (0, 1)
    try:
        return builder.build().solve(token_in, token_out, amount, exact_out=exact_out)
    except CoreError as error:
        if error.code not in {"NO_ROUTE", "INSUFFICIENT_LIQUIDITY"}:
            raise
        return None


async def run(
    terms: Instrument, side: Side, makers: list[tuple[int, int]], amount: int, exact_out: bool
) -> tuple[Plan, TakerFill] | None:
    database = open_database("sqlite://")
    await database.write(fund)
    book = OwnBook(database, [terms], StoppedClock())
    for number, (price, lots) in enumerate(makers):
        order = LimitOrder(
            client_order_id=f"m{number}", account=MAKER, instrument=terms.symbol,
            side=side.opposite, price_ticks=price, lots=lots,
        )  # fmt: skip
        await book.place_limit(order)
    plan = quote(await book.ladder(terms.symbol, 0), side, amount, exact_out=exact_out)
    if plan is None:
        await database.close()
        return None
    [leg] = plan.legs
    order = TakerOrder(
        client_order_id="t", account=TAKER, instrument=terms.symbol, side=side,
        lots=leg.lots, limit_price_ticks=leg.limit_price_ticks,
    )  # fmt: skip
    fill = await book.place(order)
    await database.close()
    return plan, fill


@settings(max_examples=25, deadline=None)
@given(
    terms=instruments,
    side=st.sampled_from(Side),
    makers=resting,
    share_ppm=st.integers(1, 1_200_000),
    exact_out=st.booleans(),
)
def test_a_taker_pays_and_receives_what_was_quoted(
    terms: Instrument,
    side: Side,
    makers: list[tuple[int, int]],
    share_ppm: int,
    exact_out: bool,
) -> None:
    base = terms.base_units(sum(lots for _, lots in makers))
    quoted = sum(terms.quote_units(lots, price) for price, lots in makers)
    pays, receives = (quoted, base) if side is Side.BUY else (base, quoted)
    amount = max(1, (receives if exact_out else pays) * share_ppm // 1_000_000)
    done = asyncio.run(run(terms, side, makers, amount, exact_out))
    assume(done is not None)
    assert done is not None
    plan, fill = done
    [leg] = plan.legs
    assert (fill.paid_units, fill.received_units, fill.fee_units, fill.filled_lots) == (
        leg.amount_in,
        leg.amount_out,
        leg.fee_amount,
        leg.lots,
    )
    if exact_out:
        assert fill.received_units >= amount
    else:
        assert fill.paid_units <= amount
