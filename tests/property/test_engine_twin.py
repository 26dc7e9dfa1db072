"""The engine behind the Python seam and its slow twin, a second implementation of the rules in a
process of its own, give equal events and equal state after every submission."""

import os
import subprocess
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from router.core import Engine
from router.records import COMMAND_DTYPE, EVENT_DTYPE, RECORD_BYTES
from router.vocabulary import CommandKind, ListRole, OrderFlag, OrderType, Phase, StpMode, Tif

ROOT = Path(__file__).parents[2]
BUILD_S = 600
TIERS = 16
# The caps of the twin process.
CAPS = {
    "max_accounts": 6,
    "max_assets": 4,
    "max_instruments": 4,
    "max_orders": 48,
    "max_client_ids": 40,
    "max_account_orders": 20,
    "max_account_client_ids": 16,
    "client_window_ns": 5_000_000_000,
}
Batch = np.ndarray[Any, Any]

accounts = st.integers(0, 6)
prices = st.sampled_from([0, 8, 9, 10, 10, 11, 12])
lots = st.integers(0, 9)


def records(*rows: dict[str, int]) -> Batch:
    batch = np.zeros(len(rows), COMMAND_DTYPE)
    for record, row in zip(batch, rows, strict=True):
        for field, value in row.items():
            record[field] = value
    return batch


class TwinProcess:
    """The twin, spoken to over pipes."""

    def __init__(self, binary: Path) -> None:
        self._process = subprocess.Popen(
            [binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
        )

    def submit(self, batch: Batch) -> tuple[bytes, int]:
        """Return the events and the hash of the state."""
        stdin = self._pipe(self._process.stdin)
        stdin.write(len(batch).to_bytes(4, "little") + batch.tobytes())
        stdin.flush()
        count = int.from_bytes(self._read(4), "little")
        events = self._read(count * RECORD_BYTES)
        return events, int.from_bytes(self._read(8), "little")

    def _read(self, size: int) -> bytes:
        got = self._pipe(self._process.stdout).read(size)
        assert len(got) == size, "the twin ended"
        return got

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe

    def close(self) -> None:
        self._process.communicate(timeout=10)


class Lockstep(RuleBasedStateMachine):
    """Every rule sends one submission to both."""

    binary: Path

    def __init__(self) -> None:
        super().__init__()
        self.engine = Engine(**CAPS)
        self.twin = TwinProcess(self.binary)

    def teardown(self) -> None:
        self.twin.close()

    def send(self, *rows: dict[str, int]) -> None:
        batch = records(*rows)
        out = np.zeros(4096, EVENT_DTYPE)
        consumed, produced = self.engine.submit(batch, out)
        assert consumed == len(batch)
        assert not self.engine.waiting
        events, state_hash = self.twin.submit(batch)
        assert out[:produced].tobytes() == events
        assert self.engine.state_hash() == state_hash

    @initialize(mode=st.sampled_from([0, 1, 2]), fee=st.sampled_from([-100, 0, 700]))
    def open_market(self, mode: int, fee: int) -> None:
        added = {"kind": CommandKind.ADD_INSTRUMENT, "expire_s": 1, "order_id": 7, "qty": 3}
        self.send({**added, "flags": mode})
        # A rebate is only given once nobody takes for less.
        for tier in range(TIERS):
            self.send({"kind": CommandKind.SET_TIER, "display": tier, "trigger": 900})
        self.send({"kind": CommandKind.SET_TIER, "price": fee, "trigger": 900})
        for account in range(3):
            for asset in range(2):
                paid = {"kind": CommandKind.DEPOSIT, "account": account, "display": asset}
                self.send({**paid, "qty": 1500})
        self.send({"kind": CommandKind.SET_PHASE, "order_type": Phase.CONTINUOUS})

    @rule(
        account=accounts,
        side=st.integers(0, 1),
        price=prices,
        qty=lots,
        order_type=st.sampled_from([OrderType.LIMIT] * 4 + list(OrderType)),
        tif=st.sampled_from([Tif.GTC] * 3 + list(Tif)),
        flags=st.sampled_from([0] * 6 + [int(flag) for flag in OrderFlag] + [1 << 14, 3 << 14]),
        stp=st.sampled_from(list(StpMode)),
        trigger=st.sampled_from([0, 0, 1, 9, 11]),
        display=st.sampled_from([0, 0, 0, 2]),
        client_id=st.integers(0, 4),
        expire_s=st.sampled_from([0, 0, 2]),
    )
    def order(self, **fields: int) -> None:
        self.send({"kind": CommandKind.NEW, **fields})

    @rule(
        account=st.integers(0, 2),
        side=st.integers(0, 1),
        price=prices,
        qty=lots,
        trigger=st.sampled_from([7, 9, 11, 13]),
        is_bracket=st.booleans(),
    )
    def linked(
        self, account: int, side: int, price: int, qty: int, trigger: int, is_bracket: bool
    ) -> None:
        head = {"kind": CommandKind.NEW, "account": account, "side": side, "qty": qty}
        leg = {**head, "list": ListRole.LEG, "side": 1 - side if is_bracket else side}
        stop = {**leg, "order_type": OrderType.STOP, "tif": Tif.IOC, "price": price}
        stop["trigger"] = trigger
        profit = [{**leg, "price": 12 if side == 0 else 8}] if is_bracket else []
        role = ListRole.BRACKET_HEAD if is_bracket else ListRole.OCO_HEAD
        self.send({**head, "list": role, "price": price}, *profit, stop)

    @rule(
        kind=st.sampled_from([CommandKind.CANCEL, CommandKind.AMEND, CommandKind.REDUCE]),
        account=st.integers(0, 2),
        order_id=st.integers(0, 20),
        price=prices,
        qty=lots,
    )
    def change(self, kind: int, account: int, order_id: int, price: int, qty: int) -> None:
        row = {"kind": kind, "account": account, "order_id": order_id}
        amended = {"price": price} if kind == CommandKind.AMEND else {}
        sized = {"qty": qty} if kind != CommandKind.CANCEL else {}
        self.send({**row, **amended, **sized})

    @rule(phase=st.sampled_from([*list(Phase), Phase.CONTINUOUS, Phase.CONTINUOUS]))
    def phase(self, phase: int) -> None:
        self.send({"kind": CommandKind.SET_PHASE, "order_type": phase})

    @rule(
        kind=st.sampled_from(list(CommandKind)),
        flags=st.integers(0, 15),
        order_id=st.integers(0, 3),
        price=prices,
        qty=st.sampled_from([0, 1, 3, 10**9, 3 * 10**9]),
        order_type=st.integers(0, 4),
    )
    def anything(self, **fields: int) -> None:
        self.send(fields)


@pytest.fixture(scope="module")
def twin_binary() -> Path:
    build = ["cargo", "build", "--quiet", "--release", "-p", "router-twin", "--bin", "twin"]
    subprocess.run(build, cwd=ROOT, check=True, timeout=BUILD_S)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "release" / "twin"


def test_engine_and_twin_agree_in_every_event_and_state(twin_binary: Path) -> None:
    Lockstep.binary = twin_binary
    run_state_machine_as_test(
        Lockstep, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )
