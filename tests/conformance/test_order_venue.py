"""What every `OrderVenue` promises, asked of each implementation in the same market.

The market: WETH/USDC, lot 0.0001 WETH, tick 0.01 USDC, taker fee 0.1 %. Bids 2000.00 x 1.5 and
1999.50 x 3; asks 2001.00 x 1 and 2002.00 x 2 and 2010.00 x 5 WETH.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from connectors.cex.ccxt_venue import CcxtVenue, make_exchange
from connectors.cex.simulated import SimulatedMarket, SimulatedVenue
from router.domain.assets import Asset
from router.domain.errors import FailureError, OrderRejected
from router.domain.ledger import Entry, Journal, JournalKind, wallet_account
from router.domain.market import Instrument, LadderLevel
from router.domain.orders import Side
from router.domain.taking import TakerFill, TakerOrder
from router.execution.own_book import LimitOrder, OwnBook
from router.ledger import available_units, post
from router.ports import Database, OrderVenue
from router.storage import open_database
from tests.conformance.local_binance import LocalBinance

WETH = Asset(symbol="WETH", decimals=18, chain_id=31337, address="0x" + "11" * 20)
USDC = Asset(symbol="USDC", decimals=6, chain_id=31337, address="0x" + "22" * 20)
MARKET = Instrument(
    symbol="WETH/USDC",
    base=WETH,
    quote=USDC,
    lot_units=10**14,
    tick_units=1,
    taker_fee_ppm=1000,
)
BIDS = ((200_000, 15_000), (199_950, 30_000))
ASKS = ((200_100, 10_000), (200_200, 20_000), (201_000, 50_000))
FUNDS = {"WETH": 10 * 10**18, "USDC": 15_000 * 10**6}

TAKER = "user/alice"
MAKER = "user/maker"
MAKER_FUNDS = {"WETH": 100 * 10**18, "USDC": 100_000 * 10**6}


@dataclass(frozen=True)
class Stand:
    """A venue in the market above, and what the taker owns, asset by asset."""

    venue: OrderVenue
    owned: Callable[[], Awaitable[dict[str, int]]]


class ManualClock:
    def now_ms(self) -> int:
        return 0

    async def sleep_s(self, seconds: float) -> None:
        assert seconds > 0


def levels(pairs: tuple[tuple[int, int], ...]) -> tuple[LadderLevel, ...]:
    return tuple(LadderLevel(price_ticks=price, lots=lots) for price, lots in pairs)


@asynccontextmanager
async def simulated() -> AsyncIterator[Stand]:
    market = SimulatedMarket(instrument=MARKET, bids=levels(BIDS), asks=levels(ASKS))
    venue = SimulatedVenue("sim", [market], balances=FUNDS, clock=ManualClock())
    yield Stand(venue, venue.balances)


@asynccontextmanager
async def through_ccxt(answer_style: str) -> AsyncIterator[Stand]:
    local = LocalBinance(
        bids=[[price, lots * MARKET.lot_units] for price, lots in BIDS],
        asks=[[price, lots * MARKET.lot_units] for price, lots in ASKS],
        balances={"ETH": FUNDS["WETH"], "USDC": FUNDS["USDC"]},
        fee_ppm=MARKET.taker_fee_ppm,
        answer_style=answer_style,
    )
    server = await local.start()
    options = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}
    exchange = make_exchange("binance", api_key="key", secret="secret", options=options)
    local.point_at(exchange, server)
    try:
        venue = await CcxtVenue.open(exchange, "binance", [MARKET], ManualClock(), deadline_s=5)
        yield Stand(venue, venue.balances)
        await venue.close()
    finally:
        await server.close()


@asynccontextmanager
async def own_book() -> AsyncIterator[Stand]:
    database = open_database("sqlite://")
    book = OwnBook(database, [MARKET], ManualClock())
    await deposit(database, TAKER, FUNDS)
    await deposit(database, MAKER, MAKER_FUNDS)
    for side, pairs in ((Side.BUY, BIDS), (Side.SELL, ASKS)):
        for price, lots in pairs:
            await book.place_limit(
                LimitOrder(
                    client_order_id=f"maker-{side}-{price}",
                    account=MAKER,
                    instrument=MARKET.symbol,
                    side=side,
                    price_ticks=price,
                    lots=lots,
                )
            )

    async def owned() -> dict[str, int]:
        return await database.read(
            lambda uow: {symbol: available_units(uow.ledger, TAKER, symbol) for symbol in FUNDS}
        )

    yield Stand(book, owned)
    await database.close()


async def deposit(database: Database, account: str, funds: dict[str, int]) -> None:
    for symbol, units in funds.items():
        journal = Journal(
            key=f"deposit/{account}/{symbol}",
            kind=JournalKind.DEPOSIT,
            entries=(
                Entry(account=wallet_account("0x01"), asset=symbol, units=units),
                Entry(account=account, asset=symbol, units=-units),
            ),
        )
        await database.write(lambda uow, j=journal: post(uow.ledger, j, 1))


STANDS: dict[str, Callable[[], AbstractAsyncContextManager[Stand]]] = {
    "simulated": simulated,
    "ccxt": lambda: through_ccxt("full"),
    "ccxt that answers with the id only": lambda: through_ccxt("ack"),
    "own book": own_book,
}


@pytest.fixture(params=STANDS)
async def stand(request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    async with STANDS[request.param]() as made:
        yield made


@pytest.fixture
def venue(stand: Stand) -> OrderVenue:
    return stand.venue


def order(side: Side, lots: int, limit: int, client_id: str = "order-1") -> TakerOrder:
    return TakerOrder(
        client_order_id=client_id,
        account=TAKER,
        instrument=MARKET.symbol,
        side=side,
        lots=lots,
        limit_price_ticks=limit,
    )


def fee_of(gross: int) -> int:
    return -(-gross * MARKET.taker_fee_ppm // 1_000_000)


async def test_it_names_itself_and_its_instruments(venue: OrderVenue) -> None:
    assert venue.venue_id
    assert await venue.instruments() == (MARKET,)


async def test_the_ladder_is_the_book_best_first_and_no_deeper_than_asked(
    venue: OrderVenue,
) -> None:
    whole = await venue.ladder(MARKET.symbol, 10)
    assert (whole.venue_id, whole.instrument) == (venue.venue_id, MARKET)
    assert (whole.bids, whole.asks) == (levels(BIDS), levels(ASKS))
    top = await venue.ladder(MARKET.symbol, 1)
    assert (top.bids, top.asks) == (whole.bids[:1], whole.asks[:1])


async def test_a_buy_takes_the_best_asks_at_their_prices(venue: OrderVenue) -> None:
    fill = await venue.place(order(Side.BUY, 15_000, 200_200))
    paid = 10_000 * 200_100 + 5_000 * 200_200
    gross = 15_000 * MARKET.lot_units
    assert fill == TakerFill(
        filled_lots=15_000,
        paid_units=paid,
        received_units=gross - fee_of(gross),
        fee_units=fee_of(gross),
    )


async def test_a_sell_takes_the_best_bids_and_the_fee_comes_from_the_quote(
    venue: OrderVenue,
) -> None:
    fill = await venue.place(order(Side.SELL, 15_001, 199_950))
    gross = 15_000 * 200_000 + 199_950
    assert fill == TakerFill(
        filled_lots=15_001,
        paid_units=15_001 * MARKET.lot_units,
        received_units=gross - fee_of(gross),
        fee_units=fee_of(gross),
    )


async def test_what_is_beyond_the_limit_is_not_filled_and_does_not_rest(
    venue: OrderVenue,
) -> None:
    fill = await venue.place(order(Side.BUY, 40_000, 200_100))
    assert fill.filled_lots == 10_000
    after = await venue.ladder(MARKET.symbol, 10)
    assert (after.bids, after.asks) == (levels(BIDS), levels(ASKS[1:]))


async def test_an_order_that_crosses_nothing_fills_nothing_and_costs_nothing(
    venue: OrderVenue,
) -> None:
    fill = await venue.place(order(Side.BUY, 1, 200_099))
    assert fill == TakerFill(filled_lots=0, paid_units=0, received_units=0, fee_units=0)


async def test_what_the_taker_owns_moves_by_exactly_what_the_fills_say(stand: Stand) -> None:
    venue = stand.venue
    assert await stand.owned() == FUNDS
    buy = await venue.place(order(Side.BUY, 12_345, 201_000, "a"))
    sell = await venue.place(order(Side.SELL, 777, 199_950, "b"))
    assert await stand.owned() == {
        "WETH": FUNDS["WETH"] + buy.received_units - sell.paid_units,
        "USDC": FUNDS["USDC"] - buy.paid_units + sell.received_units,
    }


async def test_the_same_id_never_trades_twice(venue: OrderVenue) -> None:
    first = await venue.place(order(Side.BUY, 100, 200_100))
    assert await venue.place(order(Side.BUY, 100, 200_100)) == first
    ladder = await venue.ladder(MARKET.symbol, 1)
    assert ladder.asks[0].lots == ASKS[0][1] - 100


async def test_an_order_can_be_looked_up_by_its_id_and_only_by_its_id(venue: OrderVenue) -> None:
    odd_id = "plan 7/leg:2 with an id longer than exchanges allow, and odd signs"
    fill = await venue.place(order(Side.BUY, 321, 200_100, odd_id))
    assert await venue.lookup(odd_id) == fill
    assert await venue.lookup("plan 7/leg:3") is None


async def test_an_order_beyond_the_balance_is_rejected_and_leaves_no_trace(stand: Stand) -> None:
    venue = stand.venue
    with pytest.raises(OrderRejected) as caught:
        await venue.place(order(Side.BUY, 80_000, 201_000))
    assert caught.value.code == "INSUFFICIENT_BALANCE"
    assert await stand.owned() == FUNDS
    assert await venue.lookup("order-1") is None
    assert (await venue.ladder(MARKET.symbol, 10)).asks == levels(ASKS)


async def test_an_unknown_instrument_is_not_found(venue: OrderVenue) -> None:
    with pytest.raises(FailureError) as read:
        await venue.ladder("DOGE/USDC", 5)
    with pytest.raises(FailureError) as sent:
        await venue.place(replace(order(Side.BUY, 1, 1), instrument="DOGE/USDC"))
    assert (read.value.code, sent.value.code) == ("NOT_FOUND", "NOT_FOUND")
