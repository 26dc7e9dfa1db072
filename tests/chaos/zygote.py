"""A process that has imported everything and forks a real child for each line it is given.

Run as a script: importing takes far longer than what the children do, and each of them has to be a
process of its own, since it is killed. A line is one JSON object (`Errand`); the answer is the
child's exit status, negative for the signal that ended it.
"""

import asyncio
import json
import os
import signal
import sys
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from connectors.chain.deployment import Deployment  # noqa: E402
from router.domain.amounts import Amount  # noqa: E402
from tests.integration.settlement.live import Live, open_live  # noqa: E402
from tests.integration.settlement.swaps import submit_swap  # noqa: E402

DEADLINE_S = 20
PAYEE = "0x71bE63f3384f5fb98995898A86B02Fb2426c5788"


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a child has to do, and the step at which it kills itself as `kill -9` would."""

    url: str
    database: str
    deployment: dict[str, Any]
    act: str
    die_at: str | None = None


class Death:
    """Observer that ends the process without any clean-up at one step."""

    def __init__(self, die_at: str | None) -> None:
        self._die_at = die_at

    def __call__(self, step: str, _intent_id: str) -> None:
        if step == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)


async def run(errand: Errand) -> None:
    """A start of the program: resume first, then do the errand, which is idempotent."""
    async with asyncio.timeout(DEADLINE_S):
        async with open_live(
            url=errand.url,
            deployment=Deployment.from_document(errand.deployment),
            database_path=Path(errand.database),
            observer=Death(errand.die_at),
        ) as live:
            await live.settlement.resume()
            intent_id = await _submit(live, errand.act)
            await live.settlement.result(intent_id)


async def _submit(live: Live, act: str) -> str:
    if act == "swap":
        return await submit_swap(live, "chaos")
    usdc = live.deployment.asset("USDC")
    made = await live.custody.withdraw("alice", Amount(7_000_000, usdc), PAYEE, "chaos")
    return made.intent_id


def _child(errand: Errand) -> None:
    """End the forked process by itself, whatever comes: it must never run the parent's loop."""
    status = 1
    sys.stdout = sys.stderr  # Logs must not stand among the answers.
    try:
        asyncio.run(run(errand))
        status = 0
    finally:
        if status:
            traceback.print_exc()
        os._exit(status)


def main() -> None:
    for line in sys.stdin:
        errand = Errand(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            _child(errand)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def to_line(errand: Errand) -> str:
    return json.dumps(asdict(errand)) + "\n"


if __name__ == "__main__":
    main()
