"""`router quote` and `router route`: prices and orders over all venues."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from router.cli.arguments import AmountCommand
from router.cli.explain import in_one_line, print_explanation
from router.cli.order_view import OrderProgress, print_order
from router.cli.output import JSON_OPTION, console, print_json, write_text
from router.cli.picture import route_svg
from router.cli.session import use_router
from router.domain.errors import UsageError
from router.domain.orders import OrderState, OrderStatus
from router.domain.routes import Quote
from router.wire_quote import quote_body

if TYPE_CHECKING:
    from router.sdk import Router


# Plans that lost, shown by --explain when nothing else is asked for.
EXPLAINED_ALTERNATIVES = 3


def _arguments(command: Any, *, required: bool) -> Any:  # noqa: ANN401 - a click decorator
    """Add what to trade: SELL, BUY and AMOUNT."""
    for name in ("amount", "buy", "sell"):
        command = click.argument(name, required=required)(command)
    return command


def _quote_options(command: Any, *, required: bool) -> Any:  # noqa: ANN401 - a click decorator
    """Add the arguments and options that `quote` and `route` share."""
    for decorate in reversed(
        (
            click.option("--exact-out", is_flag=True, help="AMOUNT is what to buy, not to sell."),
            click.option(
                "--slippage-bps",
                type=int,
                metavar="BP",
                help="How far the guaranteed may be from the quoted amount.",
            ),
            click.option(
                "--max-hops", type=int, metavar="N", help="Pools one path may cross, 1 to 6."
            ),
            click.option(
                "--max-legs", type=int, metavar="N", help="Venues that may take part, 1 to 32."
            ),
            click.option(
                "--gas-price-wei",
                type=int,
                metavar="WEI",
                help="What gas is reckoned at; the chain's price by default.",
            ),
            click.option(
                "--max-gas", type=int, metavar="GAS", help="Most gas that the transaction may use."
            ),
            click.option("--direct-only", is_flag=True, help="No asset in between."),
            click.option(
                "--exclude",
                multiple=True,
                metavar="VENUE",
                help="Leave out a venue, by id, address, instrument or kind; may be repeated.",
            ),
            click.option(
                "--include",
                multiple=True,
                metavar="VENUE",
                help="Only these venues, named likewise; may be repeated.",
            ),
            click.option(
                "--protocol",
                "protocols",
                multiple=True,
                metavar="KIND",
                help="Only this kind, such as uniswap_v4 or book; may be repeated.",
            ),
            click.option(
                "--exclude-token",
                "exclude_tokens",
                multiple=True,
                metavar="ASSET",
                help="No route passes through this asset; may be repeated.",
            ),
            click.option(
                "--connector",
                "connectors",
                multiple=True,
                metavar="ASSET",
                help="Routes pass through these assets only; may be repeated.",
            ),
        )
    ):
        command = decorate(command)
    return _arguments(command, required=required)


async def _quote(router: "Router", options: dict[str, Any]) -> Quote:
    wanted = dict(options)
    return await router.quote(
        wanted.pop("sell"),
        wanted.pop("buy"),
        wanted.pop("amount"),
        protocols=wanted.pop("protocols") or None,
        connectors=wanted.pop("connectors") or None,
        **wanted,
    )


@click.command(cls=AmountCommand)
@partial(_quote_options, required=False)
@click.option("--universe", metavar="FILE", help="Quote over the pools of a file; needs no chain.")
@click.option("--orders", metavar="FILE", help="Orders over the universe; its own by default.")
@click.option(
    "--leg-gas",
    multiple=True,
    metavar="KIND=GAS",
    help="Gas of a leg over a kind of the universe's pools, as v3=100000+20000 (per tick).",
)
@click.option("--jsonl", "as_jsonl", is_flag=True, help="Print one JSON line per order.")
@click.option("--explain", is_flag=True, help="Show the split, marginal prices, gas and the gap.")
@click.option("--svg", metavar="FILE", help="Write a picture of the route.")
@click.option("--alternatives", type=int, metavar="N", help="Also show plans that lost, at most 8.")
@click.option("--account", metavar="NAME", help="Note when this account cannot pay for it.")
@JSON_OPTION
@click.pass_context
def quote(
    ctx: click.Context,
    /,
    universe: str | None,
    orders: str | None,
    leg_gas: tuple[str, ...],
    as_jsonl: bool,
    explain: bool,
    svg: str | None,
    alternatives: int | None,
    account: str | None,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - the shared options, by name
) -> None:
    """Quote AMOUNT of SELL for BUY over the book and the pools; changes nothing.

    With --universe the pools and the orders are those of files (docs/specs/universes.md).

    Example: router quote WETH USDC 10 --explain
    """
    if universe is not None:
        from router.cli.offline import quote_universe  # noqa: PLC0415 - only for files

        files = {"universe": universe, "orders": orders}
        quote_universe(ctx, {**options, **files, "leg_gas": leg_gas, "as_jsonl": as_jsonl})
        return
    _check_online(
        options, {"--orders": orders is not None, "--jsonl": as_jsonl, "--leg-gas": bool(leg_gas)}
    )
    shown = EXPLAINED_ALTERNATIVES if explain else 0
    options |= {
        "alternatives": shown if alternatives is None else alternatives,
        "account": account,
    }
    found = use_router(ctx, lambda router: _quote(router, options), read_only=True)
    if svg:
        write_text(Path(svg), route_svg(found))
    if as_json:
        print_json(quote_body(found))
    elif explain:
        print_explanation(console(), found)
    else:
        click.echo(in_one_line(found))


def _check_online(options: dict[str, Any], offline: dict[str, bool]) -> None:
    """Refuse what only a universe knows, and an order that is not whole.

    Raises:
        UsageError: USAGE.
    """
    for name, is_given in offline.items():
        if is_given:
            raise UsageError("USAGE", f"{name} goes with --universe only.")
    for name in ("sell", "buy", "amount"):
        if options[name] is None:
            raise UsageError("USAGE", f"Missing argument '{name.upper()}'.")


@click.command(cls=AmountCommand)
@partial(_quote_options, required=True)
@click.option(
    "--account", metavar="NAME", required=True, help="Client account that pays and receives."
)
@click.option("--client-order-id", metavar="ID", help="Makes the command safe to repeat.")
@click.option(
    "--deadline-ms", type=int, metavar="MS", help="Time from now after which nothing is sent."
)
@click.option("--explain", is_flag=True, help="Show the split first.")
@JSON_OPTION
@click.pass_context
def route(
    ctx: click.Context,
    /,
    account: str,
    client_order_id: str | None,
    deadline_ms: int | None,
    explain: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - the shared options, by name
) -> int:
    """Quote AMOUNT of SELL for BUY, execute it and follow it until it is settled.

    Exit code 0 when it is final and something was traded; 1 when nothing was, or when it is not
    final yet: the next command that writes goes on with it.

    Example: router route WETH USDC 10 --account alice
    """
    progress = OrderProgress(console(), silent=as_json)

    async def work(router: "Router") -> tuple[Quote, OrderState]:
        found = await _quote(router, options)
        if explain and not as_json:
            print_explanation(console(), found)
        with progress:
            order = await router.route(
                found,
                account=account,
                client_order_id=client_order_id,
                deadline_ms=deadline_ms,
            )
        return found, order

    found, order = use_router(
        ctx, work, on_order_event=progress.on_event, on_settlement_step=progress.on_step
    )
    if as_json:
        print_json({"quote": quote_body(found), "order": order})
    else:
        print_order(console(), order)
    return 0 if order.status in (OrderStatus.SETTLED, OrderStatus.PARTLY_SETTLED) else 1
