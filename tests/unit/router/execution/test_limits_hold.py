"""The limit of an order holds for all that it trades, wherever the market goes in the meantime."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.domain.assets import Asset
from router.domain.ledger import user_account
from router.domain.market import Protocol
from router.domain.orders import OrderStatus, RouteConstraints, Side, SwapMode
from router.domain.routes import QuoteRequest
from router.domain.settlement import IntentState
from router.domain.taking import TakerOrder
from router.execution.own_book import LimitOrder
from tests.unit.router.execution.execution_world import (
    DAI,
    INSTRUMENT,
    USDC,
    WETH,
    World,
    open_world,
)

ETHER = 10**18
MAKER = user_account("maker")
BOOK_ALONE = RouteConstraints(included_protocols=frozenset({Protocol.BOOK}))
POOLS_OF_USDC = (f"uniswap_v2:0x{1:040x}", f"uniswap_v2:0x{3:040x}")
WETH_DAI = f"uniswap_v2:0x{2:040x}"
Act = Callable[[], Coroutine[Any, Any, None]]


async def rest(world: World, name: str, side: Side, price_ticks: int, lots: int) -> None:
    await world.book.place_limit(
        LimitOrder(
            client_order_id=name,
            account=MAKER,
            instrument=INSTRUMENT.symbol,
            side=side,
            price_ticks=price_ticks,
            lots=lots,
        )
    )


def before_each_take(world: World, act: Act) -> None:
    """Let something happen between a plan and each of its orders to the book."""
    place = world.book.place

    async def act_and_place(order: TakerOrder, **terms: Any) -> Any:
        await act()
        return await place(order, **terms)

    world.book.place = act_and_place  # type: ignore[method-assign]


@pytest.mark.parametrize("slippage_bps", [0, 50])
async def test_a_book_that_lost_its_best_levels_does_not_fill_below_the_limit(
    slippage_bps: int,
) -> None:
    """The plan's worst level alone bounds each lot, not what all of them bring together."""
    world = await open_world(with_book=False)
    await rest(world, "best", Side.BUY, 300_000, 10_000)
    await rest(world, "worst", Side.BUY, 250_000, 10_000)
    quote = await world.quotes.quote(
        QuoteRequest(
            mode=SwapMode.EXACT_IN,
            asset_in=WETH,
            asset_out=USDC,
            amount_units=2 * ETHER,
            slippage_bps=slippage_bps,
            constraints=BOOK_ALONE,
        )
    )

    async def lose_the_best() -> None:
        await world.book.cancel(MAKER, "best")
        await rest(world, "more", Side.BUY, 250_000, 10_000)

    before_each_take(world, lose_the_best)
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert (state.status, state.spent_units) == (OrderStatus.RETURNED, 0)
    assert state.reason.startswith("LIMIT_NOT_MET")
    assert await world.held() == 0


async def test_what_found_no_venue_when_it_was_quoted_is_not_sold_later_at_any_price() -> None:
    """The limit is for what the quote sells; spread over all that was asked it is worth nothing."""
    world = await open_world(with_book=False)
    await rest(world, "fair", Side.BUY, 300_000, 100_000)
    before = await world.available(WETH)
    quote = await world.quotes.quote(
        QuoteRequest(
            mode=SwapMode.EXACT_IN,
            asset_in=WETH,
            asset_out=USDC,
            amount_units=100 * ETHER,
            constraints=BOOK_ALONE,
        )
    )
    assert quote.unspent_in_units == 90 * ETHER
    place = world.book.place

    async def place_and_bait(order: TakerOrder, **terms: Any) -> Any:
        fill = await place(order, **terms)
        await rest(world, "bait", Side.BUY, 30_000, 900_000)
        return fill

    world.book.place = place_and_bait  # type: ignore[method-assign]
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert (state.status, state.spent_units) == (OrderStatus.SETTLED, 10 * ETHER)
    assert state.received_units == quote.amount_out.units
    assert await world.available(WETH) == before - 10 * ETHER


async def test_depth_that_comes_back_does_not_sell_more_than_was_quoted() -> None:
    world = await open_world(with_book=False)
    await rest(world, "fair", Side.BUY, 300_000, 100_000)
    quote = await world.quotes.quote(
        QuoteRequest(
            mode=SwapMode.EXACT_IN,
            asset_in=WETH,
            asset_out=USDC,
            amount_units=100 * ETHER,
            constraints=BOOK_ALONE,
        )
    )
    await rest(world, "more", Side.BUY, 299_000, 900_000)
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert (state.status, state.spent_units) == (OrderStatus.SETTLED, 10 * ETHER)
    assert state.received_units == quote.amount_out.units


async def test_a_book_that_moved_within_the_limit_still_fills() -> None:
    world = await open_world(with_book=False)
    await rest(world, "best", Side.BUY, 300_000, 10_000)
    await rest(world, "worst", Side.BUY, 299_000, 10_000)
    quote = await world.quotes.quote(
        QuoteRequest(
            mode=SwapMode.EXACT_IN,
            asset_in=WETH,
            asset_out=USDC,
            amount_units=2 * ETHER,
            slippage_bps=50,
            constraints=BOOK_ALONE,
        )
    )

    async def lose_the_best() -> None:
        await world.book.cancel(MAKER, "best")
        await rest(world, "more", Side.BUY, 299_000, 10_000)

    before_each_take(world, lose_the_best)
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert (state.status, state.spent_units) == (OrderStatus.SETTLED, 2 * ETHER)


async def test_a_swap_and_the_book_behind_it_do_not_use_the_slack_twice() -> None:
    """Each alone stays within the limit; together they would be beyond it."""
    world = await open_world(with_book=False)
    await rest(world, "best", Side.BUY, 300_000, 100_000)
    await rest(world, "worst", Side.BUY, 296_000, 200_000)
    before = await world.available(WETH)
    quote = await world.quotes.quote(
        QuoteRequest(
            mode=SwapMode.EXACT_IN,
            asset_in=DAI,
            asset_out=USDC,
            amount_units=60_000 * ETHER,
            slippage_bps=100,
            constraints=RouteConstraints(excluded_venues=frozenset(POOLS_OF_USDC)),
        )
    )
    assert [leg.asset_out for leg in quote.legs] == [WETH, USDC]

    def worsen_the_pool() -> None:
        world.chain.swap(WETH_DAI, DAI, 8_000 * ETHER)

    async def lose_the_best() -> None:
        await world.book.cancel(MAKER, "best")

    world.sender.before = [worsen_the_pool]
    before_each_take(world, lose_the_best)
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    bought = await world.available(WETH) - before
    assert bought > quote.legs[0].amount_out_units * 99 // 100, "the swap was within the limit"
    assert bought < quote.legs[0].amount_out_units * 994 // 1000
    assert (state.status, state.received_units) == (OrderStatus.PARTLY_SETTLED, 0)
    assert await world.held() == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    pair=st.sampled_from([(WETH, USDC), (USDC, WETH), (DAI, WETH), (DAI, USDC)]),
    dollars=st.integers(1_000, 200_000),
    slippage_bps=st.sampled_from([0, 10, 100, 300]),
    chain_moves=st.lists(st.sampled_from(["still", "worse", "revert"]), max_size=3),
    book_moves=st.lists(st.sampled_from(["still", "worse", "thin", "gone"]), max_size=4),
)
async def test_an_input_that_was_spent_as_a_whole_brought_the_limit(
    pair: tuple[Asset, Asset],
    dollars: int,
    slippage_bps: int,
    chain_moves: list[str],
    book_moves: list[str],
) -> None:
    sell, buy = pair
    world = await open_market()
    before = {asset: await world.available(asset) for asset in (WETH, USDC, DAI)}
    units = dollars * sell.one_in_units // (3_000 if sell == WETH else 1)
    quote = await world.quote(sell, buy, units, slippage_bps=slippage_bps)
    let_markets_move(world, sell, buy, chain_moves, book_moves)
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert state.status.is_final
    assert await world.held() == 0
    between = [asset for asset in (WETH, USDC, DAI) if asset not in pair]
    on_the_way = [await world.available(asset) - before[asset] for asset in between]
    assert all(units >= 0 for units in on_the_way)
    if state.spent_units == state.order.max_in_units and not any(on_the_way):
        assert state.received_units >= quote.limit_units
        assert state.status is OrderStatus.SETTLED
    await world.require_sound()
    await world.database.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    pair=st.sampled_from([(WETH, USDC), (USDC, WETH), (DAI, WETH), (DAI, USDC)]),
    dollars=st.integers(1_000, 200_000),
    slippage_bps=st.sampled_from([0, 10, 100, 300]),
    chain_moves=st.lists(st.sampled_from(["still", "worse", "revert"]), max_size=3),
    book_moves=st.lists(st.sampled_from(["still", "worse", "thin", "gone"]), max_size=4),
)
async def test_an_exact_output_is_bought_once_and_for_no_more_than_the_limit(
    pair: tuple[Asset, Asset],
    dollars: int,
    slippage_bps: int,
    chain_moves: list[str],
    book_moves: list[str],
) -> None:
    sell, buy = pair
    world = await open_market()
    units = dollars * buy.one_in_units // (3_000 if buy == WETH else 1)
    quote = await world.quote(sell, buy, units, SwapMode.EXACT_OUT, slippage_bps)
    let_markets_move(world, sell, buy, chain_moves, book_moves)
    state = await world.execution.route(quote, account="alice", client_order_id="one")
    assert state.spent_units <= quote.limit_units
    assert (state.status is OrderStatus.SETTLED) == (state.received_units >= units)
    # A book sells whole lots, and a part that is bought again rounds up once more.
    lot = INSTRUMENT.lot_units if buy == WETH else INSTRUMENT.quote_units(1, 300_000)
    assert state.received_units <= units + 4 * lot
    assert await world.held() == 0
    await world.require_sound()
    await world.database.close()


async def open_market() -> World:
    world = await open_world(with_book=False)
    for step in range(1, 6):
        await rest(world, f"bid{step}", Side.BUY, 300_300 - step * 600, 40_000)
        await rest(world, f"ask{step}", Side.SELL, 299_700 + step * 600, 40_000)
    return world


def let_markets_move(
    world: World, sell: Asset, buy: Asset, chain_moves: list[str], book_moves: list[str]
) -> None:
    world.sender.before = [chain_move(world, sell, buy, name) for name in chain_moves]
    waiting = list(book_moves)

    async def move_book() -> None:
        if waiting:
            await book_move(world, waiting.pop(0), f"m{len(waiting)}")

    before_each_take(world, move_book)


def chain_move(
    world: World, sell: Asset, buy: Asset, name: str
) -> Callable[[], IntentState | None]:
    def act() -> IntentState | None:
        if name == "revert":
            return IntentState.REVERTED
        if name == "worse":
            for pool in list(world.chain.pools.values()):
                tokens = (pool.ref.token0, pool.ref.token1)
                mover = sell if sell in tokens else next(t for t in tokens if t != buy)
                price = 3_000 if mover == WETH else 1
                world.chain.swap(pool.ref.venue_id, mover, 2_000 * mover.one_in_units // price)
        return None

    return act


async def book_move(world: World, name: str, tag: str) -> None:
    """Take away the best level of each side; `worse` puts as much behind the worst ones."""
    if name == "still":
        return
    for side in Side:
        orders = [o for o in await world.book.open_orders(MAKER) if o.side is side]
        gone = orders if name == "gone" else orders[:1]
        for order in gone:
            await world.book.cancel(MAKER, order.client_order_id)
        if name == "worse" and len(orders) > 1:
            await rest(world, f"{tag}{side}", side, orders[-1].price_ticks, orders[0].lots)
