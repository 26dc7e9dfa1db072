"""What there is: balances, wallets, orders, pools, journals."""

from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from router.cli.book_view import resting_table
from router.cli.order_view import orders_table
from router.cli.output import JSON_OPTION, plain, print_json, print_table, signed, table
from router.cli.session import use_router
from router.domain.amounts import Amount
from router.domain.assets import AssetRegistry
from router.domain.custody import RefillRequest, WalletLine
from router.domain.ledger import Balance, PostedJournal
from router.domain.market import Instrument, PoolRef
from router.domain.orders import BookOrder, OrderState

if TYPE_CHECKING:
    from router.sdk import Router


@click.command()
@click.argument("accounts", nargs=-1)
@JSON_OPTION
@click.pass_context
def balances(ctx: click.Context, accounts: tuple[str, ...], as_json: bool) -> None:
    """Show what ACCOUNTS own, and what of it is held by open orders; by default all clients'.

    Example: router balances alice bob
    """

    async def work(router: "Router") -> tuple[dict[str, list[Balance]], AssetRegistry]:
        names = accounts or tuple(dict.fromkeys(router.app.profile.owners.values()))
        return {name: await router.balances(name) for name in names}, router.assets

    found, assets = use_router(ctx, work, read_only=True)
    if as_json:
        print_json(
            {
                name: {
                    b.asset: {
                        "total": str(b.total),
                        "held": str(b.held),
                        "available": str(b.available),
                    }
                    for b in lines
                }
                for name, lines in found.items()
            }
        )
        return
    print_table(balances_table(found, assets), "no balances")


def balances_table(found: dict[str, list[Balance]], assets: AssetRegistry) -> Table:
    """Show balances in whole tokens, exactly."""
    right = frozenset({"available", "held", "total"})
    made = table("balances", "account", "asset", "available", "held", "total", right=right)
    for name, lines in found.items():
        for line in lines:
            asset = assets.by_symbol(line.asset)
            made.add_row(
                name,
                line.asset,
                Amount(line.available, asset).format(),
                Amount(line.held, asset).format(),
                Amount(line.total, asset).format(),
            )
    return made


@click.command()
@JSON_OPTION
@click.pass_context
def wallets(ctx: click.Context, as_json: bool) -> None:
    """Show the hot and the cold wallet, on chain and in the ledger, and what hot needs from cold.

    What is in flight shows as a difference here; only `router reconcile` tells it from a break.

    Example: router wallets
    """

    async def work(router: "Router") -> tuple[tuple[WalletLine, ...], tuple[RefillRequest, ...]]:
        return await router.wallets(), await router.app.custody.refill_requests()

    lines, requests = use_router(ctx, work, read_only=True)
    if as_json:
        print_json({"lines": lines, "refill_requests": requests})
        return
    print_table(wallets_table(lines), "both wallets are empty")
    if requests:
        print_table(refills_table(requests), "")


def refills_table(requests: tuple[RefillRequest, ...]) -> Table:
    """Show what the hot wallet has, below its low mark, and what cold has to send it."""
    title = "refill requests"
    made = table(title, "asset", "in hot", "from cold", right=frozenset({"in hot", "from cold"}))
    for one in requests:
        made.add_row(
            one.asset.symbol,
            Amount(one.ledger_units, one.asset).format(),
            Amount(one.units, one.asset).format(),
        )
    return made


def wallets_table(lines: tuple[WalletLine, ...]) -> Table:
    made = table(
        "wallets",
        "wallet",
        "asset",
        "on chain",
        "in the ledger",
        "difference",
        right=frozenset({"on chain", "in the ledger", "difference"}),
    )
    for line in lines:
        if not line.chain_units and not line.ledger_units:
            continue
        off = line.chain_units - line.ledger_units
        made.add_row(
            f"{line.wallet.role} {short_address(line.wallet.address)}",
            line.asset.symbol,
            Amount(line.chain_units, line.asset).format(),
            Amount(line.ledger_units, line.asset).format(),
            Text(signed(off, line.asset), style="red" if off else "green"),
        )
    return made


@click.command()
@click.option("--account", metavar="NAME", help="Only this client's orders.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many."
)
@click.option("--open", "open_only", is_flag=True, help="What rests in our own book instead.")
@JSON_OPTION
@click.pass_context
def orders(
    ctx: click.Context, account: str | None, limit: int, open_only: bool, as_json: bool
) -> None:
    """Show routed orders, newest first; with --open what rests in our book.

    Example: router orders --account alice
    """
    if open_only:
        _print_resting(ctx, account, limit, as_json=as_json)
        return
    states: list[OrderState] = use_router(
        ctx, lambda router: router.orders(account, limit), read_only=True
    )
    if as_json:
        print_json(states)
    else:
        print_table(orders_table(states), "no orders")


def _print_resting(ctx: click.Context, account: str | None, limit: int, *, as_json: bool) -> None:
    async def work(router: "Router") -> tuple[list[BookOrder], dict[str, Instrument]]:
        instruments = {one.symbol: one for one in await router.instruments()}
        return (await router.open_orders(account))[:limit], instruments

    resting, instruments = use_router(ctx, work, read_only=True)
    if as_json:
        print_json(resting)
    else:
        print_table(resting_table(resting, instruments), "no resting orders")


@click.command()
@JSON_OPTION
@click.pass_context
def pools(ctx: click.Context, as_json: bool) -> None:
    """Show the pools that take part in quotes.

    Example: router pools
    """
    found: tuple[PoolRef, ...] = use_router(ctx, lambda router: router.pools(), read_only=True)
    if as_json:
        print_json([{"venue_id": p.venue_id, "label": p.label, **plain(p)} for p in found])
        return
    made = table("pools", "venue", "address")
    for pool in found:
        made.add_row(pool.label, pool.address)
    print_table(made, "no pools are configured")


@click.command()
@click.option(
    "--reference", metavar="ID", help="Only journals of this order, deposit or withdrawal."
)
@click.option(
    "--after", type=click.IntRange(0), default=0, metavar="N", help="Only numbers above this one."
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many."
)
@JSON_OPTION
@click.pass_context
def journals(
    ctx: click.Context, reference: str | None, after: int, limit: int, as_json: bool
) -> None:
    """Show the ledger's journals, oldest first.

    Example: router journals --after 20
    """

    async def work(router: "Router") -> tuple[list[PostedJournal], AssetRegistry]:
        return await router.journals(reference, after=after, limit=limit), router.assets

    found, assets = use_router(ctx, work, read_only=True)
    if as_json:
        print_json(found)
    else:
        print_table(journals_table(found, assets), "no journals")


def short_address(address: str) -> str:
    """Return an address for people: its two ends."""
    return f"{address[:6]}..{address[-4:]}"


def short_account(account: str) -> str:
    """Return an account for people: a wallet's address by its two ends."""
    head, found, address = account.rpartition("/0x")
    return f"{head}/{short_address('0x' + address)}" if found else account


def journals_table(found: list[PostedJournal], assets: AssetRegistry) -> Table:
    right = frozenset({"debit", "credit", "#"})
    made = table("journals", "#", "kind", "account", "debit", "credit", "asset", right=right)
    for posted in found:
        for index, entry in enumerate(posted.journal.entries):
            text = Amount(abs(entry.units), assets.by_symbol(entry.asset)).format()
            made.add_row(
                str(posted.sequence) if index == 0 else "",
                str(posted.journal.kind) if index == 0 else "",
                short_account(entry.account),
                text if entry.units > 0 else "",
                text if entry.units < 0 else "",
                entry.asset,
                end_section=index == len(posted.journal.entries) - 1,
            )
    return made
