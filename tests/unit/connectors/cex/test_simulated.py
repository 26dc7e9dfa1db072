"""The simulated venue's faults: each is one of the three outcomes, and what it leaves behind."""

import pytest

from connectors.cex.simulated import FaultKind, SimulatedMarket, SimulatedVenue
from router.domain.assets import Asset
from router.domain.errors import (
    FailureError,
    OrderRejected,
    OutcomeUnknown,
    UsageError,
    VenueUnavailable,
)
from router.domain.market import Instrument, LadderLevel
from router.domain.orders import Side
from router.domain.taking import TakerOrder

WETH = Asset(symbol="WETH", decimals=18, chain_id=1, address="0x" + "11" * 20)
USDC = Asset(symbol="USDC", decimals=6, chain_id=1, address="0x" + "22" * 20)
MARKET = Instrument(
    symbol="WETH/USDC", base=WETH, quote=USDC, lot_units=10**14, tick_units=1, taker_fee_ppm=1
)
FUNDS = {"USDC": 10**12}


class StepClock:
    def __init__(self) -> None:
        self.slept_s: list[float] = []

    def now_ms(self) -> int:
        return 0

    async def sleep_s(self, seconds: float) -> None:
        self.slept_s.append(seconds)


def venue(fault: FaultKind | None = None, clock: StepClock | None = None) -> SimulatedVenue:
    """Only the first order meets the fault."""
    pending = [fault]
    return SimulatedVenue(
        "sim",
        [SimulatedMarket(instrument=MARKET, asks=(LadderLevel(price_ticks=100, lots=50),))],
        balances=FUNDS,
        clock=clock or StepClock(),
        latency_s=0.25,
        faults=lambda _: pending.pop() if pending else None,
    )


def order(lots: int = 10) -> TakerOrder:
    return TakerOrder(
        client_order_id="o",
        account="a",
        instrument="WETH/USDC",
        side=Side.BUY,
        lots=lots,
        limit_price_ticks=100,
    )


@pytest.mark.parametrize(
    ("fault", "outcome", "traded"),
    [
        (FaultKind.UNAVAILABLE, VenueUnavailable, False),
        (FaultKind.REJECTED, OrderRejected, False),
        (FaultKind.LOST, OutcomeUnknown, False),
        (FaultKind.UNANSWERED, OutcomeUnknown, True),
    ],
)
async def test_a_fault_is_its_outcome_and_lookup_tells_what_really_happened(
    fault: FaultKind, outcome: type[FailureError], traded: bool
) -> None:
    sim = venue(fault)
    with pytest.raises(outcome):
        await sim.place(order())
    found = await sim.lookup("o")
    assert (found is not None) is traded
    fill = await sim.place(order())
    assert found in (None, fill)
    assert (await sim.ladder("WETH/USDC", 1)).asks[0].lots == 40
    assert (await sim.balances())["USDC"] == FUNDS["USDC"] - fill.paid_units


async def test_every_call_takes_the_latency_by_the_injected_clock() -> None:
    clock = StepClock()
    sim = venue(clock=clock)
    await sim.ladder("WETH/USDC", 1)
    await sim.place(order())
    await sim.lookup("o")
    await sim.balances()
    assert clock.slept_s == [0.25] * 4


async def test_the_same_id_with_another_order_is_a_conflict() -> None:
    sim = venue()
    await sim.place(order(10))
    with pytest.raises(UsageError) as caught:
        await sim.place(order(11))
    assert caught.value.code == "IDEMPOTENCY_CONFLICT"


def test_a_resting_order_that_would_cross_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="cross"):
        venue().rest("WETH/USDC", Side.BUY, 100, 1)
