#!/usr/bin/env python3
"""How long `import router` takes in a fresh interpreter, apart from the interpreter's own start."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

ROUNDS = 15
LIMIT_MS = 150.0
HEAVY = ("ccxt", "web3", "eth_account", "sqlmodel", "aiohttp")
RESULT = Path(__file__).resolve().parent.parent / "var" / "bench" / "import_time.json"
PROBE = """
import sys, time
started = time.perf_counter()
import router
print((time.perf_counter() - started) * 1000, *sorted(set(sys.modules) & set({heavy})))
"""


def probe() -> tuple[float, list[str]]:
    """Return milliseconds, and which heavy packages came along."""
    answer = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=HEAVY)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parent.parent,
    ).stdout.split()
    return float(answer[0]), answer[1:]


def main() -> int:
    probes = [probe() for _ in range(ROUNDS)]
    median_ms = statistics.median(ms for ms, _ in probes)
    heavy = sorted({name for _, names in probes for name in names})
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    result = {"import_router_median_ms": round(median_ms, 2), "heavy": heavy}
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    good = median_ms < LIMIT_MS and not heavy
    print(f"  import router: {median_ms:.1f} ms (limit {LIMIT_MS:g}), heavy packages: {heavy}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
