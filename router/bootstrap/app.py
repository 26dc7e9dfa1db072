"""The composition root: every service of one data directory, joined and started in order."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from connectors.chain.executor import ExecutorEncoder
from connectors.chain.node import RpcChain, RpcChainAudit
from connectors.chain.rpc import JsonRpc
from connectors.dex.source import ChainPoolSource
from router.bootstrap.cex import open_cex_venues
from router.bootstrap.clock import SystemClock
from router.bootstrap.freeze_watch import FreezeWatch
from router.bootstrap.keys import Keys, open_keys, read_only_keys
from router.bootstrap.profile import Profile, load_profile
from router.custody import (
    CustodyConfig,
    CustodyService,
    SweepSettlement,
    WithdrawalSettlement,
)
from router.domain.amounts import UINT256_MAX
from router.domain.errors import FailureError
from router.domain.orders import OrderState
from router.domain.settlement import IntentKind
from router.execution.allowance import PermitAllowance
from router.execution.book_legs import BookLegs
from router.execution.events import OrderObserver, ignore_order_events
from router.execution.hold_needs import hold_needs
from router.execution.own_book import VENUE_ID, OwnBook
from router.execution.preflight import Preflight
from router.execution.progress import swap_ended
from router.execution.routed import ExecutionConfig, RoutedExecution
from router.marketdata.depth import BookDepth
from router.marketdata.feed import MarketFeed
from router.marketdata.quoting import LiveQuotes
from router.marketdata.reference import ReferencePrices
from router.ports import Chain, ChainAudit, Clock, Database, OrderVenue
from router.reconcile import ReconcileConfig, Reconciler
from router.risk.checks import RiskLimits
from router.routing.quoting import QuotePolicy
from router.settings import Settings
from router.settlement import (
    FeePolicy,
    GasOnly,
    Observer,
    SettlementConfig,
    SettlementService,
    SwapSettlement,
)
from router.settlement.steps import ignore_steps
from router.storage import DirectoryLock, opened_database
from router.telemetry import ensure_logs, logger

_log = logger("bootstrap")
# The most one transaction may use (EIP-7825), which is also where a plan's own limit ends.
_PLAN_GAS_MAX = 2**24
_OPENED = "opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The services of one data directory. A read-only one has no key and starts nothing.

    `venues` are places with a book by name: our own (`book`) and the configured exchanges.
    """

    profile: Profile
    clock: Clock
    database: Database
    chain: Chain
    audit: ChainAudit
    feed: MarketFeed
    quotes: LiveQuotes
    book: OwnBook
    venues: Mapping[str, OrderVenue]
    settlement: SettlementService
    execution: RoutedExecution
    custody: CustodyService
    reconciler: Reconciler
    is_read_only: bool

    def require_writing(self) -> None:
        """Refuse an operation that changes something.

        Raises:
            FailureError: SIGNER_REFUSED, this one was opened for reading.
        """
        if self.is_read_only:
            raise FailureError("SIGNER_REFUSED", "This router was opened for reading only.")

    async def start(self) -> list[OrderState]:
        """Finish what an earlier run began, in the order that makes each step safe.

        Raises:
            FailureError: CHAIN_MISMATCH, the ledger is of another chain.
            VenueUnavailable: CHAIN_UNAVAILABLE.
        """
        await self._require_chain_of_ledger()
        await self.custody.open_books()
        timeout_s = self.profile.settings.chain.inclusion_timeout_ms / 1_000
        still_open = await self.settlement.resume(timeout_s)
        resumed = await self.execution.resume()
        if still_open or resumed:
            _log.info("resumed", open_intents=still_open, orders=len(resumed))
        return resumed

    async def _require_chain_of_ledger(self) -> None:
        """The block at which the books were opened has to be on the chain still."""
        chain_id = self.profile.deployment.chain_id
        opened = await self.database.read(lambda uow: uow.custody.cursor(chain_id, _OPENED))
        if opened is None:
            return
        block = await self.chain.block(opened.number)
        if block is None or block.hash != opened.hash:
            raise FailureError(
                "CHAIN_MISMATCH",
                f"The ledger in {self.profile.settings.home_path} was opened on a chain that is "
                "gone; use another home, or remove its ledger.db.",
            )


@asynccontextmanager
async def open_app(
    settings: Settings,
    *,
    read_only: bool = False,
    clock: Clock | None = None,
    observer: OrderObserver = ignore_order_events,
    step_observer: Observer = ignore_steps,
) -> AsyncIterator[App]:
    """Open every service of a data directory, finish what was begun, and close it all at the end.

    `read_only` takes no lock and no key, so that quotes and balances can be read beside a
    running process; whatever would change something is refused.

    Raises:
        UsageError: CONFIG_INVALID or CONFIG_NOT_FOUND.
        FailureError: BUSY, KEY_FILE_MISSING, KEY_FILE_INVALID, KEY_PASSWORD_WRONG, CHAIN_MISMATCH,
            DEVNET_NOT_RUNNING, DEVNET_DEAD or STORAGE_ERROR.
        VenueUnavailable: CHAIN_UNAVAILABLE.
    """
    ensure_logs(settings.log.level, settings.log.format)
    profile = await load_profile(settings)
    async with AsyncExitStack() as stack:
        if not read_only:
            stack.enter_context(DirectoryLock(settings.home_path))
        rpc = await stack.enter_async_context(
            JsonRpc(profile.rpc_url, settings.chain.call_timeout_ms / 1_000)
        )
        chain = await RpcChain.open(rpc, profile.deployment.chain_id)
        opened = await stack.enter_async_context(
            opened_database(_database_url(settings, read_only), exclusive=not read_only)
        )
        database = FreezeWatch(opened)
        used_clock = clock or SystemClock()
        venues = await open_cex_venues(profile, used_clock, stack)
        keys = await (
            read_only_keys(profile)
            if read_only
            else open_keys(profile, _PLAN_GAS_MAX, database.reason)
        )
        parts = _Parts(
            profile=profile,
            clock=used_clock,
            database=database,
            rpc=rpc,
            chain=chain,
            audit=RpcChainAudit(rpc),
            keys=keys,
            venues=venues,
            observer=observer,
            step_observer=step_observer,
        )
        app = parts.join(read_only=read_only)
        if not read_only:
            await app.start()
        yield app


def _database_url(settings: Settings, read_only: bool) -> str:
    if settings.storage.url_env:
        url = os.environ.get(settings.storage.url_env, "")
        if not url:
            raise FailureError(
                "STORAGE_ERROR", f"The variable {settings.storage.url_env} holds no address."
            )
        return url
    path = settings.home_path / "ledger.db"
    if read_only and not path.exists():
        return "sqlite://"  # Nothing was ever booked here, and reading must not create it.
    return f"sqlite:///{path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What the services are made of."""

    profile: Profile
    clock: Clock
    database: Database
    rpc: JsonRpc
    chain: RpcChain
    audit: RpcChainAudit
    keys: Keys
    venues: Mapping[str, OrderVenue]
    observer: OrderObserver
    step_observer: Observer

    @property
    def call_timeout_s(self) -> float:
        return self.profile.settings.chain.call_timeout_ms / 1_000

    def join(self, *, read_only: bool) -> App:
        profile = self.profile
        book = OwnBook(self.database, profile.instruments, self.clock, is_owner=not read_only)
        feed = MarketFeed(
            ChainPoolSource(self.rpc, profile.deployment.pools),
            [book],
            depth=profile.settings.book.depth,
            call_timeout_ms=max(profile.settings.chain.call_timeout_ms, 30_000),
        )
        quotes = LiveQuotes(feed, _quote_policy(profile), self.clock, self._references())
        settlement = self._settlement()
        return App(
            profile=profile,
            clock=self.clock,
            database=self.database,
            chain=self.chain,
            audit=self.audit,
            feed=feed,
            quotes=quotes,
            book=book,
            venues={VENUE_ID: book, **self.venues},
            settlement=settlement,
            execution=self._execution(settlement, book, quotes),
            custody=self._custody(settlement),
            reconciler=self._reconciler(),
            is_read_only=read_only,
        )

    def _references(self) -> ReferencePrices | None:
        """Independent prices: the books of the configured exchanges, if there are any."""
        if not self.venues:
            return None
        settings = self.profile.settings
        limits = [venue.call_timeout_ms for venue in settings.cex.venues.values()]
        books = BookDepth(tuple(self.venues.values()), depth=5, call_timeout_ms=max(limits))
        return ReferencePrices(
            books,
            self.clock,
            warn_bps=settings.routing.reference_warn_bps,
            refuse_bps=settings.routing.reference_refuse_bps,
            fresh_ms=settings.routing.reference_fresh_ms,
        )

    def _settlement(self) -> SettlementService:
        chain = self.profile.settings.chain
        return SettlementService(
            database=self.database,
            chain=self.chain,
            audit=self.audit,
            signer=self.keys.signer,
            clock=self.clock,
            config=SettlementConfig(
                chain_id=self.profile.deployment.chain_id,
                gas_asset=self.profile.coin,
                fees=FeePolicy(cap_wei=chain.gas_price_cap_wei),
                confirmations=chain.confirmations,
                call_timeout_s=self.call_timeout_s,
                poll_interval_s=chain.poll_interval_ms / 1_000,
            ),
            registry=self.profile.registry,
            handlers={
                IntentKind.SWAP: SwapSettlement(self.clock, swap_ended),
                IntentKind.APPROVE: GasOnly(self.clock),
                IntentKind.WITHDRAWAL: WithdrawalSettlement(self.clock),
                IntentKind.SWEEP: SweepSettlement(self.clock),
            },
            observer=self.step_observer,
        )

    def _execution(
        self, settlement: SettlementService, book: OwnBook, quotes: LiveQuotes
    ) -> RoutedExecution:
        profile, settings = self.profile, self.profile.settings
        inclusion_timeout_s = settings.chain.inclusion_timeout_ms / 1_000
        encoder = ExecutorEncoder(
            profile.executor, profile.permit_contract, profile.deployment.pools
        )
        return RoutedExecution(
            database=self.database,
            sender=settlement,
            encoder=encoder,
            signer=self.keys.signer,
            allowance=PermitAllowance(
                sender=settlement,
                encoder=encoder,
                chain=self.chain,
                clock=self.clock,
                permit_contract=profile.permit_contract,
                call_timeout_s=self.call_timeout_s,
                inclusion_timeout_s=inclusion_timeout_s,
            ),
            preflight=Preflight(self.audit, self.call_timeout_s),
            book_legs=BookLegs(book, {f"{VENUE_ID}:{i.symbol}": i for i in profile.instruments}),
            quoting=quotes,
            registry=profile.registry,
            clock=self.clock,
            config=ExecutionConfig(
                chain_id=profile.deployment.chain_id,
                order_ttl_ms=settings.routing.order_ttl_ms,
                attempts=settings.routing.attempts,
                inclusion_timeout_s=inclusion_timeout_s,
            ),
            limits=RiskLimits(
                price_guard_bps=settings.routing.price_guard_bps,
                max_in_units=profile.order_limits,
            ),
            observer=self.observer,
        )

    def _custody(self, settlement: SettlementService) -> CustodyService:
        return CustodyService(
            database=self.database,
            chain=self.chain,
            audit=self.audit,
            sender=settlement,
            clock=self.clock,
            config=CustodyConfig(
                chain_id=self.profile.deployment.chain_id,
                hot=self.keys.signer.address,
                cold=self.profile.cold_address,
                registry=self.profile.registry,
                coin=self.profile.coin,
                owners=self.profile.owners,
                capital_sources=self.profile.capital_sources,
                unpayable=frozenset(
                    {
                        self.profile.executor,
                        self.profile.permit_contract,
                        *(pool.address for pool in self.profile.deployment.pools),
                    }
                ),
                marks=self.profile.marks,
                confirmations=self.profile.settings.chain.confirmations,
                call_timeout_s=self.call_timeout_s,
            ),
        )

    def _reconciler(self) -> Reconciler:
        profile = self.profile
        tokens = (asset for asset in profile.registry if not asset.is_native)
        return Reconciler(
            database=self.database,
            chain=self.chain,
            audit=self.audit,
            approvals=self.audit,
            clock=self.clock,
            config=ReconcileConfig(
                chain_id=profile.deployment.chain_id,
                hot=self.keys.signer.address,
                cold=profile.cold_address,
                assets=(*tokens, profile.coin),
                coin=profile.coin,
                known_senders=frozenset(profile.owners) | profile.capital_sources,
                allowance_limits={
                    profile.permit_contract: UINT256_MAX,
                    profile.executor: 0,
                },
                call_timeout_s=self.call_timeout_s,
            ),
            hold_needs=hold_needs(profile.instruments),
        )


def _quote_policy(profile: Profile) -> QuotePolicy:
    routing, chain = profile.settings.routing, profile.settings.chain
    return QuotePolicy(
        ttl_ms=routing.quote_ttl_ms,
        base_gas=routing.base_gas,
        gas_price_floor_wei=chain.gas_price_floor_wei,
        gas_price_cap_wei=chain.gas_price_cap_wei,
        thin_liquidity_bps=routing.thin_liquidity_bps,
        wrapped_native=profile.wrapped_native,
    )
