#!/usr/bin/env python3
"""Match a batch of orders, look at the book, and find it again after the process is gone."""

import tempfile

import numpy as np

from router.core import Engine
from router.records import COMMAND_DTYPE, EVENT_DTYPE
from router.vocabulary import BookSide, CommandKind, EventKind, Phase, Tif


def random_orders(count: int) -> np.ndarray:
    """Return limit orders around a price of 1,000 ticks; every fourth only takes."""
    rng = np.random.default_rng(7)
    batch = np.zeros(count, COMMAND_DTYPE)
    batch["kind"] = CommandKind.NEW
    batch["account"] = rng.integers(0, 100, count)
    batch["side"] = rng.integers(0, 2, count)
    batch["price"] = rng.integers(990, 1_011, count)
    batch["qty"] = rng.integers(1, 100, count)
    batch["tif"][::4] = Tif.IOC
    return batch


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine.open(folder)
        engine.add_instrument(0)
        engine.set_phase(0, Phase.CONTINUOUS)

        commands = random_orders(10_000)
        out = np.zeros(8 * len(commands), EVENT_DTYPE)
        consumed, produced = engine.submit(commands, out)
        trades = out[:produced][out[:produced]["kind"] == EventKind.TRADE]
        print(f"{consumed:,} orders, {len(trades):,} trades of {trades['qty'].sum():,} lots")

        for name, side in (("bids", BookSide.BUY), ("asks", BookSide.SELL)):
            print(name, engine.levels(0, side, 3))
        told = engine.state_hash()
        engine.close()

        again = Engine.open(folder)
        print(again.recovery)
        assert again.state_hash() == told
        again.close()


if __name__ == "__main__":
    main()
