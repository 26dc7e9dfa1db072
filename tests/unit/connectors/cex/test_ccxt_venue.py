"""The ccxt venue over ccxt's own Binance client against an exchange on 127.0.0.1."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp.test_utils import TestServer, unused_port

from connectors.cex.ccxt_venue import CcxtVenue, exchange_client_id, make_exchange
from router.domain.assets import Asset
from router.domain.errors import (
    FailureError,
    OrderRejected,
    OutcomeUnknown,
    UsageError,
    VenueUnavailable,
)
from router.domain.market import Instrument
from router.domain.orders import Side
from router.domain.taking import TakerOrder
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
OPTIONS = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}


class CountingClock:
    def __init__(self) -> None:
        self.slept = 0

    def now_ms(self) -> int:
        return 0

    async def sleep_s(self, seconds: float) -> None:
        self.slept += 1
        assert seconds > 0


@dataclass
class World:
    local: LocalBinance
    exchange: Any
    venue: CcxtVenue
    clock: CountingClock
    server: TestServer


def an_exchange() -> Any:
    return make_exchange("binance", api_key="key", secret="secret", options=OPTIONS)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    local = LocalBinance(
        bids=[[200_000, 10**18]],
        asks=[[200_100, 10**18]],
        balances={"ETH": 10**19, "USDC": 10**11},
        fee_ppm=1000,
    )
    server = await local.start()
    exchange, clock = an_exchange(), CountingClock()
    local.point_at(exchange, server)
    venue = await CcxtVenue.open(exchange, "binance", [MARKET], clock, deadline_s=5)
    yield World(local, exchange, venue, clock, server)
    await venue.close()
    await server.close()


def buy(lots: int = 100, client_id: str = "order-1") -> TakerOrder:
    return TakerOrder(
        client_order_id=client_id,
        account="alice",
        instrument=MARKET.symbol,
        side=Side.BUY,
        lots=lots,
        limit_price_ticks=200_100,
    )


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("rejected", OrderRejected),
        ("bad key", OrderRejected),
        ("rate limited", VenueUnavailable),
        ("clock is off", VenueUnavailable),
        ("timeout of the backend", OutcomeUnknown),
        ("unexpected", OutcomeUnknown),
        ("gateway", OutcomeUnknown),
        ("unavailable", OutcomeUnknown),
        ("garbage", OutcomeUnknown),
        ("cut", OutcomeUnknown),
        ("unanswered", OutcomeUnknown),
    ],
)
async def test_each_way_an_order_can_go_wrong_has_its_outcome(
    world: World, fault: str, outcome: type[FailureError]
) -> None:
    world.local.next_fault = fault
    with pytest.raises(FailureError) as caught:
        await world.venue.place(buy())
    assert type(caught.value) is outcome, caught.value


async def test_an_order_that_traded_in_silence_is_found_and_not_placed_again(
    world: World,
) -> None:
    world.local.next_fault = "unanswered"
    with pytest.raises(OutcomeUnknown):
        await world.venue.place(buy())
    found = await world.venue.lookup("order-1")
    assert found is not None
    assert found.filled_lots == 100
    assert await world.venue.place(buy()) == found
    assert world.local.requests.count("place") == 1


async def test_an_order_that_was_lost_is_not_found_and_can_be_placed(world: World) -> None:
    world.local.next_fault = "cut"
    with pytest.raises(OutcomeUnknown):
        await world.venue.place(buy())
    assert await world.venue.lookup("order-1") is None
    assert (await world.venue.place(buy())).filled_lots == 100


async def test_a_duplicate_that_this_process_does_not_remember_is_looked_up(world: World) -> None:
    first = await world.venue.place(buy())
    forgetful = await CcxtVenue.open(world.exchange, "binance", [MARKET], world.clock)
    assert await forgetful.place(buy()) == first


async def test_an_unreachable_exchange_was_sent_nothing(world: World) -> None:
    for name in world.exchange.urls["api"]:
        world.exchange.urls["api"][name] = f"http://127.0.0.1:{unused_port()}/api"
    with pytest.raises(VenueUnavailable):
        await world.venue.place(buy())
    with pytest.raises(VenueUnavailable):
        await world.venue.ladder(MARKET.symbol, 5)
    with pytest.raises(VenueUnavailable):
        await world.venue.balances()


async def test_no_number_goes_through_a_float_on_its_way(world: World) -> None:
    # None of the numbers survives a double: they have 17 or more significant digits.
    lots = 90_071_992_547_409_937
    world.local.asks[:] = [[200_100, lots * MARKET.lot_units]]
    world.local.balances = {"ETH": 1234567890123456789, "USDC": 9_007_199_254_740_993}
    ladder = await world.venue.ladder(MARKET.symbol, 5)
    assert ladder.asks[0].lots == lots
    assert await world.venue.balances() == {
        "WETH": 1234567890123456789,
        "USDC": 9_007_199_254_740_993,
    }
    fill = await world.venue.place(buy(lots=1234567))
    assert fill.paid_units == 1234567 * 200_100
    assert fill.received_units + fill.fee_units == 1234567 * 10**14


async def test_the_sequence_is_the_exchanges_own_and_grows_with_the_book(world: World) -> None:
    before = (await world.venue.ladder(MARKET.symbol, 5)).sequence
    assert (await world.venue.ladder(MARKET.symbol, 5)).sequence == before
    await world.venue.place(buy())
    assert (await world.venue.ladder(MARKET.symbol, 5)).sequence == before + 1


async def test_an_answer_without_the_result_is_asked_for_until_it_is_final(world: World) -> None:
    world.local.answer_style = "ack"
    fill = await world.venue.place(buy())
    assert fill.filled_lots == 100
    assert fill.fee_units == 100 * 10**14 // 1000
    assert world.clock.slept == 1


async def test_an_order_that_never_becomes_final_has_an_unknown_outcome(world: World) -> None:
    world.local.answer_style = "ack"

    original = world.local.match

    def never_final(asked: dict[str, str]) -> dict[str, Any] | None:
        found = original(asked)
        return None if found is None else {**found, "status": "NEW"}

    world.local.match = never_final  # type: ignore[method-assign]
    with pytest.raises(OutcomeUnknown):
        await world.venue.place(buy())
    assert world.clock.slept >= 10


@pytest.mark.parametrize(
    "changed",
    [
        {"lot_units": 5 * 10**13},
        {"tick_units": 1, "lot_units": 3 * 10**14},
        {"symbol": "WBTC/USDC", "base": replace(WETH, symbol="WBTC")},
    ],
    ids=["lot too small", "tick between the exchange's", "no such market"],
)
async def test_an_instrument_that_the_exchange_cannot_trade_is_refused_at_once(
    world: World, changed: dict[str, Any]
) -> None:
    exchange = an_exchange()
    world.local.point_at(exchange, world.server)
    with pytest.raises(UsageError) as caught:
        await CcxtVenue.open(exchange, "binance", [replace(MARKET, **changed)], world.clock)
    assert caught.value.code == "CONFIG_INVALID"


def test_an_exchange_that_ccxt_does_not_know_is_a_configuration_error() -> None:
    with pytest.raises(UsageError) as caught:
        make_exchange("no_such_exchange")
    assert caught.value.code == "CONFIG_INVALID"


async def test_errors_never_carry_the_signed_address(world: World) -> None:
    world.local.next_fault = "gateway"
    with pytest.raises(OutcomeUnknown) as caught:
        await world.venue.place(buy())
    assert "signature" not in caught.value.message
    assert "http" not in caught.value.message


def test_client_ids_are_kept_when_every_exchange_takes_them_and_hashed_when_not() -> None:
    assert exchange_client_id("o-123_ABC") == "o-123_ABC"
    hashed = exchange_client_id("order 7/leg:2")
    assert hashed == exchange_client_id("order 7/leg:2")
    assert hashed != exchange_client_id("order 7/leg:3")
    assert len(hashed) == 32
    assert hashed.isalnum()
