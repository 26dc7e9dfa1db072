"""`router book`: our own order book."""

from typing import TYPE_CHECKING, Any

import click

from router.cli.arguments import AmountCommand
from router.cli.book_files import hash_state, replay, verify
from router.cli.book_view import instruments_table, ladder_table, price_text, size_text
from router.cli.book_watch import watch
from router.cli.output import JSON_OPTION, console, print_json, print_table
from router.cli.session import use_router
from router.domain.market import Instrument, Ladder

if TYPE_CHECKING:
    from router.execution.own_book import LimitResult
    from router.sdk import Router

ACCOUNT_OPTION = click.option(
    "--account", metavar="NAME", required=True, help="Client account whose order it is."
)


@click.group()
def book() -> None:
    """Our own order book: look at it, place and cancel limit orders.

    Example: router book show WETH/USDC
    """


for command in (hash_state, replay, verify, watch):
    book.add_command(command)


@book.command("list")
@JSON_OPTION
@click.pass_context
def list_instruments(ctx: click.Context, as_json: bool) -> None:
    """Show the instruments with their best prices, lots, ticks and fees.

    Example: router book list
    """

    async def work(router: "Router") -> list[Ladder]:
        return [await router.ladder(one.symbol, 1) for one in await router.instruments()]

    ladders = use_router(ctx, work, read_only=True)
    if as_json:
        print_json(ladders)
    else:
        print_table(instruments_table(ladders), "no instruments are configured")


@book.command()
@click.argument("instrument")
@click.option(
    "--depth", type=click.IntRange(1, 200), default=10, show_default=True, help="Levels a side."
)
@JSON_OPTION
@click.pass_context
def show(ctx: click.Context, instrument: str, depth: int, as_json: bool) -> None:
    """Show the best levels of INSTRUMENT.

    Example: router book show WETH/USDC --depth 5
    """
    ladder = use_router(ctx, lambda r: r.ladder(instrument.upper(), depth), read_only=True)
    if as_json:
        print_json(ladder)
    else:
        print_table(ladder_table(ladder), f"nothing rests in {ladder.instrument.symbol}")


@book.command(cls=AmountCommand)
@click.argument("side", type=click.Choice(["buy", "sell"]), metavar="{buy|sell}")
@click.argument("instrument")
@click.argument("quantity")
@click.argument("price")
@ACCOUNT_OPTION
@click.option("--client-order-id", metavar="ID", help="Makes the command safe to repeat.")
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
    symbol = instrument.upper()

    async def work(router: "Router") -> "tuple[LimitResult, Instrument]":
        placed = await router.place_limit(symbol, side, quantity, price, **options)
        return placed, (await router.ladder(symbol, 1)).instrument

    placed, traded = use_router(ctx, work)
    if as_json:
        print_json(placed)
        return
    order, fill = placed.order, placed.fill
    click.echo(
        f"order {order.client_order_id}: {order.status}, "
        f"{size_text(traded, fill.filled_lots)} of {size_text(traded, order.lots)} traded at once, "
        f"{size_text(traded, order.remaining_lots)} resting "
        f"at {price_text(traded, order.price_ticks)}"
    )


@book.command()
@click.argument("client_order_id", metavar="CLIENT_ORDER_ID")
@ACCOUNT_OPTION
@JSON_OPTION
@click.pass_context
def cancel(ctx: click.Context, client_order_id: str, account: str, as_json: bool) -> None:
    """Take a resting order out of the book; its hold is given back. Safe to repeat.

    Example: router book cancel my-order-1 --account maker
    """
    order = use_router(ctx, lambda r: r.cancel(client_order_id, account=account))
    if as_json:
        print_json(order)
    else:
        console().print(f"order {order.client_order_id}: {order.status}")
