"""Routed execution over a real database and book, and a chain of hand-made pools that can turn
against an order between its plan and its transaction."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from router.core import V2Pool
from router.domain.assets import NATIVE_ADDRESS, Asset, AssetRegistry
from router.domain.errors import OrderRejected
from router.domain.ledger import (
    HOUSE_CAPITAL,
    Entry,
    Journal,
    JournalKind,
    user_account,
    wallet_account,
)
from router.domain.market import BlockRef, Instrument, PoolRef, Protocol
from router.domain.orders import Side, SwapMode
from router.domain.routes import Leg, Quote, QuoteRequest
from router.domain.settlement import (
    Intent,
    IntentKind,
    IntentSpec,
    IntentState,
    Log,
    Movement,
    Outcome,
    Receipt,
    TxRequest,
)
from router.execution.allowance import PermitAllowance
from router.execution.book_legs import BookLegs
from router.execution.events import OrderEvent
from router.execution.own_book import VENUE_ID, LimitOrder, OwnBook
from router.execution.preflight import Preflight
from router.execution.progress import swap_ended
from router.execution.routed import ExecutionConfig, RoutedExecution
from router.ledger import post, verify
from router.marketdata.feed import MarketFeed
from router.marketdata.quoting import LiveQuotes
from router.ports import Database, UnitOfWork
from router.risk.checks import RiskLimits
from router.routing.quoting import QuotePolicy
from router.settlement import SwapSettlement
from router.storage import open_database

CHAIN_ID = 31337
NOW_MS = 1_700_000_000_000
HOT = "0x" + "a" * 40
START_UNITS = 10**24
# Every database that `open_world` opened; the conftest closes them.
OPENED: list[Database] = []


def _asset(symbol: str, decimals: int, digit: str) -> Asset:
    return Asset(symbol=symbol, decimals=decimals, chain_id=CHAIN_ID, address="0x" + digit * 40)


WETH, USDC, DAI = _asset("WETH", 18, "1"), _asset("USDC", 6, "2"), _asset("DAI", 18, "3")
COIN = Asset(symbol="ETH", decimals=18, chain_id=CHAIN_ID, address=NATIVE_ADDRESS, routable=False)
REGISTRY = AssetRegistry([WETH, USDC, DAI, COIN])
INSTRUMENT = Instrument(
    symbol="WETH/USDC",
    base=WETH,
    quote=USDC,
    lot_units=10**14,
    tick_units=1,
    taker_fee_ppm=500,
)


class StillClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ms = NOW_MS

    def now_ms(self) -> int:
        return self.ms

    async def sleep_s(self, seconds: float) -> None:
        self.ms += int(seconds * 1_000)


@dataclass(frozen=True, slots=True)
class HandPool:
    ref: PoolRef
    core: V2Pool


def _pool(token0: Asset, token1: Asset, reserve0: int, reserve1: int, number: int) -> HandPool:
    ref = PoolRef(
        protocol=Protocol.UNISWAP_V2,
        address=f"0x{number:040x}",
        token0=token0,
        token1=token1,
        fee_ppm=3_000,
    )
    return HandPool(ref, V2Pool(reserve0, reserve1, 3_000))


@dataclass(slots=True)
class HandChain:
    """Pools and the plans that run over them: port `PoolSource`."""

    pools: dict[str, HandPool]
    number: int = 1

    async def snapshot(self) -> tuple[BlockRef, tuple[HandPool, ...]]:
        return self.head, tuple(self.pools.values())

    @property
    def head(self) -> BlockRef:
        return BlockRef(
            number=self.number,
            hash=f"0x{self.number:x}",
            parent_hash=f"0x{self.number - 1:x}",
            timestamp_s=NOW_MS // 1_000,
            base_fee_wei=10**9,
        )

    def swap(self, venue_id: str, asset_in: Asset, units: int) -> int:
        """Swap through one pool and return what it gives."""
        pool = self.pools[venue_id]
        quoted = pool.core.quote_exact_in(asset_in == pool.ref.token0, units)
        assert isinstance(quoted.next, V2Pool)
        self.pools[venue_id] = HandPool(pool.ref, quoted.next)
        self.number += 1
        return quoted.amount_out


@dataclass(frozen=True, slots=True)
class Plan:
    legs: tuple[Leg, ...]
    amount_in_units: int
    minimums: tuple[tuple[Asset, int], ...]
    deadline_s: int


@dataclass(slots=True)
class HandEncoder:
    """Remembers plans by the data of their transaction: port `SwapEncoder`."""

    plans: dict[bytes, Plan] = field(default_factory=dict)
    submitted: set[bytes] = field(default_factory=set)
    executor_address: str = "0x" + "e" * 40

    def encode(
        self,
        *,
        plan_id: bytes,
        legs: Sequence[Leg],
        amount_in_units: int,
        minimums: Sequence[tuple[Asset, int]],
        permit_nonce: int,
        deadline_s: int,
        signer: object,  # noqa: ARG002 - the port's signature
        chain_id: int,
    ) -> TxRequest:
        assert plan_id not in self.submitted, "the key of a plan that took a nonce is used up"
        assert permit_nonce >= 0
        assert chain_id == CHAIN_ID
        self.plans[plan_id] = Plan(tuple(legs), amount_in_units, tuple(minimums), deadline_s)
        return TxRequest(to=self.executor_address, data=plan_id, value_wei=0, gas_limit=10**6)

    def approval(self, asset: Asset, units: int) -> TxRequest:
        raise AssertionError(f"{asset} is approved already, not {units}")

    def delivered(self, receipt: Receipt, recipient: str) -> dict[str, int]:
        raise AssertionError((receipt, recipient))

    def spent(self, receipt: Receipt, payer: str) -> dict[str, int]:
        raise AssertionError((receipt, payer))


class Approved:
    """A chain on which every allowance is unlimited: what `PermitAllowance` asks of a `Chain`."""

    async def call(self, *_question: object) -> bytes:
        return b"\xff" * 32


@dataclass(slots=True)
class HandSender:
    """Runs plans on the hand-made pools: port `TransactionSender`.

    Before the n-th transaction runs, `before[n]` may change the world, raise, or return the state
    that the transaction is to end in instead of running it; `after[n]` may raise once it is booked.
    """

    database: Database
    chain: HandChain
    encoder: HandEncoder
    clock: StillClock
    before: list[Callable[[], IntentState | None]] = field(default_factory=list)
    after: dict[int, Callable[[], None]] = field(default_factory=dict)
    started: int = 0
    address: str = HOT

    async def submit(
        self, spec: IntentSpec, within: Callable[[UnitOfWork, Intent], None] | None = None
    ) -> Intent:
        def reserve(uow: UnitOfWork) -> Intent:
            nonce = uow.settlement.reserve_nonce(CHAIN_ID, HOT, 0)
            intent = Intent(
                intent_id=f"swap-{spec.key}",
                kind=spec.kind,
                state=IntentState.RESERVED,
                chain_id=CHAIN_ID,
                sender=HOT,
                nonce=nonce,
                request=spec.request,
                reference=spec.reference,
                hold_id=spec.hold_id,
                details=spec.details,
                created_ms=self.clock.now_ms(),
            )
            uow.settlement.add_intent(intent)
            if within is not None:
                within(uow, intent)
            # Not before: a caller may give up while it waits for its turn, and keep its key.
            self.encoder.submitted.add(spec.request.data)
            return intent

        assert spec.kind is IntentKind.SWAP
        return await self.database.write(reserve)

    async def result(self, intent_id: str) -> Intent:
        found = await self.database.read(lambda uow: uow.settlement.find(intent_id=intent_id))
        assert found is not None
        intent = found[0]
        if intent.state.is_final:
            return intent
        script = self.before[self.started] if self.started < len(self.before) else None
        self.started += 1
        forced = script() if script is not None else None
        movements = () if forced is IntentState.REVERTED else self.movements(intent.request)
        handler = SwapSettlement(self.clock, swap_ended)
        state = IntentState.SETTLED if movements else IntentState.REVERTED

        def end(uow: UnitOfWork) -> None:
            outcome = _outcome(intent, movements)
            (handler.settled if movements else handler.reverted)(uow, outcome)
            uow.settlement.set_state(intent_id, state, self.chain.head)

        await self.database.write(end)
        if self.started - 1 in self.after:
            self.after.pop(self.started - 1)()
        found = await self.database.read(lambda uow: uow.settlement.find(intent_id=intent_id))
        assert found is not None
        return found[0]

    def movements(self, request: TxRequest) -> tuple[Movement, ...]:
        """Run the plan as the executor contract does; nothing moves when a minimum is missed."""
        plan = self.encoder.plans[request.data]
        before = dict(self.chain.pools)
        source = plan.legs[0].asset_in
        held: dict[Asset, int] = {source: plan.amount_in_units}
        for leg in plan.legs:
            units = held[leg.asset_in] if leg.takes_rest else leg.amount_in_units
            held[leg.asset_in] -= units
            assert held[leg.asset_in] >= 0, "a step has its input"
            bought = self.chain.swap(leg.venue_id, leg.asset_in, units)
            held[leg.asset_out] = held.get(leg.asset_out, 0) + bought
        left = {asset: units for asset, units in held.items() if units}
        assert left.keys() <= {asset for asset, _ in plan.minimums}, "every output is listed"
        if any(left.get(asset, 0) < least for asset, least in plan.minimums):
            self.chain.pools = before
            return ()
        paid = Movement(asset=source, received_units=0, spent_units=plan.amount_in_units)
        got = [
            Movement(asset=asset, received_units=units, spent_units=0)
            for asset, units in left.items()
        ]
        return (paid, *got)


@dataclass(slots=True)
class HandAudit:
    """Tries plans on the hand-made pools and undoes them: what `Preflight` asks of a `ChainAudit`.

    Before the n-th question is answered, `before[n]` may change the world or raise. `refuses`
    stands for what our pools do not know, such as a token that is paused.
    """

    sender: HandSender
    before: list[Callable[[], None]] = field(default_factory=list)
    refuses: bool = False
    gas: int = 300_000
    asked: int = 0

    async def estimate_gas(self, sender: str, request: TxRequest) -> int:
        assert sender == HOT
        script = self.before[self.asked] if self.asked < len(self.before) else None
        self.asked += 1
        if script is not None:
            script()
        pools, number = dict(self.sender.chain.pools), self.sender.chain.number
        moved = self.sender.movements(request)
        self.sender.chain.pools, self.sender.chain.number = pools, number
        if self.refuses or not moved:
            raise OrderRejected("ORDER_REJECTED", "The transaction would revert: MinOutNotMet.")
        return self.gas


def _outcome(intent: Intent, movements: tuple[Movement, ...]) -> Outcome:
    logs: tuple[Log, ...] = ()
    receipt = Receipt(
        tx_hash="0x" + intent.intent_id.encode().hex()[:64].rjust(64, "0"),
        block_number=1,
        block_hash="0x1",
        status=bool(movements),
        gas_used=300_000,
        gas_cost_wei=300_000 * 10**9,
        logs=logs,
    )
    return Outcome(intent=intent, receipt=receipt, movements=movements, gas_asset=COIN)


@dataclass(slots=True)
class World:
    database: Database
    clock: StillClock
    chain: HandChain
    encoder: HandEncoder
    sender: HandSender
    audit: HandAudit
    book: OwnBook
    quotes: LiveQuotes
    events: list[OrderEvent]
    execution: RoutedExecution = field(init=False)

    def restart(self) -> None:
        """What a new process has: the database and the chain, nothing else."""
        self.book = OwnBook(self.database, [INSTRUMENT], self.clock)
        self.quotes = _quotes(self.chain, self.book, self.clock)
        self.execution = RoutedExecution(
            database=self.database,
            sender=self.sender,
            encoder=self.encoder,
            signer=self.sender,  # type: ignore[arg-type]
            allowance=PermitAllowance(
                sender=self.sender,
                encoder=self.encoder,
                chain=Approved(),  # type: ignore[arg-type]
                clock=self.clock,
                permit_contract="0x" + "f" * 40,
                call_timeout_s=1,
                inclusion_timeout_s=1,
            ),
            preflight=Preflight(self.audit, call_timeout_s=1),  # type: ignore[arg-type]
            book_legs=BookLegs(self.book, {f"{VENUE_ID}:{INSTRUMENT.symbol}": INSTRUMENT}),
            quoting=self.quotes,
            registry=REGISTRY,
            clock=self.clock,
            config=ExecutionConfig(chain_id=CHAIN_ID, inclusion_timeout_s=5),
            limits=RiskLimits(price_guard_bps=10_000),
            observer=self.events.append,
        )

    async def quote(
        self,
        sell: Asset,
        buy: Asset,
        units: int,
        mode: SwapMode = SwapMode.EXACT_IN,
        slippage_bps: int = 50,
    ) -> Quote:
        return await self.quotes.quote(
            QuoteRequest(
                mode=mode,
                asset_in=sell,
                asset_out=buy,
                amount_units=units,
                slippage_bps=slippage_bps,
            )
        )

    async def available(self, asset: Asset, account: str = "alice") -> int:
        name = user_account(account)
        balances = await self.database.read(lambda u: u.ledger.balances(name, asset.symbol))
        return sum(balance.available for balance in balances)

    async def held(self, account: str = "alice") -> int:
        name = user_account(account)
        holds = await self.database.read(lambda uow: uow.ledger.holds(name))
        return sum(hold.remaining_units for hold in holds)

    async def require_sound(self) -> None:
        audit = await self.database.read(lambda uow: verify(uow.ledger))
        assert audit.problems == ()


def _quotes(chain: HandChain, book: OwnBook, clock: StillClock) -> LiveQuotes:
    feed = MarketFeed(chain, [book], depth=100, call_timeout_ms=5_000)
    policy = QuotePolicy(
        ttl_ms=30_000,
        base_gas=140_000,
        gas_price_floor_wei=10**9,
        gas_price_cap_wei=10**12,
        thin_liquidity_bps=10_000,
        wrapped_native=WETH,
    )
    return LiveQuotes(feed, policy, clock)


async def open_world(*, with_book: bool = True, url: str = "sqlite://") -> World:
    """Return funded clients, three pools around 3,000 USDC per WETH, and a two-sided book."""
    database = open_database(url)
    OPENED.append(database)
    clock = StillClock()
    pools = [
        _pool(WETH, USDC, 1_000 * 10**18, 3_000_000 * 10**6, 1),
        _pool(WETH, DAI, 800 * 10**18, 2_400_000 * 10**18, 2),
        _pool(USDC, DAI, 2_000_000 * 10**6, 2_000_000 * 10**18, 3),
    ]
    chain = HandChain({pool.ref.venue_id: pool for pool in pools})
    encoder = HandEncoder()
    book = OwnBook(database, [INSTRUMENT], clock)
    sender = HandSender(database, chain, encoder, clock)
    world = World(
        database=database,
        clock=clock,
        chain=chain,
        encoder=encoder,
        sender=sender,
        audit=HandAudit(sender),
        book=book,
        quotes=_quotes(chain, book, clock),
        events=[],
    )
    world.restart()
    await database.write(lambda uow: _fund(uow, clock.now_ms()))
    if with_book:
        for step in range(1, 5):
            for side, sign in ((Side.BUY, -1), (Side.SELL, 1)):
                await world.book.place_limit(
                    LimitOrder(
                        client_order_id=f"{side}-{step}",
                        account=user_account("maker"),
                        instrument=INSTRUMENT.symbol,
                        side=side,
                        price_ticks=300_000 + sign * step * 100,
                        lots=50_000,
                    )
                )
    return world


def _fund(uow: UnitOfWork, now_ms: int) -> None:
    for account in ("alice", "maker"):
        entries = []
        for asset in (WETH, USDC, DAI):
            entries.append(
                Entry(account=wallet_account(HOT), asset=asset.symbol, units=START_UNITS)
            )
            entries.append(
                Entry(account=user_account(account), asset=asset.symbol, units=-START_UNITS)
            )
        post(
            uow.ledger,
            Journal(key=f"fund:{account}", kind=JournalKind.DEPOSIT, entries=tuple(entries)),
            now_ms,
        )
    coins = (
        Entry(account=wallet_account(HOT), asset="ETH", units=10**20),
        Entry(account=HOUSE_CAPITAL, asset="ETH", units=-(10**20)),
    )
    post(uow.ledger, Journal(key="coins", kind=JournalKind.CAPITAL, entries=coins), now_ms)


def details(intent: Intent) -> dict[str, object]:
    parsed: dict[str, object] = json.loads(intent.details)
    return parsed
