"""Paying in and out."""

from typing import TYPE_CHECKING

import click

from router.cli.arguments import AmountCommand
from router.cli.output import JSON_OPTION, print_json
from router.cli.session import use_router
from router.domain.amounts import Amount
from router.domain.custody import Deposit, Withdrawal
from router.domain.errors import FailureError
from router.domain.settlement import Intent, IntentState

if TYPE_CHECKING:
    from router.sdk import Router


@click.command(cls=AmountCommand)
@click.argument("account")
@click.argument("asset")
@click.argument("amount")
@JSON_OPTION
@click.pass_context
def deposit(ctx: click.Context, account: str, asset: str, amount: str, as_json: bool) -> None:
    """Devnet only: pay in from a client's own address and wait until it is credited.

    The devnet's clients are alice, bob and maker.

    Example: router deposit alice WETH 25
    """

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


@click.command(cls=AmountCommand)
@click.argument("account")
@click.argument("asset")
@click.argument("amount")
@click.argument("destination")
@click.option("--client-id", metavar="ID", help="Makes the command safe to repeat.")
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
) -> int:
    """Pay AMOUNT of ASSET from ACCOUNT to the address DESTINATION and wait until it is final.

    Exit code 1 unless it was paid; the account has its money back when the payment reverted.

    \b
    Example:
      router withdraw alice USDC 100 0x90F79bf6EB2c4f870365E785982E1f101E93b906
    """
    made: tuple[Withdrawal, Intent | None] = use_router(
        ctx, lambda r: r.withdraw(account, asset, amount, destination, client_id=client_id)
    )
    withdrawal, intent = made
    state = intent.state if intent else None
    if as_json:
        print_json({"withdrawal": withdrawal, "state": state})
    else:
        click.echo(f"withdrawal {withdrawal.withdrawal_id}: {withdrawal.amount}, {state or 'sent'}")
    return 0 if state is IntentState.SETTLED else 1
