"""Operators' commands: reconcile, thaw, serve, doctor."""

import asyncio
from typing import TYPE_CHECKING

import click
from rich.table import Table
from rich.text import Text

from router.cli.output import JSON_OPTION, console, fitted, print_json, print_table, table
from router.cli.plain_text import one_line
from router.cli.session import settings_of, use_router
from router.domain.custody import ReconcileReport
from router.domain.errors import UsageError

if TYPE_CHECKING:
    from router.bootstrap import ServeReport
    from router.sdk import Router


@click.command()
@JSON_OPTION
@click.pass_context
def reconcile(ctx: click.Context, as_json: bool) -> int:
    """Compare ledger, holds and chain to the base unit. Exit code 1 if they differ.

    Example: router reconcile
    """
    report: ReconcileReport = use_router(ctx, lambda router: router.reconcile())
    if as_json:
        print_json(report)
    else:
        print_report(report)
    return 1 if report.breaks else 0


def print_report(report: ReconcileReport) -> None:
    out = console()
    if report.breaks:
        out.print(fitted(out, _breaks_table(report)))
    if report.frozen:
        advice = "; when the cause is understood, an operator runs `router incident close`"
        out.print(Text.assemble(("the signer is frozen", "red"), advice))
    click.echo(
        f"reconcile: {len(report.breaks)} breaks ({report.checked} balances compared at block "
        f"{report.block_number})"
    )


def _breaks_table(report: ReconcileReport) -> Table:
    right = frozenset({"on chain", "expected", "difference"})
    columns = ("class", "asset", "address", "on chain", "expected", "difference", "detail")
    made = table("breaks, in base units", *columns, right=right)
    for one in report.breaks:
        made.add_row(
            Text(str(one.break_class), style="red" if one.freezes else ""),
            one.asset,
            one.address,
            str(one.chain_units),
            str(one.ledger_units),
            str(one.difference_units),
            one.detail,
        )
    return made


@click.command()
@click.option(
    "--reason", metavar="TEXT", required=True, help="Why it is safe to sign again; it is logged."
)
@JSON_OPTION
@click.pass_context
def thaw(ctx: click.Context, reason: str, as_json: bool) -> None:
    """Let the signer sign again after a freeze whose cause is understood.

    Example: router thaw --reason "the outflow was our own test payment"
    """
    was = use_router(ctx, lambda router: router.thaw(reason))
    if as_json:
        print_json({"was_frozen_for": was})
    else:
        why = one_line(was or "")
        click.echo(f"thawed; it was frozen for: {why}" if was else "the signer was not frozen")


@click.command()
@click.option("--no-api", is_flag=True, help="Timers only, without the HTTP API.")
@JSON_OPTION
@click.pass_context
def serve(ctx: click.Context, no_api: bool, as_json: bool) -> None:
    """Run the timers until SIGINT or SIGTERM: deposits, pools, settlement, sweep, reconcile.

    Example: router serve --no-api
    """
    if not no_api:
        raise UsageError("USAGE", "Only the timers can be served: run `router serve --no-api`.")
    from router.bootstrap import serve as run_timers  # noqa: PLC0415 - loads the services

    async def work(router: "Router") -> "ServeReport":
        if not as_json:
            click.echo("serving the timers; Ctrl-C stops")
        return await run_timers(router.app)

    report = use_router(ctx, work)
    if as_json:
        print_json(report)
        return
    made = table("jobs", "job", "runs", "failures", right=frozenset({"runs", "failures"}))
    for name, count in report.jobs.items():
        made.add_row(name, str(count.runs), str(count.failures))
    print_table(made, "no jobs")


@click.command()
@JSON_OPTION
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> int:
    """Examine the installation and this data directory. Exit code 1 if something is wrong.

    Example: router doctor
    """
    from router.bootstrap import Grade, diagnose  # noqa: PLC0415 - loads the services

    findings = asyncio.run(diagnose(settings_of(ctx)))
    if as_json:
        print_json(findings)
    else:
        styles = {Grade.OK: "green", Grade.WARNING: "yellow", Grade.FAILED: "red"}
        made = table("doctor", "what", "verdict", "detail")
        for one in findings:
            made.add_row(one.name, Text(str(one.grade), style=styles[one.grade]), one.detail)
        print_table(made, "nothing was examined")
    return 1 if any(one.grade is Grade.FAILED for one in findings) else 0
