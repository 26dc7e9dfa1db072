"""The chain ports against real Anvil: replies, receipts, transfers, balances, reorganisations."""

import pytest
from eth_account import Account

from connectors.chain.abi import load_contract
from connectors.chain.deployment import Deployment
from connectors.chain.erc20 import BALANCE_OF, TRANSFER, TRANSFER_TOPIC, topic_address
from connectors.chain.heads import HeadTracker
from connectors.chain.multicall import CALLS_PER_CHUNK, Multicall
from connectors.chain.node import RpcChain, RpcChainAudit
from connectors.chain.replies import ReplyClass, TransactionRefused
from connectors.chain.rpc import JsonRpc, RpcError
from router.domain.assets import NATIVE_ADDRESS, Asset
from router.domain.errors import FailureError, OrderRejected, VenueUnavailable
from router.domain.settlement import TxRequest
from tests.conftest import Miner

KEY = bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d")
HOT = Account.from_key(KEY).address
STRANGER = "0x00000000000000000000000000000000DeaDBeef"
GWEI = 10**9
CHAIN_ID = 31337
COIN = Asset(symbol="ETH", decimals=18, chain_id=CHAIN_ID, address=NATIVE_ADDRESS)


class Sender:
    """Signs as the hot key, with any field bent."""

    def __init__(self, chain: RpcChain) -> None:
        self.chain = chain

    async def sign(self, **changes: object) -> tuple[str, bytes]:
        nonce = await self.chain.nonce(HOT)
        fields = {
            "type": 2,
            "chainId": CHAIN_ID,
            "nonce": nonce,
            "to": STRANGER,
            "value": 1,
            "data": b"",
            "gas": 100_000,
            "maxFeePerGas": 50 * GWEI,
            "maxPriorityFeePerGas": GWEI,
            **changes,
        }
        signed = Account.sign_transaction(fields, KEY)
        raw = getattr(signed, "raw_transaction", None) or signed.rawTransaction
        return "0x" + bytes(signed.hash).hex(), bytes(raw)

    async def mined(self, **changes: object) -> str:
        tx_hash, raw = await self.sign(**changes)
        await self.chain.send_raw(raw)
        while await self.chain.receipt(tx_hash) is None:
            continue  # Anvil answers before the block is there.
        return tx_hash


@pytest.fixture
async def chain(rpc: JsonRpc) -> RpcChain:
    return await RpcChain.open(rpc, CHAIN_ID)


@pytest.fixture
async def audit(rpc: JsonRpc) -> RpcChainAudit:
    return await RpcChainAudit.open(rpc, CHAIN_ID)


@pytest.fixture
async def sender(rpc: JsonRpc, chain: RpcChain, deployment: Deployment) -> Sender:
    for symbol in ("USDC", "WETH"):
        token = deployment.asset(symbol).address
        await rpc.call("anvil_dealERC20", [HOT, token, hex(10**12)])
    return Sender(chain)


@pytest.mark.parametrize("kind", [RpcChain, RpcChainAudit])
async def test_a_node_of_another_chain_is_refused(
    rpc: JsonRpc, kind: type[RpcChain | RpcChainAudit]
) -> None:
    with pytest.raises(FailureError) as caught:
        await kind.open(rpc, 1)
    assert caught.value.code == "CHAIN_MISMATCH"


async def test_blocks_are_linked_and_the_head_is_the_last(chain: RpcChain, miner: Miner) -> None:
    await miner.mine(2)
    head = await chain.head()
    parent = await chain.block(head.number - 1)
    assert parent is not None
    assert head.parent_hash == parent.hash
    assert await chain.block(head.number) == head
    assert await chain.block(head.number + 1) is None


async def test_sending_what_the_node_has_is_no_error(
    chain: RpcChain, sender: Sender, miner: Miner
) -> None:
    await miner.hold()
    tx_hash, raw = await sender.sign()
    await chain.send_raw(raw)
    await chain.send_raw(raw)
    assert await chain.receipt(tx_hash) is None
    await miner.mine()
    receipt = await chain.receipt(tx_hash)
    assert receipt is not None
    assert receipt.status


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"value": 10**30}, ReplyClass.LOCAL),
        ({"gas": 20_000}, ReplyClass.LOCAL),
        ({"gas": 10**9}, ReplyClass.LOCAL),
        ({"chainId": 1}, ReplyClass.LOCAL),
        ({"maxPriorityFeePerGas": 51 * GWEI}, ReplyClass.LOCAL),
        ({"maxFeePerGas": 1, "maxPriorityFeePerGas": 1}, ReplyClass.UNDERPRICED),
    ],
)
async def test_what_the_node_refuses_carries_its_reason(
    chain: RpcChain, sender: Sender, changes: dict[str, object], reason: ReplyClass
) -> None:
    _, raw = await sender.sign(**changes)
    with pytest.raises(TransactionRefused) as caught:
        await chain.send_raw(raw)
    assert caught.value.reason is reason
    assert caught.value.message.startswith(f"{reason}: ")


async def test_a_spent_nonce_and_a_weak_replacement_are_told_apart(
    chain: RpcChain, sender: Sender, miner: Miner
) -> None:
    await sender.mined()
    with pytest.raises(TransactionRefused) as spent:
        await chain.send_raw((await sender.sign(nonce=await chain.nonce(HOT) - 1, value=9))[1])
    await miner.hold()
    await chain.send_raw((await sender.sign())[1])
    with pytest.raises(TransactionRefused) as weak:
        await chain.send_raw((await sender.sign(value=2))[1])
    assert spent.value.reason is ReplyClass.NONCE_TOO_LOW
    assert weak.value.reason is ReplyClass.UNDERPRICED


async def test_garbage_is_refused(chain: RpcChain) -> None:
    for raw in (b"", b"\x02\x01", b"zz"):
        with pytest.raises(TransactionRefused) as caught:
            await chain.send_raw(raw)
        assert caught.value.reason is ReplyClass.LOCAL


async def test_a_receipt_accounts_for_every_wei_of_gas_and_value(
    chain: RpcChain, audit: RpcChainAudit, sender: Sender
) -> None:
    before = await chain.head()
    tx_hash = await sender.mined(value=12345)
    receipt = await chain.receipt(tx_hash)
    assert receipt is not None
    [start] = await audit.balances([(HOT, COIN)], before.number)
    end, gained = await audit.balances([(HOT, COIN), (STRANGER, COIN)], receipt.block_number)
    assert start - end == receipt.gas_cost_wei + 12345
    assert gained == 12345
    assert receipt.gas_used == 21_000


async def test_transfers_come_once_in_order_with_their_place_in_their_own_receipt(
    chain: RpcChain, audit: RpcChainAudit, sender: Sender, miner: Miner, deployment: Deployment
) -> None:
    usdc, weth = deployment.asset("USDC"), deployment.asset("WETH")
    start = (await chain.head()).number + 1
    await miner.hold()
    nonce = await chain.nonce(HOT)
    sent = [
        await sender.sign(nonce=nonce, to=usdc.address, value=0, data=TRANSFER.encode_call(HOT, 1)),
        await sender.sign(
            nonce=nonce + 1, to=weth.address, value=0, data=TRANSFER.encode_call(STRANGER, 2)
        ),
        await sender.sign(
            nonce=nonce + 2, to=usdc.address, value=0, data=TRANSFER.encode_call(STRANGER, 3)
        ),
    ]
    for _, raw in sent:
        await chain.send_raw(raw)
    end = await miner.mine()
    logs = await audit.transfers([HOT], start, end)
    assert [log.tx_hash for log in logs] == [tx_hash for tx_hash, _ in sent]
    assert [int.from_bytes(log.data, "big") for log in logs] == [1, 2, 3]
    for log in logs:
        receipt = await chain.receipt(log.tx_hash)
        assert receipt is not None
        assert receipt.logs[log.ordinal] == log
        assert log.topics[0] == TRANSFER_TOPIC
    to_stranger = await audit.transfers([STRANGER], start, end)
    assert to_stranger == logs[1:]
    assert {topic_address(log.topics[2]) for log in to_stranger} == {STRANGER.lower()}
    assert await audit.transfers([HOT, STRANGER], start, end) == logs
    with pytest.raises(RpcError):
        await audit.transfers([HOT], end + 1, end + 5)
    await miner.mine(5)
    assert await audit.transfers([HOT], end + 1, end + 5) == []
    assert await audit.transfers([HOT], end + 1, end) == []


async def test_coin_transfers_are_seen_in_both_directions_and_failed_ones_are_not(
    chain: RpcChain, audit: RpcChainAudit, sender: Sender, deployment: Deployment
) -> None:
    start = (await chain.head()).number + 1
    paid = await sender.mined(value=7)
    # A token refuses coins: the transaction is mined, reverts, and moves nothing.
    failed = await sender.mined(to=deployment.asset("USDC").address, value=9)
    await sender.mined(value=0)
    to_itself = await sender.mined(to=HOT, value=5)
    end = (await chain.head()).number
    logs = await audit.native_transfers(HOT, start, end)
    assert [(log.tx_hash, log.ordinal, log.address) for log in logs] == [
        (paid, -1, STRANGER.lower())
    ]
    assert int.from_bytes(logs[0].data, "big") == 7
    [inflow] = await audit.native_transfers(STRANGER, start, end)
    assert (inflow.ordinal, inflow.address, inflow.topics) == (0, HOT.lower(), ())
    reverted = await chain.receipt(failed)
    assert reverted is not None
    assert not reverted.status
    assert to_itself not in {log.tx_hash for log in logs}


async def test_balances_are_those_of_the_block_asked_for(
    chain: RpcChain, audit: RpcChainAudit, sender: Sender, deployment: Deployment
) -> None:
    usdc = deployment.asset("USDC")
    before = await chain.head()
    tx_hash = await sender.mined(
        to=usdc.address, value=0, data=TRANSFER.encode_call(STRANGER, 10**6)
    )
    receipt = await chain.receipt(tx_hash)
    assert receipt is not None
    pairs = [(HOT, usdc), (STRANGER, usdc)]
    hot_before, stranger_before = await audit.balances(pairs, before.number)
    hot_after, stranger_after = await audit.balances(pairs, receipt.block_number)
    assert (hot_before - hot_after, stranger_after - stranger_before) == (10**6, 10**6)


async def test_a_balance_of_what_is_no_token_is_no_zero(
    chain: RpcChain, audit: RpcChainAudit
) -> None:
    fake = Asset(symbol="FAKE", decimals=18, chain_id=CHAIN_ID, address=STRANGER)
    with pytest.raises(VenueUnavailable):
        await audit.balances([(HOT, fake)], (await chain.head()).number)


async def test_fees_are_twice_the_base_fee_and_a_tip_not_below_the_floor(
    chain: RpcChain, rpc: JsonRpc
) -> None:
    base = (await chain.head()).base_fee_wei
    node_tip = int(await rpc.call("eth_maxPriorityFeePerGas"), 16)
    floor = node_tip + 5
    assert await RpcChainAudit(rpc, tip_floor_wei=floor).suggest_fees() == (2 * base + floor, floor)
    assert await RpcChainAudit(rpc, tip_floor_wei=0).suggest_fees() == (
        2 * base + node_tip,
        node_tip,
    )


async def test_gas_is_estimated_and_a_call_that_would_revert_says_why(
    audit: RpcChainAudit, deployment: Deployment
) -> None:
    plain = TxRequest(to=STRANGER, data=b"", value_wei=1, gas_limit=0)
    assert await audit.estimate_gas(HOT, plain) == 21_000
    executor = deployment.contracts["RouteExecutor"]
    step = (0, STRANGER, STRANGER, executor, 3000, 1, bytes(32))
    call_data = (
        load_contract("RouteExecutor")
        .functions["execute"]
        .encode_call((b"\1" * 32, STRANGER, 1, 1, 2**40, [step], [(executor, 1)]), b"\1" * 65)
    )
    wrong = TxRequest(to=executor, data=call_data, value_wei=0, gas_limit=0)
    with pytest.raises(OrderRejected) as caught:
        await audit.estimate_gas(STRANGER, wrong)
    assert "NotOperator" in caught.value.message


async def test_a_reorganised_transaction_has_no_receipt_and_the_tracker_sees_it(
    chain: RpcChain, rpc: JsonRpc, sender: Sender
) -> None:
    tracker = HeadTracker(chain)
    await tracker.poll()
    tx_hash = await sender.mined()
    change = await tracker.poll()
    assert change is not None
    mined_in = change.added[-1]
    await rpc.call("anvil_reorg", [1, []])
    assert await chain.receipt(tx_hash) is None
    change = await tracker.poll()
    assert change is not None
    assert [block.hash for block in change.orphaned] == [mined_in.hash]
    assert change.added[-1] == await chain.head()
    assert not change.lost_track


async def test_the_tracker_follows_a_rollback(chain: RpcChain, rpc: JsonRpc, miner: Miner) -> None:
    await miner.mine(3)
    tracker = HeadTracker(chain)
    await tracker.poll()
    await miner.mine(4)
    await tracker.poll()
    before = tracker.known()
    await rpc.call("anvil_rollback", [2])
    change = await tracker.poll()
    assert change is not None
    assert change.orphaned == tuple(reversed(before[-2:]))
    assert change.added == ()
    assert tracker.head == await chain.head()


async def test_multicall_results_are_those_of_single_calls_and_failures_fail_alone(
    chain: RpcChain, rpc: JsonRpc, deployment: Deployment
) -> None:
    tokens = [asset.address for asset in deployment.assets]
    ask = BALANCE_OF.encode_call(HOT)
    calls = [(tokens[i % len(tokens)], ask) for i in range(CALLS_PER_CHUNK + 7)]
    calls[3] = (deployment.asset("USDC").address, b"\xff\xff\xff\xff")
    results = await Multicall(rpc).run(calls)
    assert len(results) == len(calls)
    assert not results[3].ok
    singles = {token: await chain.call(token, ask) for token in tokens}
    assert all(
        result.ok and result.output == singles[token]
        for at, ((token, _), result) in enumerate(zip(calls, results, strict=True))
        if at != 3
    )
    assert await Multicall(rpc).run([]) == []


async def test_a_missing_multicall_contract_is_no_empty_result(rpc: JsonRpc) -> None:
    with pytest.raises(VenueUnavailable):
        await Multicall(rpc, STRANGER).run([(STRANGER, b"")])


async def test_a_call_at_a_block_that_is_not_there_is_an_error(chain: RpcChain) -> None:
    with pytest.raises(RpcError):
        await chain.call(STRANGER, b"", block=(await chain.head()).number + 100)


async def test_history_is_read_at_its_own_block(
    chain: RpcChain, sender: Sender, deployment: Deployment
) -> None:
    usdc = deployment.asset("USDC")
    before = await chain.head()
    ask = BALANCE_OF.encode_call(STRANGER)

    async def held(block: int | None = None) -> int:
        return int.from_bytes(await chain.call(usdc.address, ask, block), "big")

    first = await held(before.number)
    await sender.mined(to=usdc.address, value=0, data=TRANSFER.encode_call(STRANGER, 5))
    assert await held(before.number) == first
    assert await held() == first + 5
