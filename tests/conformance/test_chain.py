"""What the ports `Chain`, `ChainAudit` and `Signer` promise, asked of a real node and of the fake.

Settlement and custody are tested on the fake chain; these claims are why that means something.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from connectors.chain.keystore import HotKey
from connectors.chain.node import RpcChain, RpcChainAudit
from connectors.chain.policy import SignerPolicy
from connectors.chain.rpc import JsonRpc
from connectors.chain.signer import LocalSigner
from router.devnet import DevnetHandle
from router.domain.assets import NATIVE_ADDRESS, Asset
from router.domain.errors import OrderRejected
from router.domain.settlement import TxRequest
from router.domain.transfers import transfer_request
from router.ports import Chain, ChainAudit, Signer
from tests.unit.router.settlement import fake_chain
from tests.unit.router.settlement.fake_chain import FakeChain, FakeSigner

CHAIN_ID = 31337
GWEI = 10**9
FEE, TIP = 100 * GWEI, GWEI
STRANGER = "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"
HOT_KEY = HotKey(bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"))
COIN = Asset(symbol="ETH", decimals=18, chain_id=CHAIN_ID, address=NATIVE_ADDRESS)
GAS = 100_000


@dataclass(frozen=True)
class Stand:
    """A chain on which the hot wallet owns coins and 1000 USDC, and its levers."""

    chain: Chain
    audit: ChainAudit
    signer: Signer
    usdc: Asset
    hold: Callable[[], Awaitable[None]]
    mine: Callable[[], Awaitable[None]]
    reorg: Callable[[int], Awaitable[None]]

    def sign(
        self, request: TxRequest, nonce: int, *, fee: int = FEE, tip: int = TIP
    ) -> tuple[str, bytes]:
        return self.signer.sign_transaction(
            request, chain_id=CHAIN_ID, nonce=nonce, max_fee_wei=fee, max_tip_wei=tip
        )

    async def nonce(self) -> int:
        return await self.chain.nonce(self.signer.address)

    async def mined(self, request: TxRequest) -> str:
        tx_hash, raw = self.sign(request, await self.nonce())
        await self.chain.send_raw(raw)
        await self.mine()
        return tx_hash

    def usdc_to(self, recipient: str, units: int) -> TxRequest:
        return transfer_request(self.usdc, recipient, units, GAS)


def coins_to(recipient: str, units: int) -> TxRequest:
    return transfer_request(COIN, recipient, units, GAS)


@asynccontextmanager
async def in_memory(_: DevnetHandle) -> AsyncIterator[Stand]:
    fake = FakeChain(automine=False)
    fake.mint(fake_chain.COIN, fake_chain.HOT, 10**20)
    fake.mint(fake_chain.USDC, fake_chain.HOT, 1000 * 10**6)
    fake.mine()

    async def hold() -> None:
        assert not fake.automine

    async def mine() -> None:
        fake.mine()

    async def reorg(depth: int) -> None:
        fake.reorg(depth, keep=False)

    yield Stand(fake, fake, FakeSigner(), fake_chain.USDC, hold, mine, reorg)


@asynccontextmanager
async def on_anvil(devnet: DevnetHandle) -> AsyncIterator[Stand]:
    usdc = devnet.deployment.asset("USDC")
    policy = SignerPolicy(
        chain_id=CHAIN_ID,
        executor=devnet.deployment.contracts["RouteExecutor"],
        permit2=devnet.deployment.contracts["Permit2"],
        tokens=frozenset({usdc.address}),
        max_gas_cost_wei=10**18,
    )
    async with JsonRpc(devnet.url) as rpc:
        await rpc.call("anvil_dealERC20", [HOT_KEY.address, usdc.address, hex(1000 * 10**6)])
        await rpc.call("evm_setAutomine", [False])
        await rpc.call("evm_mine")

        async def hold() -> None:
            await rpc.call("evm_setAutomine", [False])

        async def mine() -> None:
            await rpc.call("evm_mine")

        async def reorg(depth: int) -> None:
            await rpc.call("anvil_reorg", [depth, []])

        signer = LocalSigner(HOT_KEY, policy)
        yield Stand(RpcChain(rpc), RpcChainAudit(rpc), signer, usdc, hold, mine, reorg)
        # Mining what is left, while the snapshot is reverted, makes a chain that never was.
        await rpc.call("anvil_dropAllTransactions")
        await rpc.call("evm_setAutomine", [True])


STANDS: dict[str, Callable[[DevnetHandle], AbstractAsyncContextManager[Stand]]] = {
    "in memory": in_memory,
    "anvil": on_anvil,
}


@pytest.fixture(params=STANDS)
async def stand(request: pytest.FixtureRequest, devnet: DevnetHandle) -> AsyncIterator[Stand]:
    async with STANDS[request.param](devnet) as made:
        yield made


async def test_blocks_are_linked_up_to_the_head(stand: Stand) -> None:
    for _ in range(3):
        await stand.mine()
    head = await stand.chain.head()
    parent = await stand.chain.block(head.number - 1)
    assert parent is not None
    assert head.parent_hash == parent.hash
    assert head.timestamp_s >= parent.timestamp_s
    assert await stand.chain.block(head.number) == head
    assert await stand.chain.block(head.number + 1) is None
    assert await stand.audit.chain_id() == CHAIN_ID


async def test_a_transaction_is_pending_then_mined_and_its_nonce_spent(stand: Stand) -> None:
    nonce = await stand.nonce()
    tx_hash, raw = stand.sign(stand.usdc_to(STRANGER, 5), nonce)
    await stand.chain.send_raw(raw)
    assert await stand.chain.receipt(tx_hash) is None
    assert await stand.nonce() == nonce
    await stand.chain.send_raw(raw)
    await stand.mine()
    receipt = await stand.chain.receipt(tx_hash)
    assert receipt is not None
    block = await stand.chain.block(receipt.block_number)
    assert block is not None
    assert (receipt.tx_hash, receipt.status, receipt.block_hash) == (tx_hash, True, block.hash)
    assert await stand.nonce() == nonce + 1


async def test_a_spent_nonce_is_refused_by_that_name(stand: Stand) -> None:
    await stand.mined(stand.usdc_to(STRANGER, 5))
    _, raw = stand.sign(stand.usdc_to(STRANGER, 6), await stand.nonce() - 1)
    with pytest.raises(OrderRejected, match=r"^NONCE_TOO_LOW"):
        await stand.chain.send_raw(raw)


@pytest.mark.parametrize(("fee", "tip"), [(FEE, TIP), (1, 1)], ids=["no raise", "under base fee"])
async def test_too_small_a_fee_is_refused_by_that_name(stand: Stand, fee: int, tip: int) -> None:
    nonce = await stand.nonce()
    await stand.chain.send_raw(stand.sign(stand.usdc_to(STRANGER, 5), nonce)[1])
    _, raw = stand.sign(stand.usdc_to(STRANGER, 6), nonce, fee=fee, tip=tip)
    with pytest.raises(OrderRejected, match=r"^UNDERPRICED"):
        await stand.chain.send_raw(raw)


async def test_a_raised_fee_replaces_what_is_pending(stand: Stand) -> None:
    nonce = await stand.nonce()
    first, raw = stand.sign(stand.usdc_to(STRANGER, 5), nonce)
    await stand.chain.send_raw(raw)
    second, raw = stand.sign(stand.usdc_to(STRANGER, 5), nonce, fee=2 * FEE, tip=2 * TIP)
    await stand.chain.send_raw(raw)
    await stand.mine()
    assert await stand.chain.receipt(first) is None
    assert await stand.chain.receipt(second) is not None


async def test_a_token_transfer_is_one_log_for_both_ends_and_moves_the_balances(
    stand: Stand,
) -> None:
    before = await stand.chain.head()
    tx_hash = await stand.mined(stand.usdc_to(STRANGER, 12))
    receipt = await stand.chain.receipt(tx_hash)
    assert receipt is not None
    start, end = before.number + 1, receipt.block_number
    [log] = await stand.audit.transfers([stand.signer.address], start, end)
    assert [log] == await stand.audit.transfers([STRANGER], start, end)
    assert receipt.logs[log.ordinal] == log
    assert log.address == stand.usdc.address.lower()
    assert int.from_bytes(log.data, "big") == 12
    pairs = [(stand.signer.address, stand.usdc), (STRANGER, stand.usdc)]
    old = await stand.audit.balances(pairs, before.number)
    new = await stand.audit.balances(pairs, end)
    assert [b - a for a, b in zip(old, new, strict=True)] == [-12, 12]


async def test_a_coin_transfer_has_a_sign_and_the_sender_pays_the_gas(stand: Stand) -> None:
    before = await stand.chain.head()
    tx_hash = await stand.mined(coins_to(STRANGER, 34))
    receipt = await stand.chain.receipt(tx_hash)
    assert receipt is not None
    start, end = before.number + 1, receipt.block_number
    [out] = await stand.audit.native_transfers(stand.signer.address, start, end)
    [in_] = await stand.audit.native_transfers(STRANGER, start, end)
    assert (out.ordinal < 0, out.address, out.topics) == (True, STRANGER.lower(), ())
    assert (in_.ordinal >= 0, in_.address) == (True, stand.signer.address.lower())
    assert int.from_bytes(out.data, "big") == int.from_bytes(in_.data, "big") == 34
    pairs = [(stand.signer.address, COIN), (STRANGER, COIN)]
    old = await stand.audit.balances(pairs, before.number)
    new = await stand.audit.balances(pairs, end)
    assert [b - a for a, b in zip(old, new, strict=True)] == [-34 - receipt.gas_cost_wei, 34]


async def test_a_transaction_that_reverts_costs_gas_only_and_its_estimate_says_so(
    stand: Stand,
) -> None:
    too_much = stand.usdc_to(STRANGER, 10**12)
    with pytest.raises(OrderRejected):
        await stand.audit.estimate_gas(stand.signer.address, too_much)
    before = await stand.chain.head()
    tx_hash = await stand.mined(too_much)
    receipt = await stand.chain.receipt(tx_hash)
    assert receipt is not None
    assert (receipt.status, receipt.logs) == (False, ())
    assert receipt.gas_cost_wei > 0
    assert await stand.audit.transfers([STRANGER], before.number + 1, receipt.block_number) == []


async def test_suggested_fees_cover_twice_the_base_fee(stand: Stand) -> None:
    max_fee, tip = await stand.audit.suggest_fees()
    assert tip > 0
    assert max_fee == 2 * (await stand.chain.head()).base_fee_wei + tip
    estimate = await stand.audit.estimate_gas(stand.signer.address, stand.usdc_to(STRANGER, 1))
    assert estimate > 21_000


async def test_a_reorganised_transaction_is_gone_and_its_bytes_can_be_sent_again(
    stand: Stand,
) -> None:
    nonce = await stand.nonce()
    tx_hash, raw = stand.sign(stand.usdc_to(STRANGER, 5), nonce)
    await stand.chain.send_raw(raw)
    await stand.mine()
    mined = await stand.chain.receipt(tx_hash)
    assert mined is not None
    await stand.reorg(1)
    assert await stand.chain.receipt(tx_hash) is None
    assert await stand.nonce() == nonce
    replaced = await stand.chain.block(mined.block_number)
    assert replaced is not None
    assert replaced.hash != mined.block_hash
    await stand.chain.send_raw(raw)
    await stand.mine()
    again = await stand.chain.receipt(tx_hash)
    assert again is not None
    assert again.block_hash != mined.block_hash
    assert [log.ordinal for log in again.logs] == [log.ordinal for log in mined.logs]
