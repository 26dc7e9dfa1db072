"""`router quote --universe`: orders over the pools of a file, no chain needed."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import click

from router.cli.plain_text import one_line, printable
from router.domain.amounts import Amount
from router.domain.assets import Asset
from router.domain.errors import UsageError
from router.universe.market import (
    POOL_KINDS,
    LeftOut,
    LegGas,
    PoolKind,
    UniverseMarket,
    market_of,
)
from router.universe.quoting import OfflineLimits, OfflineQuote, quote_body, quote_order
from router.universe.reading import read_orders, read_universe
from router.universe.records import OrderRecord, RefusedOrder, Token, Universe

# Options of `router quote` that a universe knows.
KNOWN_OPTIONS = frozenset(
    {"universe", "orders", "as_jsonl", "sell", "buy", "amount", "max_hops", "max_legs"}
) | {"gas_price_wei", "leg_gas"}
LEFT_OUT_SHOWN = 20

Report: TypeAlias = Callable[[str, int, int], None]


def quote_universe(ctx: click.Context, options: dict[str, Any]) -> None:
    """Quote every order of the file, or the one on the command line, and print the answers.

    Raises:
        UsageError: USAGE, an option that a universe does not know; UNIVERSE_INVALID; ORDER_INVALID.
        OSError: a file cannot be read.
    """
    _refuse_others(ctx)
    given = {name: options[name] for name in ("max_hops", "max_legs") if options[name] is not None}
    limits = OfflineLimits(gas_price_wei=options["gas_price_wei"], **given)
    leg_gas = dict(_leg_gas(text) for text in options["leg_gas"])
    path = Path(options["universe"])
    with _progress() as report:
        report("reading", 0, 0)
        universe = read_universe(path)
        orders = _orders(universe, options)
        market = market_of(
            universe,
            leg_gas=leg_gas,
            on_pool=lambda done, total: report("pools", done, total),
        )
    _tell_left_out(market.left_out)
    with _progress() as report:
        _print_answers(universe, market, orders, limits, options, report)


def _orders(universe: Universe, options: dict[str, Any]) -> tuple[OrderRecord | RefusedOrder, ...]:
    if options["sell"] is not None:
        if options["orders"] is not None:
            raise UsageError("USAGE", "Give --orders or SELL BUY AMOUNT, not both.")
        return (_order_of(universe, options["sell"], options["buy"], options["amount"]),)
    if options["orders"] is not None:
        return read_orders(Path(options["orders"]), len(universe.tokens))
    if not universe.orders:
        raise UsageError(
            "USAGE", "The universe has no orders: give --orders FILE or SELL BUY AMOUNT."
        )
    return universe.orders


def _order_of(universe: Universe, sell: str, buy: str | None, amount: str | None) -> OrderRecord:
    """Return the order of the command line: tokens by symbol, address or id, the amount whole."""
    if buy is None or amount is None:
        raise UsageError("USAGE", "Give SELL, BUY and AMOUNT, or none of them.")
    token_in, token_out = _token(universe, sell), _token(universe, buy)
    asset = _asset(universe.tokens[token_in])
    return OrderRecord(
        order_id=0,
        token_in=token_in,
        token_out=token_out,
        amount_in=Amount.parse(amount, asset).units,
    )


def _leg_gas(text: str) -> tuple[PoolKind, LegGas]:
    """Parse `v3=100000+20000`: the gas of a leg over a kind of pool, and of each tick crossed."""
    kind, _, numbers = text.partition("=")
    base, plus, per_tick = numbers.partition("+")
    digits = (base, per_tick if plus else "0")
    known = next((known for known in POOL_KINDS if known == kind), None)
    if known is None or not all(part.isascii() and part.isdigit() for part in digits):
        wanted = f"KIND=GAS or KIND=GAS+PER_TICK, KIND one of {', '.join(sorted(POOL_KINDS))}"
        raise UsageError("USAGE", f"--leg-gas {text[:40]!r} is not {wanted}.")
    return known, LegGas(base=int(digits[0]), per_tick=int(digits[1]))


def _asset(token: Token) -> Asset:
    """Return an asset that only reads and prints amounts."""
    return Asset(symbol=token.symbol, decimals=token.decimals, chain_id=1, address="0x" + "0" * 40)


def _token(universe: Universe, name: str) -> int:
    wanted = name.lower()
    found = [
        index
        for index, token in enumerate(universe.tokens)
        if wanted in (token.symbol.lower(), token.address.lower(), str(index))
    ]
    if not found:
        raise UsageError("ASSET_UNKNOWN", f"The universe has no token {name[:80]!r}.")
    if len(found) > 1:
        ids = ", ".join(map(str, found))
        raise UsageError("ASSET_UNKNOWN", f"{name[:80]!r} is the name of the tokens {ids}.")
    return found[0]


def _print_answers(
    universe: Universe,
    market: UniverseMarket,
    orders: tuple[OrderRecord | RefusedOrder, ...],
    limits: OfflineLimits,
    options: dict[str, Any],
    report: Report,
) -> None:
    for index, order in enumerate(orders):
        answer = quote_order(market, order, limits)
        if options["as_jsonl"]:
            line = json.dumps(quote_body(answer), separators=(",", ":"), allow_nan=False)
        else:
            line = _sentence(universe, order, answer)
        sys.stdout.write(line + "\n")
        if index % 16 == 0:
            report("orders", index, len(orders))
    sys.stdout.flush()


def _sentence(
    universe: Universe, order: OrderRecord | RefusedOrder, answer: OfflineQuote | RefusedOrder
) -> str:
    if isinstance(answer, RefusedOrder) or isinstance(order, RefusedOrder):
        assert isinstance(answer, RefusedOrder)
        return one_line(f"order {answer.order_id}: {answer.code}: {answer.message}")
    paid, bought = _asset(universe.tokens[order.token_in]), _asset(universe.tokens[order.token_out])
    amounts = (
        f"{Amount(order.amount_in, paid).format()} {paid.symbol} -> "
        f"{Amount(answer.plan.amount_out, bought).format()} {bought.symbol}"
    )
    return printable(
        f"order {answer.order_id}: {amounts}, at most {answer.plan.gap_bps:.4f} bp from the best, "
        f"{len(answer.pool_ids)} fills, {answer.solve_us:.0f} us"
    )


def _tell_left_out(left_out: tuple[LeftOut, ...]) -> None:
    for pool in left_out[:LEFT_OUT_SHOWN]:
        note = f"left out {pool.pool_id}: {pool.code}: {pool.message}"
        click.echo(one_line(note), err=True)
    if len(left_out) > LEFT_OUT_SHOWN:
        click.echo(f"left out {len(left_out) - LEFT_OUT_SHOWN} more pools", err=True)


def _refuse_others(ctx: click.Context) -> None:
    for parameter in ctx.command.params:
        name = parameter.name or ""
        given = ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name not in KNOWN_OPTIONS:
            raise UsageError("USAGE", f"{parameter.opts[0]} does not go with --universe.")


@contextmanager
def _progress() -> Iterator[Report]:
    """Give a callback that draws a bar on standard error, if somebody looks."""
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console  # noqa: PLC0415 - only where there is a terminal
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def report(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total or None)

        yield report


def _silent(step: str, done: int, total: int) -> None:
    """Tell nobody."""
