"""A command whose arguments may be amounts: `-1` is a wrong amount, `--typo` a wrong option."""

import difflib
import re
from itertools import takewhile

import click

_OPTION = re.compile(r"--?[A-Za-z]")


class AmountCommand(click.Command):
    """Reads a leading minus and a digit as an argument, so that the amount's own check refuses it.

    Click alone would call `-1` an unknown option; told to let unknown options pass, it would take
    `--slipage` for an argument and name the wrong thing.
    """

    ignore_unknown_options = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {
            name
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option)
            for name in (*parameter.opts, *parameter.secondary_opts)
        }
        for text in takewhile(lambda text: text != "--", args):
            name = text.partition("=")[0]
            if _OPTION.match(name) and name not in known:
                close = difflib.get_close_matches(name, known)
                raise click.NoSuchOption(name, possibilities=close, ctx=ctx)
        return super().parse_args(ctx, args)
