"""A plan's parts: what is sent on chain, what the books get, and the least each must bring."""

from hypothesis import given
from hypothesis import strategies as st

from router.domain.amounts import Amount
from router.domain.market import BlockRef, Protocol
from router.domain.orders import SwapMode
from router.domain.routes import Leg, Quote
from router.execution.parts import parts_of
from tests.unit.router.execution.execution_world import DAI, USDC, WETH

BLOCK = BlockRef(number=1, hash="0x1", parent_hash="0x0", timestamp_s=1, base_fee_wei=1)
UNITS = st.integers(10**3, 10**24)


def leg(name: str, sell: object, buy: object, paid: int, got: int, *, rest: bool = False) -> Leg:
    is_book = name.startswith("book")
    return Leg(
        venue_id=name,
        protocol=Protocol.BOOK if is_book else Protocol.UNISWAP_V2,
        label=name,
        asset_in=sell,  # type: ignore[arg-type]
        asset_out=buy,  # type: ignore[arg-type]
        amount_in_units=paid,
        amount_out_units=got,
        fee_units=0,
        fee_ppm=0,
        gas=0,
        ticks_crossed=0,
        share_bps=10_000,
        takes_rest=rest,
        marginal_price=1.0,
        lots=paid if is_book else 0,
        limit_price_ticks=1 if is_book else 0,
    )


def plan(mode: SwapMode, legs: tuple[Leg, ...]) -> Quote:
    spent = sum(item.amount_in_units for item in legs if item.asset_in == WETH)
    got = sum(item.amount_out_units for item in legs if item.asset_out == USDC)
    return Quote(
        quote_id="q",
        mode=mode,
        amount_in=Amount(spent, WETH),
        amount_out=Amount(got, USDC),
        limit_units=0,
        unspent_in_units=0,
        legs=legs,
        gas=0,
        gas_price_wei=0,
        gas_cost_units=0,
        net_units=0,
        bound_units=0,
        gap_bps=0.0,
        gap_net_bps=0.0,
        best_single_units=0,
        price_impact_bps=0.0,
        block=BLOCK,
        book_sequences=(),
        created_ms=0,
        expires_ms=0,
        solve_us=0,
        requested_units=spent,
    )


@given(paid=UNITS, direct=UNITS, through=UNITS, booked=UNITS, slack=st.integers(0, 10_000))
def test_parts_that_just_reach_their_minimums_reach_what_is_required(
    paid: int, direct: int, through: int, booked: int, slack: int
) -> None:
    legs = (
        leg("pool1", WETH, USDC, paid, direct),
        leg("pool2", WETH, DAI, paid, through),
        leg("pool3", DAI, USDC, through, direct, rest=True),
        leg("book", WETH, USDC, paid, booked),
    )
    quote = plan(SwapMode.EXACT_IN, legs)
    required = quote.amount_out.units * (10_000 - slack) // 10_000
    parts = parts_of(quote, required)
    assert parts.chain is not None
    assert parts.chain.amount_in_units == 2 * paid
    assert [asset for asset, _ in parts.chain.minimums] == [USDC]
    least = parts.chain.minimums[0][1] + sum(item.minimum_units for item in parts.book)
    assert required <= least <= quote.amount_out.units + len(parts.book) + 1


@given(paid=UNITS, through=UNITS, kept=UNITS, out=UNITS)
def test_what_a_book_trades_on_is_delivered_and_not_swapped_away(
    paid: int, through: int, kept: int, out: int
) -> None:
    legs = (
        leg("pool1", WETH, DAI, paid, through + kept),
        leg("pool2", DAI, USDC, through, out, rest=True),
        leg("book", DAI, USDC, kept, out),
    )
    parts = parts_of(plan(SwapMode.EXACT_IN, legs), out)
    assert parts.chain is not None
    assert {asset for asset, _ in parts.chain.minimums} == {DAI, USDC}
    assert not any(item.takes_rest for item in parts.chain.legs if item.asset_in == DAI)


@given(paid=UNITS, out=UNITS)
def test_an_exact_output_leaves_no_slack(paid: int, out: int) -> None:
    quote = plan(SwapMode.EXACT_OUT, (leg("pool1", WETH, USDC, paid, out),))
    parts = parts_of(quote, out // 2)
    assert parts.chain is not None
    assert parts.chain.minimums == ((USDC, out),)


@given(paid=UNITS, out=UNITS)
def test_a_plan_for_the_book_alone_sends_nothing(paid: int, out: int) -> None:
    parts = parts_of(plan(SwapMode.EXACT_IN, (leg("book", WETH, USDC, paid, out),)), out)
    assert parts.chain is None
    assert [item.minimum_units for item in parts.book] == [out]
