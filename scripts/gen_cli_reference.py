#!/usr/bin/env python3
"""Write docs/reference/cli.md from the commands themselves."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from router.cli.main import COMMANDS, cli

TARGET = Path(__file__).resolve().parent.parent / "docs/reference/cli.md"
WIDTH = 100
HEAD = """# Command line

This page is written by `scripts/gen_cli_reference.py` from the commands' own help.

## For all commands

- `--config FILE` and `--home DIR` stand before the command: `router --home DIR quote ...`. The keys
  of the file are in [config.md](config.md); `$ROUTER_CONFIG` and `$ROUTER_HOME` do the same.
- Amounts are plain decimals in whole tokens, `10` or `0.5`. Prices of our book are in quote per
  whole base.
- With `--json` standard output is one JSON document and nothing else: no progress, no picture.
  Money in it is a decimal string of base units (wei), never a JSON number.
- An error is one line on standard error, `error CODE: sentence`, with `--json` as
  `{"error": {"code": ..., "message": ...}}`. The codes are in [errors.md](errors.md).

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | could not be carried out, or the answer is "no": breaks, a failed check, nothing traded |
| 2 | the request was wrong; nothing was held, sent or changed |
| 130 | interrupted by Ctrl-C; what was begun is finished by the next command that writes |

`quote`, `balances`, `wallets`, `orders`, `pools`, `journals`, `book list`, `book show`,
`book watch` and `doctor` only read, and run beside a process that writes. `book replay`,
`book verify` and `book hash` look at the files that they are given and need no data directory. The
others take the data directory for themselves; while one works, another ends with `BUSY`.
"""


def pages() -> Iterator[str]:
    yield HEAD
    root = click.Context(cli, info_name="router", **cli.context_settings)
    for name in sorted(COMMANDS):
        command = cli.get_command(root, name)
        assert command is not None, name
        yield from sections(command, name, root)


def sections(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    """Yield the section of a command and of each of its sub-commands."""
    ctx = click.Context(
        command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH
    )
    if not isinstance(command, click.Group):
        yield f"\n## {ctx.command_path}\n\n```\n{command.get_help(ctx)}\n```\n"
        return
    for sub in command.list_commands(ctx):
        found = command.get_command(ctx, sub)
        assert found is not None, sub
        yield from sections(found, sub, ctx)


def page() -> str:
    return "".join(pages())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when the page is stale")
    if parser.parse_args().check:
        fresh = TARGET.exists() and TARGET.read_text(encoding="utf-8") == page()
        if not fresh:
            print(f"{TARGET.name} is stale: run scripts/gen_cli_reference.py", file=sys.stderr)
        return 0 if fresh else 1
    TARGET.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
