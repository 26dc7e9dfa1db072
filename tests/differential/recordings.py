"""The recorded pool states and on-chain answers: the committed sample and the full set."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
SAMPLE = REPOSITORY / "tests" / "golden" / "pools" / "tests"
FULL_SET = REPOSITORY.parent / "shared" / "data" / "pools" / "onchain_goldens" / "tests"
ROOTS = {"sample": SAMPLE, "full set": FULL_SET}


class Recording:
    """One of the two copies of the recordings."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def load(self, name: str) -> Any:
        """Return a file's content; a file that only the full set has skips the test.

        Raises:
            FileNotFoundError: the full set lacks the file.
        """
        path = self.root / name
        if self.root == SAMPLE and not path.exists():
            pytest.skip(f"{name} is not in the committed sample")
        return json.loads(path.read_text())

    def arbitrage_states(self, kind: str) -> Iterator[Any]:
        """Yield every pool state of a kind in the arbitrage recordings, or skip the test."""
        folder = self.root / "arbitrage" / "fixtures"
        if not folder.exists():
            pytest.skip("the arbitrage recordings are not in the committed sample")
        for path in sorted(folder.glob("*.json")):
            for state in json.loads(path.read_text()).get("pool_states", {}).values():
                if state["type"] == kind:
                    yield state


def tick_rows(ticks: dict[str, Any]) -> list[tuple[int, int, int]]:
    """Return (index, gross, net) rows from either of the two shapes the recordings have."""
    rows = []
    for index, tick in ticks.items():
        if isinstance(tick, dict):
            gross, net = tick["liquidity_gross"], tick["liquidity_net"]
        else:
            gross, net = tick[:2]
        rows.append((int(index), int(gross), int(net)))
    return sorted(rows)


def completed(
    ticks: list[tuple[int, int, int]], tick: int, liquidity: int, end: int
) -> list[tuple[int, int, int]]:
    """Return the ticks of a part of a pool with one more at each end, so that the sums hold.

    Swaps that stay between the recorded ticks do not notice.
    """
    below = liquidity - sum(net for index, _, net in ticks if index <= tick)
    above = -(below + sum(net for _, _, net in ticks))
    return [(-end, abs(below), below), *ticks, (end, abs(above), above)]
