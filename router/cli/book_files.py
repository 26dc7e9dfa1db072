"""`router book replay`, `verify` and `hash`: files of the matching engine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from router.cli.book_tape import Tape
from router.cli.output import JSON_OPTION, console, print_json, print_table, table
from router.domain.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from router.core import Engine, Recovery

IMAGE_MAGIC: Final = b"RTIM"
ROUND_EVENTS: Final = 1 << 18
# How often a journal is read before it is called damaged.
VERIFY_ATTEMPTS = 3
_FILE = click.Path(path_type=Path)


@dataclass(slots=True, kw_only=True)
class Replay:
    """What a file of commands did; the counts are by the word of the number."""

    commands: int
    events: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    traded_lots: int = 0
    elapsed_us: int = 0
    state_hash: str = ""

    @property
    def commands_per_s(self) -> int:
        return self.commands * 1_000_000 // max(self.elapsed_us, 1)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--events", "events_path", metavar="OUT", help="Write all events to this file.")
@click.option(
    "--max-accounts", type=click.IntRange(1, 2**24), default=2**16, show_default=True,
    metavar="COUNT", help="Accounts that the engine knows.",
)  # fmt: skip
@JSON_OPTION
def replay(file: Path, events_path: str | None, max_accounts: int, as_json: bool) -> None:
    """Run the 64-byte command records in FILE through an empty matching engine.

    Prints how many events of each kind came out, why commands were refused, and the hash of the
    state in the end. The same file gives the same hash on every machine. FILE may be a pipe.

    Example: router book replay commands.bin --events events.bin
    """
    with file.open("rb") as opened:
        _, done = _run(Tape(opened, file), max_accounts, events_path, quiet=as_json)
    if as_json:
        print_json(done)
        return
    print_table(_counts_table("events", "event", done.events), "no event")
    if done.rejected:
        print_table(_counts_table("refused", "reason", done.rejected), "nothing refused")
    console().print(
        Text.assemble(
            f"{done.commands:,} commands, {done.traded_lots:,} lots traded, "
            f"{done.elapsed_us / 1e6:.3f} s, {done.commands_per_s:,} commands/s\n",
            ("state ", "dim"),
            (done.state_hash, "bold"),
        )
    )


@click.command()
@click.argument("folder", type=_FILE)
@JSON_OPTION
def verify(folder: Path, as_json: bool) -> None:
    """Check the matching journal in FOLDER as recovery would, and change nothing.

    Every frame is read, every command is run again from the last whole snapshot. An unfinished
    group at the end was never acknowledged; it is told and is no fault.

    Example: router book verify var/matching
    """
    found = _recovered(folder)
    if as_json:
        print_json(_recovery(found))
        return
    end = "closed" if found.is_clean else "not closed"
    console().print(
        f"{found.sequence:,} commands, {found.replayed:,} run again after the snapshot at "
        f"{found.snapshot_end:,}; {end}, {found.epoch:,} writers so far, "
        f"{found.elapsed_us / 1e6:.3f} s"
    )
    if found.torn_at is not None:
        click.echo(f"an unfinished group at {found.torn_at:,} was not acknowledged")
    if found.snapshots_refused or found.is_mark_damaged:
        click.echo(
            f"damaged but not needed: {found.snapshots_refused} snapshots, "
            f"{int(found.is_mark_damaged)} commit marks"
        )
    console().print(Text.assemble(("state ", "dim"), (f"{found.state_hash:016x}", "bold")))


@click.command("hash")
@click.argument("path", type=_FILE)
@click.option(
    "--max-accounts", type=click.IntRange(1, 2**24), default=2**16, show_default=True,
    metavar="COUNT", help="Accounts that the engine knows, for a file of commands.",
)  # fmt: skip
@JSON_OPTION
def hash_state(path: Path, max_accounts: int, as_json: bool) -> None:
    """Print the state hash of PATH.

    PATH is the folder of a journal, a saved engine, or a file of commands, which is replayed.

    Example: router book hash commands.bin
    """
    if path.is_dir():
        found = _recovered(path)
        told = {"state_hash": f"{found.state_hash:016x}", "sequence": found.sequence}
    else:
        engine = _engine_of(path, max_accounts, quiet=as_json)
        told = {"state_hash": f"{engine.state_hash():016x}", "sequence": engine.sequence}
    if as_json:
        print_json(told)
    else:
        click.echo(told["state_hash"])


def _engine_of(path: Path, max_accounts: int, *, quiet: bool) -> "Engine":
    """Return a saved engine, or a new one that has run the commands of the file.

    Raises:
        UsageError: IMAGE_INVALID, it begins as a saved engine and is damaged; BATCH_INVALID.
    """
    from router.core import CoreError, Engine, failure_of  # noqa: PLC0415 - help needs no core

    with path.open("rb") as opened:
        begin = opened.read(len(IMAGE_MAGIC))
        if begin != IMAGE_MAGIC:
            return _run(Tape(opened, path, begin=begin), max_accounts, None, quiet=quiet)[0]
        image = begin + opened.read()
    try:
        return Engine.load(image)
    except CoreError as error:
        raise failure_of(error) from error


def _recovered(folder: Path) -> "Recovery":
    """Return what recovery finds in a folder.

    Raises:
        FailureError: NOT_FOUND, JOURNAL_CORRUPT, JOURNAL_FAILED or SCHEMA_UNSUPPORTED.
    """
    from router.core import CoreError, Engine, failure_of  # noqa: PLC0415

    for left in reversed(range(VERIFY_ATTEMPTS)):
        try:
            return Engine.verify(folder)
        except CoreError as error:
            # A journal in use moves on while it is read; real damage is there again.
            if error.code != "JOURNAL_CORRUPT" or not left:
                raise failure_of(error) from error
    raise AssertionError("the last attempt returns or raises")


def _recovery(found: "Recovery") -> dict[str, Any]:
    return {
        "sequence": found.sequence,
        "state_hash": f"{found.state_hash:016x}",
        "is_clean": found.is_clean,
        "replayed": found.replayed,
        "snapshot_end": found.snapshot_end,
        "snapshots_refused": found.snapshots_refused,
        "is_mark_damaged": found.is_mark_damaged,
        "torn_at": found.torn_at,
        "epoch": found.epoch,
        "elapsed_us": found.elapsed_us,
    }


def _run(
    tape: Tape, max_accounts: int, events_path: str | None, *, quiet: bool
) -> "tuple[Engine, Replay]":
    import numpy as np  # noqa: PLC0415 - only where arrays are used

    from router.core import CoreError, Engine, failure_of  # noqa: PLC0415
    from router.records import EVENT_DTYPE  # noqa: PLC0415

    engine = Engine(max_accounts=max_accounts)
    out = np.zeros(ROUND_EVENTS, EVENT_DTYPE)
    counts = _Counts(done=Replay(commands=0))
    with _opened(events_path, tape) as keep, _progress(quiet=quiet) as advance:
        for commands in tape.rounds():
            sent = 0
            while sent < len(commands) or engine.waiting:
                started = time.perf_counter_ns()  # the engine stops by itself when `out` is full
                try:
                    consumed, produced = engine.submit(commands[sent:], out)
                except CoreError as error:
                    raise failure_of(error) from error
                counts.elapsed_ns += time.perf_counter_ns() - started
                counts.add(out[:produced])
                if keep is not None:
                    keep.write(out[:produced].tobytes())
                sent += consumed
            counts.done.commands += sent
            advance(counts.done.commands, tape.count)
    counts.done.state_hash = f"{engine.state_hash():016x}"
    return engine, counts.told()


@dataclass(slots=True, kw_only=True)
class _Counts:
    done: Replay
    elapsed_ns: int = 0
    by_kind: dict[int, int] = field(default_factory=dict)
    by_reason: dict[int, int] = field(default_factory=dict)

    def add(self, events: "np.ndarray[Any, Any]") -> None:
        import numpy as np  # noqa: PLC0415

        from router.vocabulary import EventKind  # noqa: PLC0415

        for kind, count in enumerate(np.bincount(events["kind"])):
            self.by_kind[kind] = self.by_kind.get(kind, 0) + int(count)
        refused = events["reason"][events["kind"] == EventKind.REJECTED]
        for reason, count in enumerate(np.bincount(refused)):
            self.by_reason[reason] = self.by_reason.get(reason, 0) + int(count)
        self.done.traded_lots += int(events["qty"][events["kind"] == EventKind.TRADE].sum())

    def told(self) -> Replay:
        from router.vocabulary import EventKind, Reason  # noqa: PLC0415

        self.done.elapsed_us = self.elapsed_ns // 1_000
        self.done.events = {EventKind(k).name.lower(): n for k, n in self.by_kind.items() if n}
        self.done.rejected = {Reason(k).name.lower(): n for k, n in self.by_reason.items() if n}
        return self.done


@contextmanager
def _opened(path: str | None, tape: Tape) -> Iterator[Any]:
    """Open the file for events, if there is one.

    Raises:
        UsageError: it is the file of commands, which it would empty.
    """
    if path is None:
        yield None
        return
    if tape.is_file(Path(path)):
        raise UsageError("USAGE", f"{path} has the commands; give the events another file.")
    target = Path(path)
    if target.exists() and not target.is_file():
        with target.open("wb") as file:  # a pipe or a device has no other name
            yield file
        return
    unfinished = target.with_name(f"{target.name}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Any]:
    """Give a callback that draws a bar on standard error, if somebody looks."""
    out = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(
        *columns, console=out, transient=True, disable=quiet or not out.is_terminal
    ) as shown:
        task = shown.add_task("commands", total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _counts_table(title: str, name: str, counts: dict[str, int]) -> Any:  # noqa: ANN401 - rich's
    made = table(title, name, "count", right=frozenset({"count"}))
    for word, count in sorted(counts.items(), key=lambda pair: -pair[1]):
        made.add_row(word, f"{count:,}")
    return made
