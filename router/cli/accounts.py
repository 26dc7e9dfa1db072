"""Balances, wallets, orders, pools, journals; paying in and out."""

from typing import TYPE_CHECKING

import click
from rich.table import Table

from router.cli.order_view import orders_table
from router.cli.output import JSON_OPTION, console, print_json, table
from router.cli.session import use_router
from router.domain.amounts import Amount
from router.domain.assets import AssetRegistry
from router.domain.custody import Deposit, WalletLine, Withdrawal
from router.domain.errors import FailureError
from router.domain.ledger import Balance, PostedJournal
from router.domain.market import PoolRef
from router.domain.orders import BookOrder, OrderState
from router.domain.settlement import Intent

if TYPE_CHECKING:
    from router.sdk import Router


@click.command()
@click.argument("accounts", nargs=-1)
@JSON_OPTION
@click.pass_context
def balances(ctx: click.Context, accounts: tuple[str, ...], as_json: bool) -> None:
    """Show what ACCOUNTS own, and what of it is held by open orders."""

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
    console().print(balances_table(found, assets))


def balances_table(found: dict[str, list[Balance]], assets: AssetRegistry) -> Table:
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
    """Show the hot and the cold wallet, on chain and in the ledger."""
    lines = use_router(ctx, lambda router: router.wallets(), read_only=True)
    if as_json:
        print_json(lines)
    else:
        console().print(wallets_table(lines))


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
            f"{line.wallet.role} {line.wallet.address[:8]}",
            line.asset.symbol,
            Amount(line.chain_units, line.asset).format(),
            Amount(line.ledger_units, line.asset).format(),
            f"[green]{off}[/]" if off == 0 else f"[red]{off}[/]",
        )
    return made


@click.command()
@click.option("--account", help="Only this client's orders.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--open", "open_only", is_flag=True, help="Orders resting in our book instead.")
@JSON_OPTION
@click.pass_context
def orders(
    ctx: click.Context, account: str | None, limit: int, open_only: bool, as_json: bool
) -> None:
    """Show routed orders, newest first; with --open what rests in our book."""
    if open_only:
        resting = use_router(ctx, lambda router: router.open_orders(account), read_only=True)
        _print_resting(resting[:limit], as_json=as_json)
        return
    states: list[OrderState] = use_router(
        ctx, lambda router: router.orders(account, limit), read_only=True
    )
    if as_json:
        print_json(states)
    else:
        console().print(orders_table(states))


def _print_resting(resting: list[BookOrder], *, as_json: bool) -> None:
    if as_json:
        print_json(resting)
        return
    made = table("resting orders", "id", "account", "instrument", "side", "price ticks", "lots")
    for order in resting:
        made.add_row(
            order.client_order_id,
            order.account,
            order.instrument,
            str(order.side),
            str(order.price_ticks),
            f"{order.remaining_lots} of {order.lots}",
        )
    console().print(made)


@click.command()
@JSON_OPTION
@click.pass_context
def pools(ctx: click.Context, as_json: bool) -> None:
    """Show the pools that take part in quotes."""
    found: tuple[PoolRef, ...] = use_router(ctx, lambda router: router.pools(), read_only=True)
    if as_json:
        print_json(found)
        return
    made = table("pools", "venue", "address", right=frozenset())
    for pool in found:
        made.add_row(pool.label, pool.address)
    console().print(made)


@click.command()
@click.option("--reference", help="Only journals of this order, deposit or withdrawal.")
@click.option("--after", type=int, default=0, help="Only sequences above this one.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@JSON_OPTION
@click.pass_context
def journals(
    ctx: click.Context, reference: str | None, after: int, limit: int, as_json: bool
) -> None:
    """Show the ledger's journals, oldest first."""

    async def work(router: "Router") -> tuple[list[PostedJournal], AssetRegistry]:
        return await router.journals(reference, after=after, limit=limit), router.assets

    found, assets = use_router(ctx, work, read_only=True)
    if as_json:
        print_json(found)
    else:
        console().print(journals_table(found, assets))


def short_account(account: str) -> str:
    """Return an account for people: a wallet's address by its two ends."""
    head, _, address = account.rpartition("/0x")
    return f"{head}/0x{address[:4]}..{address[-4:]}" if head else account


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


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("account")
@click.argument("asset")
@click.argument("amount")
@JSON_OPTION
@click.pass_context
def deposit(ctx: click.Context, account: str, asset: str, amount: str, as_json: bool) -> None:
    """Devnet only: pay in from a client's own address and wait until it is credited."""

    async def work(router: "Router") -> tuple[Deposit, ...]:
        units = Amount.parse(amount, router.assets.by_symbol(asset))
        return await pay_and_credit(router, account, units)

    credited = use_router(ctx, work)
    if as_json:
        print_json(credited)
        return
    for one in credited:
        click.echo(f"{one.account}: credited {Amount(one.units, one.asset)} ({one.tx_hash})")


async def pay_and_credit(router: "Router", account: str, units: Amount) -> tuple[Deposit, ...]:
    """Pay in from a devnet client's address; return what was credited, once it is.

    Raises:
        UsageError: the devnet has no such client.
        FailureError: CONTRACT_REVERTED or CHAIN_UNAVAILABLE.
    """
    from router.devnet.clients import pay_in  # noqa: PLC0415 - only the devnet needs it

    app = router.app
    tx_hash = await pay_in(app.profile.rpc_url, account, units, router.deposit_address())
    until_ms = app.clock.now_ms() + app.profile.settings.chain.inclusion_timeout_ms
    credited: list[Deposit] = []
    while app.clock.now_ms() < until_ms:
        credited += await router.scan_deposits()
        if any(one.tx_hash == tx_hash for one in credited):
            return tuple(credited)
        await app.clock.sleep_s(app.profile.settings.chain.poll_interval_ms / 1_000)
    raise FailureError("CHAIN_UNAVAILABLE", f"The deposit {tx_hash} was not confirmed in time.")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("account")
@click.argument("asset")
@click.argument("amount")
@click.argument("destination")
@click.option("--client-id", help="Makes the command safe to repeat.")
@JSON_OPTION
@click.pass_context
def withdraw(
    ctx: click.Context,
    account: str,
    asset: str,
    amount: str,
    destination: str,
    client_id: str | None,
    as_json: bool,
) -> None:
    """Pay AMOUNT of ASSET from ACCOUNT to the address DESTINATION; waits until it is final."""
    made: tuple[Withdrawal, Intent | None] = use_router(
        ctx, lambda r: r.withdraw(account, asset, amount, destination, client_id=client_id)
    )
    withdrawal, intent = made
    if as_json:
        print_json({"withdrawal": withdrawal, "state": intent.state if intent else None})
    else:
        state = intent.state if intent else "sent"
        click.echo(f"withdrawal {withdrawal.withdrawal_id}: {withdrawal.amount}, {state}")
