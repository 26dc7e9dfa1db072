"""`router book replay`, `verify` and `hash`: the same file gives the same answer."""

import io
import json
import os
import tempfile
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cli.book_tape import Tape
from router.cli.main import execute
from router.core import Engine
from router.records import COMMAND_DTYPE, EVENT_DTYPE
from router.vocabulary import BookSide, CommandKind, ListRole, Phase


def tape() -> np.ndarray[Any, Any]:
    """List an instrument, open it, let ten sells rest, take four and ask for what is not there."""
    batch = np.zeros(14, COMMAND_DTYPE)
    batch["kind"] = CommandKind.NEW
    batch["kind"][:2] = [CommandKind.ADD_INSTRUMENT, CommandKind.SET_PHASE]
    batch["expire_s"][0], batch["order_id"][0], batch["qty"][0] = 1, 1, 1
    batch["order_type"][1] = Phase.CONTINUOUS
    batch["side"][2:12], batch["price"][2:], batch["qty"][2:] = BookSide.SELL, 100, 3
    batch["side"][12], batch["qty"][12] = BookSide.BUY, 12
    batch["instrument"][13] = 9
    return batch


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "commands.bin"
    path.write_bytes(tape().tobytes())
    return path


def expected() -> Engine:
    engine = Engine()
    engine.submit(tape(), np.zeros(64, EVENT_DTYPE))
    return engine


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    code = execute(["book", *arguments])
    told = capsys.readouterr()
    assert (code, told.err) == (0, "")
    return told.out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert execute(["book", *arguments]) != 0
    return capsys.readouterr().err


def test_a_replay_counts_events_and_ends_in_the_state_of_the_engine(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = tmp_path / "events.bin"
    told = json.loads(ran(capsys, "replay", str(file), "--events", str(events), "--json"))
    assert told["commands"] == 14
    assert told["traded_lots"] == 12
    assert told["rejected"] == {"unknown_instrument": 1}
    assert told["events"] == {
        "accepted": 11, "rejected": 1, "trade": 4, "rested": 10, "phase": 1, "configured": 1,
    }  # fmt: skip
    assert told["state_hash"] == f"{expected().state_hash():016x}"
    out = np.zeros(64, EVENT_DTYPE)
    _, produced = Engine().submit(tape(), out)
    assert events.read_bytes() == out[:produced].tobytes()


def test_a_replay_for_people_names_the_counts_and_the_state(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ran(capsys, "replay", str(file))
    assert f"state {expected().state_hash():016x}" in told
    assert "unknown_instrument" in told
    assert "14 commands, 12 lots traded" in told


def test_an_empty_file_is_an_empty_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none").write_bytes(b"")
    told = json.loads(ran(capsys, "replay", str(tmp_path / "none"), "--json"))
    assert (told["commands"], told["events"]) == (0, {})
    assert told["state_hash"] == f"{Engine().state_hash():016x}"


def test_a_tape_its_saved_state_and_its_journal_have_one_hash(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = expected()
    (tmp_path / "state").write_bytes(engine.save())
    journal = Engine.open(tmp_path / "journal", segment_bytes=65_536)
    journal.submit(tape(), np.zeros(64, EVENT_DTYPE))
    journal.close()
    hashes = {
        ran(capsys, "hash", str(path)) for path in (file, tmp_path / "state", tmp_path / "journal")
    }
    assert hashes == {f"{engine.state_hash():016x}\n"}


def test_a_sound_journal_is_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = Engine.open(tmp_path, segment_bytes=65_536)
    journal.submit(tape(), np.zeros(64, EVENT_DTYPE))
    journal.close()
    told = json.loads(ran(capsys, "verify", str(tmp_path), "--json"))
    assert (told["sequence"], told["is_clean"], told["torn_at"]) == (14, True, None)
    assert told["state_hash"] == f"{expected().state_hash():016x}"
    assert told["state_hash"] in ran(capsys, "verify", str(tmp_path))


def test_what_is_no_file_of_the_engine_is_refused_by_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / "odd"
    odd.write_bytes(bytes(65))
    assert refused(capsys, "replay", str(odd)).startswith("error BATCH_INVALID: ")
    assert refused(capsys, "replay", str(tmp_path / "gone")).startswith("error IO_ERROR: ")
    assert refused(capsys, "replay", str(tmp_path)).startswith("error ")
    odd.write_bytes(b"RTIM" + bytes(60))
    assert refused(capsys, "hash", str(odd)).startswith("error IMAGE_INVALID: ")
    assert refused(capsys, "verify", str(tmp_path / "gone")).startswith("error NOT_FOUND: ")
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize("name", ["commands.bin", "other.bin"])
def test_the_file_of_commands_is_never_written_over(
    file: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    os.link(file, file.with_name("other.bin"))
    told = refused(capsys, "replay", str(file), "--events", str(file.with_name(name)), "--json")
    assert json.loads(told)["error"]["code"] == "USAGE"
    assert file.read_bytes() == tape().tobytes()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are a thing of POSIX")
@pytest.mark.parametrize("command", ["replay", "hash"])
def test_a_pipe_is_read_to_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for content in (tape().tobytes(), tape().tobytes()[:-1]):
        writer = threading.Thread(target=pipe.write_bytes, args=(content,))
        writer.start()
        if len(content) % 64 == 0:
            told = json.loads(ran(capsys, command, str(pipe), "--json"))
            assert told["state_hash"] == f"{expected().state_hash():016x}"
        else:
            assert refused(capsys, command, str(pipe)).startswith("error BATCH_INVALID: ")
        writer.join(10)


@given(
    roles=st.lists(st.sampled_from([0, 0, ListRole.LEG, ListRole.LEG, ListRole.BRACKET_HEAD])),
    size=st.integers(1, 9),
)
def test_rounds_of_any_size_are_the_same_tape_and_cut_no_command(
    roles: list[int], size: int
) -> None:
    batch = np.zeros(len(roles), COMMAND_DTYPE)
    batch["kind"], batch["list"], batch["qty"] = CommandKind.NEW, roles, np.arange(len(roles))
    with tempfile.TemporaryFile() as file, pytest.MonkeyPatch.context() as patched:
        patched.setattr("router.cli.book_tape.ROUND_BYTES", 64 * size - size % 2)
        file.write(batch.tobytes())
        file.seek(0, io.SEEK_SET)
        rounds = list(Tape(file, Path("tape")).rounds())
    assert b"".join(part.tobytes() for part in rounds) == batch.tobytes()
    for before, behind in pairwise(rounds):
        is_leg = behind["list"][0] == ListRole.LEG
        assert not is_leg or (before["list"][-3:] == ListRole.LEG).all()
