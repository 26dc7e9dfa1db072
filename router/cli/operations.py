"""Operators' commands: reconcile, thaw, serve, doctor."""

import click
from rich.table import Table

from router.cli.output import JSON_OPTION, console, print_json, table
from router.cli.session import use_router
from router.domain.custody import ReconcileReport


@click.command()
@JSON_OPTION
@click.pass_context
def reconcile(ctx: click.Context, as_json: bool) -> int:
    """Compare ledger, holds and chain to the base unit. Exit code 1 if they differ."""
    report: ReconcileReport = use_router(ctx, lambda router: router.reconcile())
    if as_json:
        print_json(report)
    else:
        print_report(report)
    return 1 if report.breaks else 0


def print_report(report: ReconcileReport) -> None:
    out = console()
    if report.breaks:
        out.print(_breaks_table(report))
    if report.frozen:
        out.print("[red]the signer is frozen[/]; when explained, an operator runs `router thaw`")
    click.echo(
        f"reconcile: {len(report.breaks)} breaks ({report.checked} balances compared at block "
        f"{report.block_number})"
    )


def _breaks_table(report: ReconcileReport) -> Table:
    right = frozenset({"on chain", "expected", "difference"})
    made = table(
        "breaks", "class", "asset", "address", "on chain", "expected", "difference", "detail",
        right=right,
    )  # fmt: skip
    for one in report.breaks:
        made.add_row(
            f"[red]{one.break_class}[/]" if one.freezes else str(one.break_class),
            one.asset,
            one.address,
            str(one.chain_units),
            str(one.ledger_units),
            str(one.difference_units),
            one.detail,
        )
    return made


@click.command()
@click.option("--reason", required=True, help="Why it is safe to sign again; it is logged.")
@JSON_OPTION
@click.pass_context
def thaw(ctx: click.Context, reason: str, as_json: bool) -> None:
    """Let the signer sign again after a freeze whose cause is understood."""
    was = use_router(ctx, lambda router: router.thaw(reason))
    if as_json:
        print_json({"was_frozen_for": was})
    else:
        click.echo(f"thawed; it was frozen for: {was}" if was else "the signer was not frozen")
