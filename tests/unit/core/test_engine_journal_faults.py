"""An engine with a journal whose disk is late or fails: no event is lost, none is another's."""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from router.core import CoreError, Engine
from router.records import COMMAND_DTYPE, EVENT_DTYPE
from router.vocabulary import CommandKind, Phase

T = TypeVar("T")

TRIES = 40


def started(folder: Path, timeout_s: float) -> Engine:
    engine = Engine.open(folder)
    engine.add_instrument(0)
    engine.set_phase(0, Phase.CONTINUOUS)
    engine.close()
    return Engine.open(folder, timeout_s=timeout_s)


def heavy(count: int) -> np.ndarray[Any, Any]:
    batch = np.zeros(count, COMMAND_DTYPE)
    batch["kind"], batch["price"], batch["qty"] = CommandKind.NEW, 100, 5
    return batch


def in_time(call: Callable[[], T]) -> T | None:
    try:
        return call()
    except CoreError as error:
        if error.code != "JOURNAL_DEADLINE":
            raise
    return None


def drained(engine: Engine) -> list[int]:
    """Return the commands whose events wait, one number for each event."""
    out, told = np.zeros(1 << 16, EVENT_DTYPE), []
    while engine.waiting:
        told += out["command"][: engine.drain(out)].tolist()
    return told


def test_an_answer_after_a_deadline_has_the_events_of_its_own_command(tmp_path: Path) -> None:
    """Commands that became durable after their caller had gone give their events later."""
    seen = 0
    for attempt in range(TRIES):
        engine = started(tmp_path / str(attempt), timeout_s=0.001 * 1.3 ** (attempt % 10))
        out = np.zeros(1 << 16, EVENT_DTYPE)
        if in_time(partial(engine.submit, heavy(1 << 14), out)) is not None:
            continue
        late_end = engine.sequence
        until = time.monotonic() + 10
        while engine.durable_end != late_end and time.monotonic() < until:
            time.sleep(0.01)
        ack = in_time(partial(engine.place, 0, 1, 0, 7, 3))
        if ack is None:
            continue
        seen += 1
        assert ack.sequence == late_end
        assert ack.events["command"].tolist() == [late_end] * 2
        assert ack.order_id == late_end - 1, "the one after all the late orders"
        assert drained(engine) == [n for n in range(2, late_end) for _ in range(2)]
        break
    if not seen:
        pytest.skip("this disk was never late and then in time")


# A file may have up to a megabyte and a half: the second group of 16,384 commands hits the limit.
FULL_DISK = """
import resource, sys
import numpy as np
from router.core import CoreError, Engine
from router.records import COMMAND_DTYPE, EVENT_DTYPE
from router.vocabulary import CommandKind, Phase
engine = Engine.open(sys.argv[1])
engine.add_instrument(0)
engine.set_phase(0, Phase.CONTINUOUS)
batch = np.zeros(3 << 14, COMMAND_DTYPE)
batch["kind"], batch["price"], batch["qty"] = CommandKind.NEW, 100, 5
out = np.zeros(4 << 16, EVENT_DTYPE)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 19, hard))
try:
    engine.submit(batch, out)
except CoreError as error:
    print(error.code)
end = engine.durable_end
told = []
while engine.waiting:
    told += out["command"][: engine.drain(out)].tolist()
print(end, told == [n for n in range(2, end) for _ in range(2)])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are a thing of POSIX")
def test_the_events_before_a_failure_in_the_same_batch_can_be_drained(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    code, end, is_whole = done.stdout.split()
    assert code == "JOURNAL_FAILED"
    assert int(end) >= 1 << 14
    assert is_whole == "True"
