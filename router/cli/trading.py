"""`router quote`, `router route`, `router book`: prices and orders."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from router.cli.explain import print_explanation
from router.cli.order_view import OrderProgress, print_order
from router.cli.output import JSON_OPTION, console, print_json, table
from router.cli.picture import route_svg
from router.cli.session import use_router
from router.domain.amounts import Amount
from router.domain.market import Instrument, Ladder
from router.domain.orders import OrderState, OrderStatus
from router.domain.routes import Quote

if TYPE_CHECKING:
    from router.sdk import Router


def _quote_options(command: Any) -> Any:  # noqa: ANN401 - a click decorator
    """Add the arguments and options that `quote` and `route` share."""
    for decorate in reversed(
        (
            click.argument("sell"),
            click.argument("buy"),
            click.argument("amount"),
            click.option("--exact-out", is_flag=True, help="AMOUNT is what to buy, not to sell."),
            click.option("--slippage-bps", type=int, help="Tolerance of the guaranteed amount."),
            click.option("--max-hops", type=int, help="Pools one path may cross, 1 to 3."),
            click.option("--max-legs", type=int, help="Venues that may take part, 1 to 16."),
            click.option("--gas-price-wei", type=int, help="What gas is reckoned at."),
            click.option("--exclude", multiple=True, metavar="VENUE", help="Leave a venue out."),
            click.option(
                "--protocol",
                "protocols",
                multiple=True,
                metavar="NAME",
                help="Only uniswap_v2, uniswap_v3 or book; may be repeated.",
            ),
        )
    ):
        command = decorate(command)
    return command


async def _quote(router: "Router", options: dict[str, Any]) -> Quote:
    wanted = dict(options)
    protocols = wanted.pop("protocols")
    return await router.quote(
        wanted.pop("sell"),
        wanted.pop("buy"),
        wanted.pop("amount"),
        protocols=protocols or None,
        **wanted,
    )


@click.command(context_settings={"ignore_unknown_options": True})
@_quote_options
@click.option("--explain", is_flag=True, help="Show the split, marginal prices, gas and the gap.")
@click.option("--svg", metavar="FILE", help="Write a picture of the route.")
@JSON_OPTION
@click.pass_context
def quote(
    ctx: click.Context,
    /,
    explain: bool,
    svg: str | None,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - the shared options, by name
) -> None:
    """Quote AMOUNT of SELL for BUY over the book and the pools; changes nothing.

    Example: router quote WETH USDC 10 --explain
    """
    found = use_router(ctx, lambda router: _quote(router, options), read_only=True)
    if svg:
        Path(svg).write_text(route_svg(found), encoding="utf-8")
    if as_json:
        print_json(found)
    elif explain:
        print_explanation(console(), found)
    else:
        limit = Amount(found.limit_units, found.optimised)
        word = "at least" if found.optimised == found.asset_out else "at most"
        click.echo(
            f"{found.amount_in} -> {found.amount_out} ({word} {limit}; "
            f"{len(found.legs)} legs, gap {found.gap_bps:.4f} bp)"
        )


@click.command(context_settings={"ignore_unknown_options": True})
@_quote_options
@click.option("--account", required=True, help="Client account that pays and receives.")
@click.option("--client-order-id", help="Makes the command safe to repeat.")
@click.option("--deadline-ms", type=int, help="Nothing more is sent after this time.")
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
    """Quote, execute and follow an order until it is settled. Exit code 1 if nothing traded.

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
        print_json({"quote": found, "order": order})
    else:
        print_order(console(), order)
    return 1 if order.status is OrderStatus.RETURNED else 0


@click.group()
def book() -> None:
    """Our own order book: look at it, place and cancel limit orders."""


@book.command()
@click.argument("instrument")
@click.option("--depth", type=click.IntRange(1, 200), default=10, show_default=True)
@JSON_OPTION
@click.pass_context
def show(ctx: click.Context, instrument: str, depth: int, as_json: bool) -> None:
    """Show the best levels of INSTRUMENT, for example WETH/USDC."""
    ladder = use_router(ctx, lambda r: r.ladder(instrument.upper(), depth), read_only=True)
    if as_json:
        print_json(ladder)
        return
    console().print(_ladder_table(ladder))


def _ladder_table(ladder: Ladder) -> Any:  # noqa: ANN401 - a rich table
    traded = ladder.instrument
    made = table(traded.symbol, "side", "price", "size", right=frozenset({"price", "size"}))
    for level in reversed(ladder.asks):
        made.add_row("[red]ask[/]", *_level_texts(traded, level.price_ticks, level.lots))
    for level in ladder.bids:
        made.add_row("[green]bid[/]", *_level_texts(traded, level.price_ticks, level.lots))
    return made


def _level_texts(traded: Instrument, price_ticks: int, lots: int) -> tuple[str, str]:
    lots_per_whole = traded.base.one_in_units // traded.lot_units
    price = Amount(traded.quote_units(lots_per_whole, price_ticks), traded.quote)
    return str(price), str(Amount(traded.base_units(lots), traded.base))


@book.command(context_settings={"ignore_unknown_options": True})
@click.argument("side", type=click.Choice(["buy", "sell"]))
@click.argument("instrument")
@click.argument("quantity")
@click.argument("price")
@click.option("--account", required=True)
@click.option("--client-order-id", help="Makes the command safe to repeat.")
@click.option("--post-only", is_flag=True, help="Refuse instead of trading at once.")
@JSON_OPTION
@click.pass_context
def place(
    ctx: click.Context,
    /,
    side: str,
    instrument: str,
    quantity: str,
    price: str,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - the shared options, by name
) -> None:
    """Place a limit order: QUANTITY in base, PRICE in quote per whole base.

    Example: router book place buy WETH/USDC 1.5 3480 --account maker
    """
    placed = use_router(
        ctx, lambda r: r.place_limit(instrument.upper(), side, quantity, price, **options)
    )
    if as_json:
        print_json(placed)
    else:
        order = placed.order
        click.echo(
            f"order {order.client_order_id}: {order.status}, {placed.fill.filled_lots} of "
            f"{order.lots} lots traded at once, {order.remaining_lots} resting"
        )


@book.command()
@click.argument("client_order_id")
@click.option("--account", required=True)
@JSON_OPTION
@click.pass_context
def cancel(ctx: click.Context, client_order_id: str, account: str, as_json: bool) -> None:
    """Take a resting order out of the book; its hold is given back."""
    order = use_router(ctx, lambda r: r.cancel(client_order_id, account=account))
    if as_json:
        print_json(order)
    else:
        click.echo(f"order {order.client_order_id}: {order.status}")
