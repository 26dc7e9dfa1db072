"""Children that are killed, and the node they leave behind."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.zygote import Errand, to_line

Runner = Callable[[Errand], int]


@pytest.fixture(scope="module")
def run_errand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Run an errand in a child process of its own; return its exit status (-9 when killed)."""
    log = (tmp_path_factory.mktemp("zygote") / "errors.log").open("w+")
    zygote = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("zygote.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    assert zygote.stdin is not None
    assert zygote.stdout is not None

    def run(errand: Errand) -> int:
        zygote.stdin.write(to_line(errand))
        zygote.stdin.flush()
        answer = zygote.stdout.readline().split()
        if not answer or answer[-1] not in {"0", "-9"}:
            log.seek(0)
            raise AssertionError(f"the child ended with {answer}:\n{log.read()[-3000:]}")
        return int(answer[-1])

    yield run
    zygote.stdin.close()
    zygote.wait(10)
    zygote.stdout.close()
    log.close()
