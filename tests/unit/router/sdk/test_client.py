"""The client refuses what could be meant otherwise, and waits for nothing without end."""

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from router.domain.amounts import Amount
from router.domain.assets import AssetRegistry
from router.domain.custody import Withdrawal
from router.domain.errors import FailureError, RouterError
from router.domain.ledger import Entry, Journal, JournalKind
from router.domain.settlement import Intent, IntentKind, IntentState, TxRequest
from router.ledger import post
from router.ports import Database, UnitOfWork
from router.sdk import Router
from router.storage import open_database
from tests.unit.router.cli.cli_quotes import QUOTE
from tests.unit.router.execution.execution_world import INSTRUMENT
from tests.unit.router.routing.routing_world import USDC, WETH

MOVED = replace(QUOTE, net_units=QUOTE.net_units * 20_001 // 20_000)
MOVED_MORE = replace(QUOTE, net_units=QUOTE.net_units * 10_002 // 10_000)
PAYEE = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
INTENT = Intent(
    intent_id="withdrawal-1",
    kind=IntentKind.WITHDRAWAL,
    state=IntentState.RESERVED,
    chain_id=31337,
    sender="0xa",
    nonce=0,
    request=TxRequest(to=PAYEE, data=b"", value_wei=1, gas_limit=21_000),
    reference="w",
    hold_id="",
    details="{}",
    created_ms=1,
)


@dataclass
class FakeApp:
    """What the client asks of the services; nothing of it may be reached by a refused call."""

    database: Database
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    is_final: bool = True

    def __post_init__(self) -> None:
        chain = SimpleNamespace(inclusion_timeout_ms=50)
        routing = SimpleNamespace(slippage_bps=50, max_hops=3, max_legs=16)
        risk = SimpleNamespace(max_slippage_bps=1_000)
        settings = SimpleNamespace(chain=chain, routing=routing, risk=risk)
        self.profile = SimpleNamespace(settings=settings, registry=AssetRegistry([WETH, USDC]))
        self.custody = self.settlement = self.execution = self.book = self.quotes = self
        self.clock = SimpleNamespace(now_ms=lambda: 1_000)

    def require_writing(self) -> None:
        pass

    async def instruments(self) -> tuple[object, ...]:
        return (INSTRUMENT,)

    async def quote(self, request: Any) -> Any:
        self.calls.append(("quote", request))
        return request

    async def route(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("route", args, kwargs))

    async def place_limit(self, order: Any) -> None:
        self.calls.append(("place_limit", order))

    async def withdraw(
        self, account: str, amount: Amount, destination: str, client_id: str
    ) -> Withdrawal:
        self.calls.append(("withdraw", account, amount, destination, client_id))
        await self.database.write(lambda uow: uow.settlement.add_intent(INTENT))
        return Withdrawal(
            withdrawal_id="w",
            account=account,
            amount=amount,
            destination=destination,
            intent_id=INTENT.intent_id,
        )

    async def result(self, _intent_id: str) -> Intent:
        if not self.is_final:
            await asyncio.Event().wait()
        return INTENT


@pytest.fixture
async def app() -> Any:
    database = open_database("sqlite://")
    yield FakeApp(database)
    await database.close()


async def refused(work: Any) -> str:
    with pytest.raises(RouterError) as caught:
        await work
    assert "\n" not in caught.value.message
    return caught.value.code


@pytest.mark.parametrize("client_id", ["", " ", "a\n", "x" * 81, "a/b", "\ud800"])
async def test_an_id_that_names_nothing_is_refused_and_never_replaced(
    app: FakeApp, client_id: str
) -> None:
    """A call that is repeated with an empty id would otherwise be a second payment."""
    router = Router(app)  # type: ignore[arg-type]
    quote: Any = object()
    calls = [
        router.route(quote, account="alice", client_order_id=client_id),
        router.place_limit(
            "WETH/USDC", "buy", "1", "3000", account="alice", client_order_id=client_id
        ),
        router.withdraw("alice", "USDC", "1", PAYEE, client_id=client_id),
    ]
    assert [await refused(call) for call in calls] == ["ORDER_INVALID"] * 3
    assert app.calls == []


@pytest.mark.parametrize("account", ["", "a/b", "../alice", "user/alice", "ä", "x" * 81, "\ud800"])
async def test_nothing_is_paid_from_an_account_without_a_plain_name(
    app: FakeApp, account: str
) -> None:
    router = Router(app)  # type: ignore[arg-type]
    assert await refused(router.withdraw(account, "USDC", "1", PAYEE)) == "ORDER_INVALID"
    assert app.calls == []


async def test_a_withdrawal_that_takes_long_is_reported_as_it_is(app: FakeApp) -> None:
    app.is_final = False
    router = Router(app)  # type: ignore[arg-type]
    made, intent = await router.withdraw("alice", "USDC", "1", PAYEE, client_id="one")
    assert made.amount == Amount(10**6, USDC)
    assert intent is not None
    assert (intent.intent_id, intent.state) == (INTENT.intent_id, IntentState.RESERVED)


@pytest.mark.parametrize(
    "amount",
    [Decimal("1e999999999999999"), Decimal("1e-999999999999999"), 10**5_000, -(10**5_000)],
    ids=["huge", "tiny", "long", "negative"],
)
async def test_an_absurd_amount_is_refused_at_once(app: FakeApp, amount: Any) -> None:
    router = Router(app)  # type: ignore[arg-type]
    code = await refused(router.quote("WETH", "USDC", amount))
    assert code.startswith("AMOUNT_")
    assert app.calls == []


async def test_one_name_to_leave_out_is_not_taken_for_its_letters(app: FakeApp) -> None:
    router = Router(app)  # type: ignore[arg-type]
    request: Any = await router.quote("WETH", "USDC", "1", exclude="book", protocols="uniswap_v2")
    assert request.constraints.excluded_venues == {"book"}
    assert request.constraints.included_protocols == {"uniswap_v2"}


async def test_the_balances_of_an_account_are_no_other_accounts(app: FakeApp) -> None:
    def fund(uow: UnitOfWork) -> None:
        for number, account in enumerate(["user/alice", "user/alice/sub", "user/alice2"]):
            entries = (
                Entry(account="asset/wallet/0x1", asset="USDC", units=5 + number),
                Entry(account=account, asset="USDC", units=-5 - number),
            )
            journal = Journal(key=account, kind=JournalKind.DEPOSIT, entries=entries)
            post(uow.ledger, journal, 1)

    await app.database.write(fund)
    router = Router(app)  # type: ignore[arg-type]
    assert [(b.account, b.total) for b in await router.balances("alice")] == [("user/alice", 5)]
    assert await router.balances("") == []


async def test_a_page_of_any_size_is_answered(app: FakeApp) -> None:
    router = Router(app)  # type: ignore[arg-type]
    assert [await router.orders(limit=limit) for limit in (-1, 0, 2**70)] == [[], [], []]
    assert await router.journals(after=2**70, limit=2**70) == []
    for depth in (-1, 2**70):
        assert await refused(router.ladder("WETH/USDC", depth)) == "ORDER_INVALID"


async def test_a_quote_is_told_again_only_when_it_moved(app: FakeApp) -> None:
    answers: list[Any] = [QUOTE, QUOTE, FailureError("NO_ROUTE", "gone"), MOVED, MOVED, MOVED_MORE]
    app.clock = SimpleNamespace(now_ms=lambda: 1_000, sleep_s=lambda _: asyncio.sleep(0))
    settings = app.profile.settings
    settings.schedule = SimpleNamespace(pool_refresh_interval_ms=1_000)

    async def answer(_request: Any) -> Any:
        found = answers.pop(0)
        if isinstance(found, FailureError):
            raise found
        return found

    app.quote = answer  # type: ignore[method-assign]
    router = Router(app)  # type: ignore[arg-type]
    told = []
    async for quote in router.watch_quote("WETH", "USDC", "1", min_change_bps=1):
        told.append(quote.net_units)
        if len(told) == 2:
            break
    assert told == [QUOTE.net_units, MOVED_MORE.net_units]


async def test_too_small_a_balance_is_an_issue_of_the_quote(app: FakeApp) -> None:
    async def answer(_request: Any) -> Any:
        return QUOTE

    app.quote = answer  # type: ignore[method-assign]
    router = Router(app)  # type: ignore[arg-type]
    made = await router.quote("WETH", "USDC", "10", account="alice")
    assert made.issues == ("INSUFFICIENT_BALANCE: alice has 0 WETH available and needs 10 WETH.",)
