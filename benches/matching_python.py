"""The matching engine from Python: calls of one command and batches, on the `xc` tape.

Run `python benches/matching_python.py` after the tapes were written (`benches/matching.py` does
both); prints a table and writes `var/bench/matching_python.json`. The timer holds the Python loop,
the cutting of each batch, the call, matching, and 64 bytes written per event. It does not hold the
reading of the tape, nor, for calls of one record, the cutting of the array into rows.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matching_peers import l2_hash

from router.core import Engine
from router.records import COMMAND_DTYPE, EVENT_DTYPE
from router.vocabulary import CommandKind, OrderFlag, Phase, Tif

ROOT = Path(__file__).resolve().parents[1]
TAPES = ROOT / "var" / "bench" / "tapes"
TARGET = ROOT / "var" / "bench" / "matching_python.json"
RUNS = 5
BATCHES = (8, 64, 256, 4096)
EVENTS = 65_536
TAPE_DTYPE = np.dtype(
    [
        ("action", "u1"),
        ("side", "u1"),
        ("immediate", "u1"),
        ("zero", "u1"),
        ("user", "<u4"),
        ("id", "<u8"),
        ("price", "<i8"),
        ("qty", "<i8"),
        ("position", "<u8"),
    ]
)
KINDS = np.array(
    [CommandKind.NEW, CommandKind.CANCEL, CommandKind.AMEND, CommandKind.REDUCE], dtype=np.uint8
)
NEW, CANCEL, MOVE, REDUCE = range(4)
BUY, SELL = range(2)


def commands_of(name: str) -> np.ndarray[Any, Any]:
    """Return a tape as the engine's records; the engine gives orders the tape's ids."""
    tape = np.fromfile(TAPES / f"{name}.bin", dtype=TAPE_DTYPE)
    commands = np.zeros(len(tape), dtype=COMMAND_DTYPE)
    action = tape["action"]
    is_new = action == NEW
    commands["kind"] = KINDS[action]
    commands["side"] = np.where(is_new, tape["side"], 0)
    commands["tif"] = np.where(tape["immediate"] == 1, Tif.IOC, Tif.GTC)
    commands["flags"] = np.where(action == MOVE, OrderFlag.REQUEUE, 0)
    commands["account"] = tape["user"]
    commands["order_id"] = np.where(is_new, 0, tape["id"])
    commands["price"] = np.where(is_new | (action == MOVE), tape["price"], 0)
    commands["qty"] = np.where(is_new | (action == REDUCE), tape["qty"], 0)
    return commands


def opened() -> Engine:
    engine = Engine()
    engine.add_instrument(0)
    engine.set_phase(0, Phase.CONTINUOUS)
    return engine


def end_hash(name: str) -> str:
    wanted = json.loads((TAPES / f"{name}.json").read_text(encoding="utf-8"))
    return str(wanted["l2_hash"])


def check(engine: Engine, wanted: str) -> None:
    """Refuse a run that did not do the work.

    Raises:
        ValueError: the book is not the one in which the tape has to end.
    """
    found = l2_hash(engine.levels(0, SELL), engine.levels(0, BUY))
    if found != wanted:
        raise ValueError(f"the engine ended in another book: {found}, not {wanted}")


def in_batches(commands: np.ndarray[Any, Any], size: int) -> Callable[[Engine], None]:
    out = np.zeros(EVENTS, dtype=EVENT_DTYPE)

    def run(engine: Engine) -> None:
        submit = engine.submit
        for start in range(0, len(commands), size):
            submit(commands[start : start + size], out)

    return run


def one_by_one(commands: np.ndarray[Any, Any]) -> Callable[[Engine], None]:
    out = np.zeros(EVENTS, dtype=EVENT_DTYPE)
    rows = [commands[at : at + 1] for at in range(len(commands))]

    def run(engine: Engine) -> None:
        submit = engine.submit
        for row in rows:
            submit(row, out)

    return run


def by_methods(name: str) -> Callable[[Engine], None]:
    tape = np.fromfile(TAPES / f"{name}.bin", dtype=TAPE_DTYPE).tolist()
    reduce_kind = int(CommandKind.REDUCE)

    def run(engine: Engine) -> None:
        place, cancel, amend, command = engine.place, engine.cancel, engine.amend, engine.command
        for action, side, immediate, _, user, order_id, price, qty, _ in tape:
            if action == NEW:
                place(0, user, side, price, qty, tif=immediate)
            elif action == MOVE:
                amend(0, user, order_id, price=price, requeue=True)
            elif action == CANCEL:
                cancel(0, user, order_id)
            else:
                command(reduce_kind, account=user, order_id=order_id, qty=qty)

    return run


def measure(label: str, run: Callable[[Engine], None], count: int, wanted: str) -> dict[str, Any]:
    cpu, wall = [], []
    for _ in range(RUNS):
        engine = opened()
        wall_ns, cpu_ns = time.perf_counter_ns(), time.thread_time_ns()
        run(engine)
        cpu.append((time.thread_time_ns() - cpu_ns) / count)
        wall.append((time.perf_counter_ns() - wall_ns) / count)
        check(engine, wanted)
    rates = sorted(1e9 / ns for ns in cpu)
    return {
        "call": label,
        "cpu_per_s": {"median": statistics.median(rates), "min": rates[0], "max": rates[-1]},
        "cpu_ns": statistics.median(cpu),
        "wall_ns": statistics.median(wall),
        "end_state": "equal",
    }


def measure_all() -> list[dict[str, Any]]:
    commands = commands_of("xc")
    first = commands_of("xc-first")
    whole, part = end_hash("xc"), end_hash("xc-first")
    return [
        measure("place, cancel, amend", by_methods("xc-first"), len(first), part),
        measure("submit of 1", one_by_one(first), len(first), part),
        *(
            measure(f"submit of {size:,}", in_batches(commands, size), len(commands), whole)
            for size in BATCHES
        ),
    ]


def print_table(rows: list[dict[str, Any]]) -> None:
    print("\nFrom Python, xc, matching only, thread-CPU million commands/s, end state equal")
    for row in rows:
        rate = row["cpu_per_s"]
        spread = f"{rate['median'] / 1e6:.2f} ({rate['min'] / 1e6:.2f}..{rate['max'] / 1e6:.2f})"
        nanoseconds = f"{row['cpu_ns']:8,.0f} ns  wall {row['wall_ns']:,.0f} ns"
        print(f"  {row['call']:22} {spread:22} {nanoseconds}")


def main() -> int:
    rows = measure_all()
    print_table(rows)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
