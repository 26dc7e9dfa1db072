"""Order books from PyPI on the tapes of `make bench-matching`, each in its own process.

Run `python benches/matching_peers.py` after the tapes were written (`benches/matching.py` does
both); prints a table and writes `var/bench/matching_peers.json`. The packages go into an
environment of their own under `var/bench/peers`. The timer holds what a Python program pays: the
loop over the commands, one call per command, the library's own work, but no reading of the tape.
"""

import argparse
import json
import statistics
import struct
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "var" / "bench" / "peers"
TAPES = ROOT / "var" / "bench" / "tapes"
TARGET = ROOT / "var" / "bench" / "matching_peers.json"
INSTALL_TIMEOUT_S = 300
RUN_TIMEOUT_S = 300
RUNS = 5
COMMANDS = 200_000
RECORD = struct.Struct("<BBBBIQqqQ")
NEW, CANCEL, MOVE = 0, 1, 2

Level = tuple[int, int]


class Order(NamedTuple):
    """One command of a tape; see docs/development/matching-workloads.md."""

    action: int
    side: int
    immediate: int
    order_id: int
    price: int
    quantity: int


class Peer(Protocol):
    """A library's book behind the calls that a user of it would make."""

    def run(self, tape: Sequence[Order]) -> None: ...

    def levels(self) -> tuple[list[Level], list[Level]] | None:
        """Offers and bids from the best, or nothing if the library does not tell."""


class Nanobook:
    """Its `modify` gives a new id and the last place, and takes minutes for a tape of moves."""

    def __init__(self) -> None:
        import nanobook  # type: ignore[import-not-found]

        self._book = nanobook.Exchange()

    def run(self, tape: Sequence[Order]) -> None:
        ids = {}
        submit, cancel = self._book.submit_limit, self._book.cancel
        for action, side, immediate, order_id, price, quantity in tape:
            if action == NEW:
                tif = "ioc" if immediate else "gtc"
                ids[order_id] = submit("sell" if side else "buy", price, quantity, tif).order_id
            else:
                cancel(ids[order_id])

    def levels(self) -> tuple[list[Level], list[Level]]:
        book = self._book.full_book()
        return (
            [(level.price, level.quantity) for level in book.asks],
            [(level.price, level.quantity) for level in book.bids],
        )


class OrderlyChaos:
    """Has every call of the tapes but a move, which is a cancel and a new order."""

    def __init__(self) -> None:
        import orderly_chaos  # type: ignore[import-not-found]

        self._module = orderly_chaos
        self._book = orderly_chaos.LimitOrderBook()

    def run(self, tape: Sequence[Order]) -> None:
        book = self._book
        sides = (self._module.Side.BUY, self._module.Side.SELL)
        limit, cancel, reduce, get = book.limit, book.cancel, book.reduce, book.get
        for action, side, immediate, order_id, price, quantity in tape:
            if action == NEW:
                filled = limit(sides[side], order_id, quantity, price)
                if immediate and filled < quantity:
                    cancel(order_id)
            elif action == CANCEL:
                cancel(order_id)
            elif action == MOVE:
                left = get(order_id).quantity
                cancel(order_id)
                limit(sides[side], order_id, left, price)
            elif quantity < get(order_id).quantity:
                reduce(order_id, quantity)
            else:
                cancel(order_id)

    def levels(self) -> tuple[list[Level], list[Level]]:
        side = self._module.Side
        return (
            [(level.price, level.volume) for level in self._book.depth(side.SELL, 1_000_000)],
            [(level.price, level.volume) for level in self._book.depth(side.BUY, 1_000_000)],
        )


class LimitOrderBook:
    """Tells neither what an order has left nor its levels; their volumes are asked one by one."""

    def __init__(self) -> None:
        import limit_order_book  # type: ignore[import-not-found]

        self._book = limit_order_book.LimitOrderBook()
        self._prices: set[int] = set()

    def run(self, tape: Sequence[Order]) -> None:
        place = (self._book.limit_buy, self._book.limit_sell)
        cancel = self._book.cancel
        for action, side, _, order_id, price, quantity in tape:
            if action == NEW:
                place[side](order_id, quantity, price)
            else:
                cancel(order_id)

    def levels(self) -> tuple[list[Level], list[Level]]:
        prices = range(1, 4_000)
        asks = [(price, self._book.volume_sell(price)) for price in prices]
        bids = [(price, self._book.volume_buy(price)) for price in reversed(prices)]
        return [level for level in asks if level[1]], [level for level in bids if level[1]]


class Pylobo:
    """Tells the best prices only."""

    def __init__(self) -> None:
        from lobo import _lobo  # type: ignore[import-not-found]

        self._module = _lobo
        self._book = _lobo.Book(update_user_map=False)

    def run(self, tape: Sequence[Order]) -> None:
        import uuid

        owner = uuid.UUID(int=1)
        orders, ids = self._module.orders, {}
        sides = (orders.Side.Buy, orders.Side.Sell)
        fill, cancel, limit = self._book.fill, self._book.cancel, orders.LimitOrder
        for action, side, _, order_id, price, quantity in tape:
            if action == NEW:
                ids[order_id] = fill(limit(price, quantity, owner, sides[side])).remaining_order_id
            else:
                cancel(ids[order_id])

    def levels(self) -> None:
        return None


class Package(NamedTuple):
    pin: str
    core: str
    tapes: tuple[str, ...]
    make: Callable[[], Peer]


PACKAGES = {
    "nanobook": Package("nanobook==0.19.2", "Rust, PyO3", ("liq",), Nanobook),
    "orderly-chaos": Package(
        "orderly-chaos==0.2.0", "C++, ctypes", ("liq", "itch", "xc"), OrderlyChaos
    ),
    "limit-order-book": Package("limit-order-book==2.0.0", "C++, ctypes", ("liq",), LimitOrderBook),
    "pylobo": Package("pylobo==0.1.2", "Rust, PyO3", ("liq",), Pylobo),
}


def l2_hash(asks: Iterable[Level], bids: Iterable[Level]) -> str:
    value = 1_469_598_103_934_665_603
    for level in (*asks, *bids):
        for word in level:
            value = (value ^ word) * 1_099_511_628_211 % 2**64
    return f"{value:016x}"


def read_tape(path: Path) -> list[Order]:
    records = RECORD.iter_unpack(path.read_bytes())
    return [
        Order(action, side, immediate, order_id, price, quantity)
        for action, side, immediate, _, _, order_id, price, quantity, _ in records
    ]


def work(name: str, path: Path) -> None:
    """Run one package in this process and print what came of it as JSON."""
    tape = read_tape(path)
    cpu, wall, hashes = [], [], set()
    for _ in range(RUNS):
        peer = PACKAGES[name].make()
        wall_ns, cpu_ns = time.perf_counter_ns(), time.thread_time_ns()
        peer.run(tape)
        cpu.append((time.thread_time_ns() - cpu_ns) / len(tape))
        wall.append((time.perf_counter_ns() - wall_ns) / len(tape))
        levels = peer.levels()
        hashes.add(None if levels is None else l2_hash(*levels))
    print(json.dumps({"cpu_ns": cpu, "wall_ns": wall, "hashes": sorted(map(str, hashes))}))


def peers_python() -> Path:
    """Return the interpreter of the peers' own environment, which is made at need."""
    python = HOME / "bin" / "python"
    if not python.exists():
        venv.create(HOME, with_pip=True)
    return python


def installed(python: Path, package: Package) -> str | None:
    """Install a package at need; return why that failed, or nothing."""
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        done = subprocess.run(
            [*command, package.pin],
            check=False,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return f"not installed within {INSTALL_TIMEOUT_S} s"
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        return f"cannot be installed here: {lines[-1]}"
    return None


def measure(python: Path, name: str, tape: str) -> dict[str, Any]:
    """Run a package on a tape in a new process.

    Returns:
        Thread-CPU operations per second (median, min, max), and how its end state compares.
    """
    path = TAPES / f"{tape}-first.bin"
    wanted = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["l2_hash"]
    command = [python, __file__, "--work", name, "--tape", path]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=RUN_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return {"note": f"took more than {RUN_TIMEOUT_S} s"}
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        return {"note": f"failed: {lines[-1]}"}
    result = json.loads(done.stdout)
    rates = sorted(1e9 / ns for ns in result["cpu_ns"])
    verdict = {wanted: "equal", "None": "not told"}.get("/".join(result["hashes"]), "differs")
    return {
        "cpu_per_s": {"median": statistics.median(rates), "min": rates[0], "max": rates[-1]},
        "cpu_ns": statistics.median(result["cpu_ns"]),
        "wall_ns": statistics.median(result["wall_ns"]),
        "end_state": verdict,
    }


def measure_all() -> list[dict[str, Any]]:
    python = peers_python()
    rows = []
    for name, package in PACKAGES.items():
        head = {"package": package.pin, "core": package.core}
        problem = installed(python, package)
        if problem:
            rows.append({**head, "note": problem})
            continue
        rows += [{**head, "tape": tape, **measure(python, name, tape)} for tape in package.tapes]
    return rows


def print_table(rows: list[dict[str, Any]]) -> None:
    print("\nBooks from PyPI, one call per command, thread-CPU thousand operations/s")
    for row in rows:
        head = f"  {row['package']:24} {row['core']:12} {row.get('tape', '-'):5}"
        if "note" in row:
            print(f"{head} {row['note']}")
            continue
        rate = row["cpu_per_s"]
        spread = (
            f"{rate['median'] / 1e3:7,.0f} ({rate['min'] / 1e3:,.0f}..{rate['max'] / 1e3:,.0f})"
        )
        print(f"{head} {spread:24} {row['cpu_ns']:7,.0f} ns  end state {row['end_state']}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", choices=PACKAGES, help=argparse.SUPPRESS)
    parser.add_argument("--tape", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work, arguments.tape)
        return 0
    rows = measure_all()
    print_table(rows)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
