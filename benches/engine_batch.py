#!/usr/bin/env python3
"""Time the matching engine from Python: batches of several sizes, and single calls.

The flow is the same for every size: one order in four takes what rests at the best price, the
others rest at one of 64 prices or cancel what rested before. Time is that of the thread, so that a
busy machine does not count. Prints one JSON document.
"""

import argparse
import json
import sys
import time
from typing import Any

import numpy as np

from router.core import Engine
from router.records import COMMAND_DTYPE, EVENT_DTYPE
from router.vocabulary import BookSide, CommandKind, Phase, Tif

COMMANDS = 1 << 20
SIZES = (1, 8, 64, 256, 4096)
REPEATS = 5
SINGLE_CALLS = 200_000


def opened() -> Engine:
    engine = Engine(max_accounts=16)
    engine.add_instrument(0)
    engine.set_phase(0, Phase.CONTINUOUS)
    return engine


def flow(count: int, seed: int = 1) -> "np.ndarray[Any, Any]":
    """Return new orders of which a quarter takes, and cancels of about a third."""
    rng = np.random.default_rng(seed)
    batch = np.zeros(count, COMMAND_DTYPE)
    batch["kind"] = CommandKind.NEW
    batch["account"] = rng.integers(0, 16, count)
    batch["side"] = rng.integers(0, 2, count)
    away = rng.integers(1, 65, count)
    is_bid = batch["side"] == BookSide.BUY
    batch["price"] = np.where(is_bid, 100_000 - away, 100_000 + away)
    batch["qty"] = rng.integers(1, 20, count)
    takes = rng.random(count) < 0.25
    batch["tif"][takes] = Tif.IOC
    batch["price"][takes] = np.where(is_bid[takes], 100_064, 99_936)
    # Every third command takes back the order before it: ids are given in order of arrival.
    cancels = np.arange(count) % 3 == 2
    batch[cancels] = np.zeros(int(cancels.sum()), COMMAND_DTYPE)
    batch["kind"][cancels] = CommandKind.CANCEL
    ids = np.cumsum(~cancels)
    batch["order_id"][cancels] = ids[cancels]
    before = np.flatnonzero(cancels) - 1
    batch["account"][cancels] = batch["account"][before]
    return batch


def batch_ns(commands: "np.ndarray[Any, Any]", size: int) -> float:
    """Return ns per command of one run over all commands, in batches of `size`."""
    engine, out = opened(), np.zeros(max(16 * size, 4096), EVENT_DTYPE)
    batches = [commands[first : first + size] for first in range(0, len(commands), size)]
    started = time.thread_time_ns()
    for batch in batches:
        engine.submit(batch, out)
    elapsed = time.thread_time_ns() - started
    assert engine.sequence == len(commands) + 2
    assert engine.waiting == 0
    return elapsed / len(commands)


def single_ns() -> float:
    """Return ns per call of `place` and `cancel` in turns."""
    engine = opened()
    place, cancel = engine.place, engine.cancel
    started = time.thread_time_ns()
    for order_id in range(1, SINGLE_CALLS // 2 + 1):
        place(0, 1, 0, 100, 5)
        cancel(0, 1, order_id)
    elapsed = time.thread_time_ns() - started
    assert engine.best(0) == (0, 0)
    return elapsed / SINGLE_CALLS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=COMMANDS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    asked = parser.parse_args()
    commands = flow(asked.commands)
    repeats = range(asked.repeats)
    told: dict[str, Any] = {"commands": asked.commands, "batches": {}}
    for size in SIZES:
        few = commands[: max(len(commands) // 8, size)] if size < 64 else commands
        best = min(batch_ns(few, size) for _ in repeats)
        told["batches"][str(size)] = rate(best)
    told["single"] = rate(min(single_ns() for _ in repeats))
    print(json.dumps(told, indent=2))
    return 0


def rate(ns: float) -> dict[str, float]:
    return {"ns_per_command": round(ns, 1), "commands_per_s": round(1e9 / ns)}


if __name__ == "__main__":
    sys.exit(main())
