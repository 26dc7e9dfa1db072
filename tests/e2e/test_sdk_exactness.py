"""When the chain has not moved, an order brings exactly what its quote said, to the base unit."""

import random
from collections import Counter
from pathlib import Path

from router.devnet import DevnetHandle
from router.domain.market import Protocol
from router.domain.orders import OrderStatus, SwapMode
from router.sdk import Router
from tests.e2e.sdk_world import fund, make_book, overrides

ORDERS = 200
ON_DEVNET = set(Protocol) - {Protocol.CURVE}
SYMBOLS = ("WETH", "USDC", "USDT", "DAI", "WBTC", "LINK")
DOLLARS = {"WETH": 3_500, "USDC": 1, "USDT": 1, "DAI": 1, "WBTC": 65_000, "LINK": 15}
FUNDS = {
    "alice": {symbol: str(5_000_000 // DOLLARS[symbol]) for symbol in SYMBOLS},
    "maker": {"WETH": "500", "USDC": "4000000", "WBTC": "20"},
}


def random_order(rng: random.Random) -> tuple[str, str, str, bool]:
    """Return (sell, buy, amount, exact_out): a dollar to half a million, any number of digits."""
    sell, buy = rng.sample(SYMBOLS, 2)
    exact_out = rng.random() < 0.5
    measured = buy if exact_out else sell
    dollars = 10 ** rng.uniform(0, 5.7)
    digits = rng.choice([2, 4, 6]) + (2 if measured in {"WBTC", "WETH"} else 0)
    return sell, buy, f"{dollars / DOLLARS[measured]:.{min(digits, 6)}f}", exact_out


async def test_two_hundred_random_orders_execute_at_their_quotes(
    devnet: DevnetHandle, tmp_path: Path
) -> None:
    rng = random.Random(20_240_607)
    settled = split = mixed = on_chain = book_only = 0
    protocols: Counter[Protocol] = Counter()
    async with Router.open(overrides=overrides(devnet, tmp_path)) as router:
        await fund(router, devnet, FUNDS)
        await make_book(router)
        while settled < ORDERS:
            sell, buy, amount, exact_out = random_order(rng)
            if not float(amount):
                continue
            quote = await router.quote(sell, buy, amount, exact_out=exact_out)
            paid = await router.balance("alice", sell)
            got = await router.balance("alice", buy)
            order = await router.route(quote, account="alice")
            assert order.status is OrderStatus.SETTLED, (sell, buy, amount, exact_out, order)
            assert order.received_units == quote.amount_out.units, (sell, buy, amount, exact_out)
            assert order.spent_units == quote.amount_in.units, (sell, buy, amount, exact_out)
            assert (await router.balance("alice", buy)).units == got.units + order.received_units
            assert (await router.balance("alice", sell)).units == paid.units - order.spent_units
            if quote.mode is SwapMode.EXACT_OUT:
                assert order.received_units >= order.order.amount_units
            settled += 1
            split += len(quote.legs) > 1
            mixed += bool(quote.chain_legs and quote.book_legs)
            on_chain += bool(quote.chain_legs)
            book_only += not quote.chain_legs
            protocols.update({leg.protocol for leg in quote.legs})
        report = await router.reconcile()
    assert report.breaks == ()
    print(f"split {split}, mixed {mixed}, on chain {on_chain}, book only {book_only}", protocols)
    # The sample has to hold what the claim is about.
    assert split >= 40, split
    assert mixed >= 12, mixed
    assert on_chain >= 120, on_chain
    for protocol in ON_DEVNET:
        assert protocols[protocol] >= 20, protocols
