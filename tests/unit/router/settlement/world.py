"""The real services over the fake chain and a real database, and a crash that can be armed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from router.custody import CustodyConfig, CustodyService, SweepSettlement, WithdrawalSettlement
from router.domain.custody import Marks
from router.domain.ledger import HOUSE_CAPITAL, Entry, Journal, JournalKind, user_account
from router.domain.settlement import IntentKind
from router.ledger import post, verify
from router.ports import Database
from router.settlement import (
    FeePolicy,
    GasOnly,
    SettlementConfig,
    SettlementService,
    SwapSettlement,
)
from router.storage import open_database
from tests.unit.router.settlement.fake_chain import (
    ALICE,
    CHAIN_ID,
    COIN,
    COLD,
    EXECUTOR,
    GWEI,
    HOT,
    REGISTRY,
    USDC,
    WETH,
    FakeChain,
    FakeClock,
    FakeSigner,
)

ETHER = 10**18
HOT_USDC = 1_000_000 * 10**6
CLIENT_USDC = 100_000 * 10**6
OPENED: list[Database] = []


class Crash(Exception):
    """Raised where a process is to die; nothing catches it."""


@dataclass(slots=True)
class Script:
    """An observer that remembers the steps and dies at an armed one."""

    steps: list[str] = field(default_factory=list)
    die_at: str | None = None

    def __call__(self, step: str, _intent_id: str) -> None:
        self.steps.append(str(step))
        if self.die_at == step:
            self.die_at = None
            raise Crash(step)


@dataclass(slots=True)
class World:
    database: Database
    chain: FakeChain
    clock: FakeClock
    signer: FakeSigner
    script: Script
    settlement: SettlementService
    custody: CustodyService
    config: SettlementConfig
    custody_config: CustodyConfig

    def restart(self) -> None:
        """What a new process has: the database and the chain, nothing else."""
        self.script.die_at = None
        services = _services(
            self.database, self.chain, self.clock, self.signer, self.script, self.config,
            self.custody_config,
        )  # fmt: skip
        self.settlement, self.custody = services

    async def available(self, account: str = "alice", asset: str = "USDC") -> int:
        balances = await self.database.read(
            lambda u: u.ledger.balances(user_account(account), asset)
        )
        return balances[0].available if balances else 0


def _services(
    database: Database,
    chain: FakeChain,
    clock: FakeClock,
    signer: FakeSigner,
    script: Callable[[str, str], None],
    config: SettlementConfig,
    custody_config: CustodyConfig,
) -> tuple[SettlementService, CustodyService]:
    settlement = SettlementService(
        database=database,
        chain=chain,
        audit=chain,
        signer=signer,
        clock=clock,
        config=config,
        registry=REGISTRY,
        handlers={
            IntentKind.WITHDRAWAL: WithdrawalSettlement(clock),
            IntentKind.SWEEP: SweepSettlement(clock),
            IntentKind.SWAP: SwapSettlement(clock),
            IntentKind.APPROVE: GasOnly(clock),
        },
        observer=script,
    )
    custody = CustodyService(
        database=database,
        chain=chain,
        audit=chain,
        sender=settlement,
        clock=clock,
        config=custody_config,
    )
    return settlement, custody


async def open_world(
    *,
    url: str = "sqlite://",
    confirmations: int = 1,
    automine: bool = True,
    marks: tuple[Marks, ...] = (),
    fund_client: bool = True,
    **settings: object,
) -> World:
    """Open the books over a funded hot wallet and give alice a balance, paid by the house."""
    chain = FakeChain(automine=automine)
    chain.mint(COIN, HOT, 100 * ETHER)
    chain.mint(COIN, COLD, 100 * ETHER)
    chain.mint(COIN, ALICE, 100 * ETHER)
    chain.mint(USDC, HOT, HOT_USDC)
    chain.mint(WETH, HOT, 500 * ETHER)
    clock, signer, script = FakeClock(), FakeSigner(), Script()
    database = open_database(url)
    OPENED.append(database)
    config = replace(
        SettlementConfig(
            chain_id=CHAIN_ID,
            gas_asset=COIN,
            fees=FeePolicy(cap_wei=200 * GWEI),
            confirmations=confirmations,
        ),
        **settings,
    )
    custody_config = CustodyConfig(
        chain_id=CHAIN_ID,
        hot=HOT,
        cold=COLD,
        registry=REGISTRY,
        coin=COIN,
        owners={ALICE: "alice"},
        unpayable=frozenset({EXECUTOR}),
        marks=marks,
        confirmations=confirmations,
    )
    settlement, custody = _services(database, chain, clock, signer, script, config, custody_config)
    world = World(
        database, chain, clock, signer, script, settlement, custody, config, custody_config
    )
    await custody.open_books()
    if fund_client:
        await fund(world, "alice", "USDC", CLIENT_USDC)
    return world


async def fund(world: World, account: str, asset: str, units: int) -> None:
    """Turn house capital into a client's balance: the chain does not move."""
    journal = Journal(
        key=f"fund:{account}:{asset}:{units}",
        kind=JournalKind.CAPITAL,
        entries=(
            Entry(account=HOUSE_CAPITAL, asset=asset, units=units),
            Entry(account=user_account(account), asset=asset, units=-units),
        ),
    )
    await world.database.write(lambda uow: post(uow.ledger, journal, world.clock.now_ms()))


async def require_sound(world: World) -> None:
    """Ledger and chain agree to the unit, no hold is open, every cached number is right."""
    audit = await world.database.read(lambda uow: verify(uow.ledger))
    assert audit.problems == ()
    holds = await world.database.read(lambda uow: uow.ledger.holds())
    assert holds == []
    for line in await world.custody.wallets():
        assert line.chain_units == line.ledger_units, line
