"""An engine with a journal over the seam: what was answered is there when it is opened again."""

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from router.core import CoreError, Engine
from router.records import COMMAND_DTYPE, EVENT_DTYPE
from router.vocabulary import BookSide, CommandKind, EventKind, ListRole, Phase

SEGMENT = 1 << 16


def opened(folder: Path, **options: Any) -> Engine:
    return Engine.open(folder, segment_bytes=SEGMENT, **options)


def orders(count: int, price: int = 100) -> np.ndarray[Any, Any]:
    batch = np.zeros(count, COMMAND_DTYPE)
    batch["kind"], batch["price"], batch["qty"] = CommandKind.NEW, price, 5
    return batch


def started(folder: Path) -> Engine:
    engine = opened(folder, max_accounts=8)
    engine.add_instrument(0)
    engine.set_phase(0, Phase.CONTINUOUS)
    return engine


def test_a_closed_engine_is_recovered_as_it_was(tmp_path: Path) -> None:
    engine = started(tmp_path)
    assert engine.recovery is not None
    assert (engine.recovery.is_new, engine.recovery.sequence) == (True, 0)
    out = np.zeros(4096, EVENT_DTYPE)
    assert engine.submit(orders(1000), out) == (1000, 2000)
    ack = engine.place(0, 1, BookSide.SELL, 100, 7)
    assert ack.filled_lots == 7
    assert engine.durable_end == engine.sequence == 1003
    told = engine.state_hash()
    engine.close()

    again = opened(tmp_path)
    assert again.recovery is not None
    assert (again.recovery.is_new, again.recovery.is_clean) == (False, True)
    assert (again.recovery.sequence, again.recovery.state_hash) == (1003, told)
    assert again.state_hash() == told
    assert again.submit(orders(1), out) == (1, 2)
    assert out["order_id"][0] == 1002


def test_the_events_are_those_of_an_engine_in_memory(tmp_path: Path) -> None:
    durable, memory = started(tmp_path), Engine(max_accounts=8)
    memory.add_instrument(0)
    memory.set_phase(0, Phase.CONTINUOUS)
    batch = np.concatenate([orders(300), orders(300, 101), orders(3, 99)])
    batch["side"][300:600] = BookSide.SELL
    batch["account"] = np.arange(len(batch)) % 8
    ours, theirs = np.zeros(4096, EVENT_DTYPE), np.zeros(4096, EVENT_DTYPE)
    assert durable.submit(batch, ours) == memory.submit(batch, theirs)
    assert ours.tobytes() == theirs.tobytes()
    assert durable.state_hash() == memory.state_hash()


@pytest.mark.parametrize("size", [1, 2, 7])
def test_a_small_out_loses_no_event(tmp_path: Path, size: int) -> None:
    engine = started(tmp_path)
    batch, events, sent = orders(40), 0, 0
    out = np.zeros(size, EVENT_DTYPE)
    while sent < len(batch) or engine.waiting:
        consumed, produced = engine.submit(batch[sent:], out)
        assert engine.waiting <= size, "no more commands are taken than there is room for events"
        sent, events = sent + consumed, events + produced
    assert events == 80


def test_what_was_answered_survives_a_killed_process(tmp_path: Path) -> None:
    program = (
        "import os, sys, numpy as np\n"
        "from router.core import Engine\n"
        "from router.records import COMMAND_DTYPE, EVENT_DTYPE\n"
        "e = Engine.open(sys.argv[1], segment_bytes=65536)\n"
        "e.add_instrument(0); e.set_phase(0, 3)\n"
        "b = np.zeros(500, COMMAND_DTYPE); b['kind'], b['price'], b['qty'] = 1, 100, 5\n"
        "e.submit(b, np.zeros(2000, EVENT_DTYPE))\n"
        "print(e.sequence, e.state_hash(), flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == -9, done.stderr
    found = Engine.verify(tmp_path)
    assert f"{found.sequence} {found.state_hash}\n" == done.stdout
    assert not found.is_clean


def test_a_snapshot_shortens_recovery_and_changes_nothing(tmp_path: Path) -> None:
    engine = started(tmp_path)
    out = np.zeros(4096, EVENT_DTYPE)
    engine.submit(orders(1000), out)
    assert engine.snapshot() == 1002
    engine.submit(orders(10), out)
    told = engine.state_hash()
    engine.close()
    found = Engine.verify(tmp_path)
    assert (found.snapshot_end, found.replayed, found.state_hash) == (1002, 10, told)


def test_a_closed_engine_takes_no_command(tmp_path: Path) -> None:
    engine = started(tmp_path)
    engine.close()
    engine.close()
    out = np.zeros(4, EVENT_DTYPE)
    for call in (
        lambda: engine.submit(orders(1), out),
        lambda: engine.place(0, 0, 0, 1, 1),
        lambda: engine.best(0),
        lambda: engine.sequence,
        engine.save,
        engine.snapshot,
        engine.state_hash,
    ):
        with pytest.raises(CoreError) as refused:
            call()
        assert refused.value.code == "ENGINE_CLOSED"
    assert engine.drain(out) == 0


def refusal(call: Any) -> str:
    with pytest.raises(CoreError) as refused:
        call()
    assert refused.value.message.endswith(".")
    return refused.value.code


def test_a_journal_is_refused_by_code(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    assert refusal(lambda: Engine.verify(nothing)) == "JOURNAL_ABSENT"
    assert refusal(lambda: opened(nothing, create=False)) == "JOURNAL_ABSENT"
    assert not nothing.exists(), "looking makes no folder"
    assert refusal(lambda: Engine.open(nothing, segment_bytes=5)) == "JOURNAL_OPTIONS"
    assert refusal(lambda: Engine.open(nothing, timeout_s=-1)) == "JOURNAL_OPTIONS"
    assert refusal(lambda: Engine().snapshot()) == "JOURNAL_ABSENT"
    engine = started(tmp_path / "one")
    assert refusal(lambda: opened(tmp_path / "one")) == "JOURNAL_LOCKED"
    engine.close()
    opened(tmp_path / "one").close()
    (tmp_path / "file").write_bytes(b"")
    assert refusal(lambda: Engine.open(tmp_path / "file")) == "JOURNAL_FAILED"


def test_a_flipped_byte_of_what_was_acknowledged_is_refused(tmp_path: Path) -> None:
    engine = started(tmp_path)
    engine.submit(orders(600), np.zeros(2000, EVENT_DTYPE))
    engine.close()
    segments = [path for path in tmp_path.iterdir() if path.stat().st_size >= SEGMENT]
    assert segments
    content = bytearray(segments[0].read_bytes())
    content[8192] ^= 1
    segments[0].write_bytes(content)
    assert refusal(lambda: Engine.verify(tmp_path)) == "JOURNAL_CORRUPT"


def test_legs_without_heads_never_reach_the_journal_alone(tmp_path: Path) -> None:
    engine = started(tmp_path)
    batch = orders(9)
    batch["list"][1:] = ListRole.LEG
    out = np.zeros(2, EVENT_DTYPE)
    # The legs go with the order in front of them although there is room for two events only.
    assert engine.submit(batch, out)[0] == 9
    assert engine.waiting == 8
    rest = np.zeros(64, EVENT_DTYPE)
    assert engine.drain(rest) == 8
    assert set(rest["kind"][:8]) == {EventKind.REJECTED}
    assert refusal(lambda: engine.submit(batch[1:], rest)) == "BATCH_INVALID"
    assert engine.sequence == 11


def crc32c(content: bytes) -> int:
    crc = 0xFFFF_FFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F6_3B78 if crc & 1 else 0)
    return crc ^ 0xFFFF_FFFF


def test_a_journal_of_other_rules_is_refused_with_what_to_do_and_kept(tmp_path: Path) -> None:
    engine = started(tmp_path)
    engine.submit(orders(10), np.zeros(64, EVENT_DTYPE))
    engine.close()
    (snapshot,) = tmp_path.glob("snapshot-*")
    content = bytearray(snapshot.read_bytes())
    ours = int.from_bytes(content[76:80], "little")
    content[76:80] = (ours + 7).to_bytes(4, "little")
    content[124:128] = crc32c(bytes(content[:124])).to_bytes(4, "little")
    snapshot.write_bytes(content)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for call in (lambda: opened(tmp_path), lambda: Engine.verify(tmp_path)):
        with pytest.raises(CoreError) as refused:
            call()
        assert refused.value.code == "JOURNAL_SEMANTICS"
        told = refused.value.message
        assert f"version {ours + 7}" in told
        assert f"version {ours};" in told
        assert "begin a new journal" in told
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_others_run_while_a_journal_waits_for_the_disk(tmp_path: Path) -> None:
    """A thread that counts goes on: the interpreter is let go during the waits."""
    engine = started(tmp_path)
    done, counted = threading.Event(), 0

    def send() -> None:
        out = np.zeros(1 << 12, EVENT_DTYPE)
        for _ in range(200):
            engine.submit(orders(1), out)
        done.set()

    sender = threading.Thread(target=send)
    switching = sys.getswitchinterval()
    # Without being let go the counting thread would get no turn for a minute.
    sys.setswitchinterval(60)
    try:
        sender.start()
        while not done.is_set():
            counted += 1
            time.sleep(0)
    finally:
        sys.setswitchinterval(switching)
        sender.join()
    assert counted > 200
    engine.close()
