#!/usr/bin/env python3
"""Write docs/reference/errors.md from the table of error codes; `--check` only compares."""

import argparse
import sys
from pathlib import Path

from router.domain.errors import CODES

TARGET = Path(__file__).resolve().parent.parent / "docs/reference/errors.md"
HEAD = """# Error codes

Every error on purpose has a stable code and one sentence. On the command line it is printed as
`error CODE: sentence`, with `--json` as `{"error": {"code": ..., "message": ...}}`, on standard
error; the exit code is 2 when the request was wrong and 1 when it could not be carried out. In
Python it is a `router.RouterError` with `.code` and `.message`. This page is written by
`scripts/gen_error_reference.py` from `router/domain/errors.py`.

| code | meaning |
|---|---|
"""


def page() -> str:
    return HEAD + "".join(f"| `{code}` | {meaning} |\n" for code, meaning in CODES.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when the page is stale")
    if parser.parse_args().check:
        fresh = TARGET.exists() and TARGET.read_text(encoding="utf-8") == page()
        if not fresh:
            print(f"{TARGET.name} is stale: run scripts/gen_error_reference.py", file=sys.stderr)
        return 0 if fresh else 1
    TARGET.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
