"""`router incident`: what an operator does once the cause of a break is understood."""

import click

from router.cli.operations import print_report
from router.cli.output import JSON_OPTION, print_json
from router.cli.session import use_router


@click.group()
def incident() -> None:
    """Close an incident: accept unexplained flows, end transactions that others replaced.

    Example: router incident close --note "a test payment by hand"
    """


@incident.command()
@click.option("--note", metavar="TEXT", required=True, help="What was found out; it is kept.")
@JSON_OPTION
@click.pass_context
def close(ctx: click.Context, note: str, as_json: bool) -> None:
    """Reconcile, book what left as a loss and what came to suspense, and thaw the signer.

    Example: router incident close --note "a test payment by hand"
    """
    report, booked = use_router(ctx, lambda router: router.close_incident(note))
    if as_json:
        print_json({"report": report, "journal": booked})
        return
    print_report(report)
    click.echo(
        "closed; nothing had to be booked"
        if booked is None
        else f"closed; booked as journal {booked.sequence}"
    )


@incident.command()
@click.argument("intent_id", metavar="INTENT")
@JSON_OPTION
@click.pass_context
def cancel(ctx: click.Context, intent_id: str, as_json: bool) -> None:
    """Race the stuck transaction of INTENT with an empty one of the same nonce.

    Example: router incident cancel swap-a34e658e5ff38f51241a4ca0
    """
    ended = use_router(ctx, lambda router: router.cancel_transaction(intent_id))
    if as_json:
        print_json(ended)
    else:
        click.echo(f"intent {ended.intent_id}: {ended.state}")


@incident.command()
@click.argument("intent_id", metavar="INTENT")
@JSON_OPTION
@click.pass_context
def abandon(ctx: click.Context, intent_id: str, as_json: bool) -> None:
    """End INTENT, whose nonce a foreign transaction used up for good; its hold returns.

    Example: router incident abandon swap-a34e658e5ff38f51241a4ca0
    """
    ended = use_router(ctx, lambda router: router.abandon(intent_id))
    if as_json:
        print_json(ended)
    else:
        click.echo(f"intent {ended.intent_id}: {ended.state}")
