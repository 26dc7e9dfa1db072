"""The demo's steps, in order. Each uses the SDK as any client would."""

import asyncio
import shutil
import signal
import sys
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from router.cli.accounts import balances_table, journals_table, wallets_table
from router.cli.demo import victim
from router.cli.demo.chapters import Chapters
from router.cli.demo.isolation import demo_settings
from router.cli.demo.report import report_html
from router.cli.explain import print_explanation
from router.cli.operations import print_report
from router.cli.order_view import OrderProgress, print_order
from router.cli.output import console, fitted, write_text
from router.cli.payments import pay_and_credit
from router.cli.picture import route_svg
from router.devnet import lifecycle
from router.domain.amounts import Amount
from router.domain.errors import FailureError, UsageError
from router.domain.orders import OrderStatus
from router.domain.settlement import Intent, IntentKind
from router.sdk import Router
from router.settings import Settings

T = TypeVar("T")

DEPOSITS = (
    ("alice", "WETH", "600"),
    ("bob", "USDC", "250000"),
    ("maker", "WETH", "150"),
    ("maker", "USDC", "500000"),
)
INSTRUMENT = "WETH/USDC"
# (side, price in USDC, size in WETH): a two-sided book around the pools' price
LEVELS = (
    ("sell", "3501.5", "8"),
    ("sell", "3503", "12"),
    ("sell", "3506", "20"),
    ("sell", "3510", "30"),
    ("buy", "3498.5", "8"),
    ("buy", "3497", "12"),
    ("buy", "3494", "20"),
    ("buy", "3490", "30"),
)
ORDER = ("WETH", "USDC", "500")
VICTIM_DEADLINE_S = 120.0
MARKER = ".router-demo"


async def tell(home: Path, *, keep: bool, silent: bool) -> Chapters:
    """Run the whole demo in `home`; return what happened.

    Raises:
        UsageError: USAGE, `home` holds something that is not an earlier demo.
        FailureError: whatever stopped it; the devnet is down then.
    """
    out = console(quiet=silent)
    chapters = Chapters(home=str(home))
    await asyncio.to_thread(_refuse_foreign_folder, home)
    await lifecycle.down(home)
    await asyncio.to_thread(_empty_folder, home)
    try:
        await _start_devnet(home, chapters, out)
        settings = demo_settings(home)
        await _first_order(settings, chapters, out)
        await _kill_second(home, chapters, out)
        await _resume_and_reconcile(settings, chapters, out)
        _write_report(home, chapters, out)
    finally:
        if not keep:
            await lifecycle.down(home)
    return chapters


def _refuse_foreign_folder(home: Path) -> None:
    try:
        is_foreign = home.exists() and any(home.iterdir()) and not (home / MARKER).exists()
    except OSError as error:
        raise _unusable(home, error) from error
    if is_foreign:
        raise UsageError("USAGE", f"{home} is not an earlier demo; name an empty folder.")


def _empty_folder(home: Path) -> None:
    try:
        if home.exists():
            shutil.rmtree(home)
        home.mkdir(parents=True)
        (home / MARKER).touch()
    except OSError as error:
        raise _unusable(home, error) from error


def _unusable(home: Path, error: OSError) -> UsageError:
    return UsageError("USAGE", f"{home} cannot be the demo's folder: {error.strerror}.")


async def _start_devnet(home: Path, chapters: Chapters, out: Console) -> None:
    _heading(out, 1, "a real chain: Anvil with the real Uniswap V2 and V3 contracts")
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
    )
    shown = Progress(*columns, console=out, transient=True, disable=not out.is_terminal)
    with shown as progress:
        task = progress.add_task("starting", total=None)

        def report(step: str, done: int, total: int) -> None:
            progress.update(task, description=step, completed=done, total=total or None)

        handle = await lifecycle.up(home, port=0, progress=report)
    chapters.rpc_url = handle.url
    chapters.pool_count = len(handle.deployment.pools)
    out.print(f"node at {handle.url}, chain {handle.chain_id}, {chapters.pool_count} pools")


async def _first_order(settings: Settings, chapters: Chapters, out: Console) -> None:
    progress = OrderProgress(out, silent=out.quiet)
    async with Router.open(
        settings, on_order_event=progress.on_event, on_settlement_step=progress.on_step
    ) as router:
        await _fund(router, chapters, out)
        await _make_book(router, chapters, out)

        _heading(out, 4, "one order, split over the book and the pools")
        quote = chapters.quote = await router.quote(*ORDER)
        print_explanation(out, quote)

        _heading(out, 5, "settled: one transaction for the pools, one journal for the book")
        with progress:
            order = await router.route(quote, account="alice", client_order_id="demo-first")
        chapters.order = order
        print_order(out, order)
        if order.status is not OrderStatus.SETTLED:
            raise FailureError("LIMIT_NOT_MET", f"The demo's order ended {order.status}.")
        chapters.journals = await router.journals(order.order.order_id)
        out.print(fitted(out, journals_table(chapters.journals, router.assets)))


async def _fund(router: Router, chapters: Chapters, out: Console) -> None:
    _heading(out, 2, "clients pay in, and are credited after confirmation")
    for account, symbol, text in DEPOSITS:
        amount = Amount.parse(text, router.assets.by_symbol(symbol))
        await pay_and_credit(router, account, amount)
        chapters.deposits.append(f"{account}: {amount}")
        out.print(f"  {account:>6} paid in {amount}")


async def _make_book(router: Router, chapters: Chapters, out: Console) -> None:
    _heading(out, 3, f"a market maker quotes both sides of {INSTRUMENT}")
    for side, price, size in LEVELS:
        await router.place_limit(INSTRUMENT, side, size, price, account="maker", post_only=True)
        chapters.book.append(f"{side} {size} WETH at {price} USDC")
        out.print(f"  {side:>4} {size:>3} WETH at {price} USDC")


async def _kill_second(home: Path, chapters: Chapters, out: Console) -> None:
    _heading(out, 6, "a second order's process is killed between signing and sending")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "router.cli.demo.victim", str(home)
    )
    try:
        async with asyncio.timeout(VICTIM_DEADLINE_S):
            code = await process.wait()
    except TimeoutError as error:
        process.kill()
        await process.wait()
        raise FailureError("CHAIN_UNAVAILABLE", "The second order did not get going.") from error
    if code != -signal.SIGKILL:
        raise FailureError("OUTCOME_UNKNOWN", f"The second process ended with {code}.")
    chapters.killed_with_signal = -code
    out.print(f"  process {process.pid} died of SIGKILL; nothing was tidied up")


async def _resume_and_reconcile(settings: Settings, chapters: Chapters, out: Console) -> None:
    async with Router.open(settings, read_only=True) as router:
        orders = await router.orders(victim.ACCOUNT)
        state = _only([o for o in orders if o.order.client_order_id == victim.CLIENT_ORDER_ID])
        intent = _only(await _swaps(router, state.order.order_id))
        chapters.state_after_kill, chapters.intent_after_kill = state.status, intent.state
        out.print(f"  on disk: order {state.order.order_id} is {state.status}, its input is held")
        out.print(f"  transaction {intent.intent_id} is {intent.state} and was never sent")

    _heading(out, 7, "the next start finishes what was begun")
    async with Router.open(settings) as router:
        resumed = chapters.resumed = await router.order(state.order.order_id)
        print_order(out, resumed)
        if resumed.status is not OrderStatus.SETTLED:
            raise FailureError("OUTCOME_UNKNOWN", f"The resumed order ended {resumed.status}.")
        chapters.payments_of_resumed = len(await _swaps(router, resumed.order.order_id))

        _heading(out, 8, "both wallets, and the ledger against the chain")
        chapters.wallets = await router.wallets()
        out.print(fitted(out, wallets_table(chapters.wallets)))
        chapters.balances = {
            name: await router.balances(name) for name in ("alice", "bob", "maker")
        }
        out.print(fitted(out, balances_table(chapters.balances, router.assets)))
        chapters.report = await router.reconcile()
        chapters.succeeded = not chapters.report.breaks and chapters.payments_of_resumed == 1


def _only(found: list[T]) -> T:
    if len(found) != 1:
        raise FailureError("OUTCOME_UNKNOWN", f"The killed process left {len(found)} records.")
    return found[0]


async def _swaps(router: Router, order_id: str) -> list[Intent]:
    """Return the swap transactions that were made for an order."""
    intents = await router.app.database.read(lambda uow: uow.settlement.intents(reference=order_id))
    return [intent for intent, _ in intents if intent.kind is IntentKind.SWAP]


def _write_report(home: Path, chapters: Chapters, out: Console) -> None:
    assert chapters.quote is not None
    assert chapters.report is not None
    picture = route_svg(chapters.quote)
    for name, text in (("route.svg", picture), ("report.html", report_html(chapters, picture))):
        write_text(home / name, text)
        chapters.files.append(str(home / name))
    out.print()
    for path in chapters.files:
        out.print(f"wrote {path}")
    if not out.quiet:
        print_report(chapters.report)


def _heading(out: Console, number: int, text: str) -> None:
    out.print(Text.assemble("\n", (f"{number}.", "bold cyan"), " ", (text, "bold")))
