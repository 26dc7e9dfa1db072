"""Runs the `router` command as a user does, in this process, and keeps what it printed."""

import contextlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from router.cli.main import execute

# What only ranks or measures may be a fraction in JSON; money never is.
RANKS = {
    "gap_bps",
    "gap_net_bps",
    "price_impact_bps",
    "marginal_price",
    "marginalPrice",
    "optimalityGapBps",
    "optimalityGapNetBps",
    "priceImpactBps",
    "referenceShortfallBps",
}


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)

    @property
    def error_code(self) -> str:
        """The code of the one line on standard error."""
        assert self.err.endswith("\n"), self
        assert self.err.count("\n") == 1, self
        word, code, sentence = self.err.split(maxsplit=2)
        assert (word, code[-1]) == ("error", ":"), self
        assert sentence.strip(), self
        return code[:-1]


@dataclass(frozen=True, slots=True)
class Command:
    """The command with its data directory."""

    home: Path

    def __call__(self, *arguments: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = execute(["--home", str(self.home), *arguments])
        return Ran(code, out.getvalue(), err.getvalue())

    def json(self, *arguments: str) -> Any:
        """Run a command that has to succeed and return its document, its money checked."""
        ran = self(*arguments, "--json")
        assert (ran.code, ran.err) == (0, ""), (arguments, ran)
        assert_money_is_text(ran.document)
        return ran.document


def assert_money_is_text(document: Any, name: str = "") -> None:
    if isinstance(document, Mapping):
        for key, value in document.items():
            assert_money_is_text(value, key)
    elif isinstance(document, list):
        for value in document:
            assert_money_is_text(value, name)
    elif isinstance(document, float):
        assert name in RANKS, (name, document)
    elif isinstance(document, int):
        assert abs(document) < 2**53, (name, document)
        assert not name.endswith(("units", "_wei")), (name, document)


@contextlib.contextmanager
def devnet(home: Path) -> Iterator[Command]:
    """Start a devnet with the command itself, and stop it in the end."""
    run = Command(home)
    try:
        run.json("devnet", "up", "--port", "0")
        yield run
    finally:
        assert run("devnet", "down").code == 0
