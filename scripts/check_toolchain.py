#!/usr/bin/env python3
"""Say in one sentence what is missing to build: Python 3.11+, venv, Rust."""

import importlib.util
import shutil
import sys


def main() -> int:
    problems = []
    if sys.version_info < (3, 11):  # noqa: UP036 - this is the file that has to say so
        problems.append(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}; "
            "run `make PYTHON=python3.12 ...`."
        )
    if importlib.util.find_spec("ensurepip") is None:
        problems.append("Python's venv module is incomplete; install the python3-venv package.")
    if shutil.which("cargo") is None:
        problems.append(
            "Rust is needed to build the core; install it from rustup.rs or your system."
        )
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
