"""The real services on a real database and a real node, as a start of the program builds them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from connectors.chain.deployment import Deployment
from connectors.chain.keystore import HotKey
from connectors.chain.node import RpcChain, RpcChainAudit
from connectors.chain.policy import SignerPolicy
from connectors.chain.rpc import JsonRpc
from connectors.chain.signer import LocalSigner
from router.custody import CustodyConfig, CustodyService, SweepSettlement, WithdrawalSettlement
from router.devnet.keys import private_key_of
from router.domain.amounts import UINT256_MAX
from router.domain.assets import Asset
from router.domain.custody import Marks
from router.domain.ledger import HOUSE_CAPITAL, Entry, Journal, JournalKind, user_account
from router.domain.settlement import IntentKind, TxRequest
from router.domain.transfers import transfer_request
from router.ledger import post
from router.ports import Chain, Database
from router.reconcile import HoldNeeds, ReconcileConfig, Reconciler
from router.settlement import (
    FeePolicy,
    GasOnly,
    Observer,
    SettlementConfig,
    SettlementService,
    SwapSettlement,
)
from router.settlement.steps import ignore_steps
from router.storage import open_database

GWEI = 10**9


class SystemClock:
    """Port `Clock` on the machine's own time."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def sleep_s(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Live:
    rpc: JsonRpc
    deployment: Deployment
    database: Database
    chain: Chain
    audit: RpcChainAudit
    clock: SystemClock
    signer: LocalSigner
    settlement: SettlementService
    custody: CustodyService
    reconciler: Reconciler

    async def pay(self, role: str, asset: Asset, to: str, units: int) -> str:
        """Send from one of the node's unlocked accounts; return the hash once it is mined."""
        return await self.send(role, transfer_request(asset, to, units, 200_000))

    async def send(self, role: str, request: TxRequest) -> str:
        """Send anything from one of the node's unlocked accounts; return the hash once mined."""
        call = {
            "from": self.deployment.roles[role],
            "to": request.to,
            "data": "0x" + request.data.hex(),
            "value": hex(request.value_wei),
            "gas": hex(request.gas_limit),
        }
        tx_hash = str(await self.rpc.call("eth_sendTransaction", [call]))
        for _ in range(1_000):
            if await self.chain.receipt(tx_hash) is not None:
                return tx_hash
            await self.clock.sleep_s(0.005)
        raise AssertionError(f"{tx_hash} was not mined")

    async def fund(self, account: str, asset: Asset, units: int) -> None:
        """Turn house capital into a client's balance; the key makes it happen once."""
        journal = Journal(
            key=f"fund:{account}:{asset}",
            kind=JournalKind.CAPITAL,
            entries=(
                Entry(account=HOUSE_CAPITAL, asset=asset.symbol, units=units),
                Entry(account=user_account(account), asset=asset.symbol, units=-units),
            ),
        )
        await self.database.write(lambda uow: post(uow.ledger, journal, self.clock.now_ms()))

    async def available(self, account: str, asset: Asset) -> int:
        found = await self.database.read(
            lambda uow: uow.ledger.balances(user_account(account), asset.symbol)
        )
        return found[0].available if found else 0

    async def on_chain(self, asset: Asset, address: str) -> int:
        head = await self.chain.head()
        return (await self.audit.balances([(address, asset)], head.number))[0]


@asynccontextmanager
async def open_live(
    *,
    url: str,
    deployment: Deployment,
    database_path: Path,
    observer: Observer = ignore_steps,
    confirmations: int = 1,
    marks: tuple[Marks, ...] = (),
    hold_needs: HoldNeeds | None = None,
    chain_url: str | None = None,
    resend_after_ms: int = 300,
) -> AsyncIterator[Live]:
    """Build everything; `chain_url` is another way to the same node for what is sent."""
    database = open_database(f"sqlite:///{database_path}")
    async with JsonRpc(url) as rpc, JsonRpc(chain_url or url, timeout_s=8.0) as sending:
        builder = _Builder(database, RpcChain(sending), RpcChainAudit(rpc), deployment)
        signer = _signer(deployment)
        settlement = builder.settlement(signer, observer, confirmations, resend_after_ms)
        try:
            yield Live(
                rpc=rpc,
                deployment=deployment,
                database=database,
                chain=builder.chain,
                audit=builder.audit,
                clock=builder.clock,
                signer=signer,
                settlement=settlement,
                custody=builder.custody(settlement, marks, confirmations),
                reconciler=builder.reconciler(hold_needs),
            )
        finally:
            await database.close()


def _signer(deployment: Deployment) -> LocalSigner:
    policy = SignerPolicy(
        chain_id=deployment.chain_id,
        executor=deployment.contracts["RouteExecutor"],
        permit2=deployment.contracts["Permit2"],
        tokens=frozenset(a.address for a in deployment.assets if not a.is_native),
        max_gas_cost_wei=10**18,
        cold_wallet=deployment.roles["cold"],
    )
    secret = bytes.fromhex(private_key_of("hot", deployment.chain_id)[2:])
    return LocalSigner(HotKey(secret), policy)


@dataclass(frozen=True, slots=True)
class _Builder:
    database: Database
    chain: Chain
    audit: RpcChainAudit
    deployment: Deployment
    clock: SystemClock = field(default_factory=SystemClock)

    @property
    def coin(self) -> Asset:
        return self.deployment.asset("ETH")

    def settlement(
        self, signer: LocalSigner, observer: Observer, confirmations: int, resend_after_ms: int
    ) -> SettlementService:
        return SettlementService(
            database=self.database,
            chain=self.chain,
            audit=self.audit,
            signer=signer,
            clock=self.clock,
            config=SettlementConfig(
                chain_id=self.deployment.chain_id,
                gas_asset=self.coin,
                fees=FeePolicy(cap_wei=500 * GWEI),
                confirmations=confirmations,
                poll_interval_s=0.01,
                resend_after_ms=resend_after_ms,
            ),
            registry=self.deployment.registry,
            handlers={
                IntentKind.WITHDRAWAL: WithdrawalSettlement(self.clock),
                IntentKind.SWEEP: SweepSettlement(self.clock),
                IntentKind.SWAP: SwapSettlement(self.clock),
                IntentKind.APPROVE: GasOnly(self.clock),
            },
            observer=observer,
        )

    def custody(
        self, settlement: SettlementService, marks: tuple[Marks, ...], confirmations: int
    ) -> CustodyService:
        roles = self.deployment.roles
        config = CustodyConfig(
            chain_id=self.deployment.chain_id,
            hot=roles["hot"],
            cold=roles["cold"],
            registry=self.deployment.registry,
            coin=self.coin,
            owners={roles[name]: name for name in ("alice", "bob")},
            marks=marks,
            confirmations=confirmations,
        )
        return CustodyService(
            database=self.database,
            chain=self.chain,
            audit=self.audit,
            sender=settlement,
            clock=self.clock,
            config=config,
        )

    def reconciler(self, hold_needs: HoldNeeds | None) -> Reconciler:
        roles = self.deployment.roles
        config = ReconcileConfig(
            chain_id=self.deployment.chain_id,
            hot=roles["hot"],
            cold=roles["cold"],
            assets=self.deployment.assets,
            coin=self.coin,
            known_senders=frozenset({roles["alice"], roles["bob"]}),
            allowance_limits={
                self.deployment.contracts["RouteExecutor"]: 0,
                self.deployment.contracts["Permit2"]: UINT256_MAX,
            },
        )
        return Reconciler(
            database=self.database,
            chain=self.chain,
            audit=self.audit,
            approvals=self.audit,
            clock=self.clock,
            config=config,
            hold_needs=hold_needs,
        )
