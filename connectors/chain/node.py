"""One EVM chain over JSON-RPC: the ports `Chain`, `ChainAudit` and `ApprovalAudit`.

Each exchange with the node has the deadline of its `JsonRpc`.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeVar

from connectors.chain.abi import load_contract
from connectors.chain.erc20 import BALANCE_OF, TRANSFER_TOPIC, address_topic, is_transfer
from connectors.chain.replies import refusal_of_send
from connectors.chain.rpc import (
    JsonRpc,
    RpcCall,
    RpcError,
    from_hex,
    from_quantity,
    to_hex,
    to_quantity,
)
from router.domain.assets import Asset
from router.domain.errors import FailureError, OrderRejected, VenueUnavailable
from router.domain.market import BlockRef
from router.domain.settlement import Log, Receipt, TxRequest
from router.domain.transfers import APPROVAL_TOPIC, PERMIT2_APPROVAL_TOPIC, PERMIT2_PERMIT_TOPIC

if TYPE_CHECKING:
    from connectors.chain.web3_sender import Web3Sender

GWEI: Final = 10**9
DEFAULT_TIP_FLOOR_WEI: Final = GWEI
# Providers bound the answer of one log query: by blocks, and by the length of a topic's list.
LOG_BLOCKS_PER_QUERY: Final = 2_000
ADDRESSES_PER_QUERY: Final = 200
FULL_BLOCKS_PER_BATCH: Final = 20
_APPROVAL_TOPICS: Final = (APPROVAL_TOPIC, PERMIT2_APPROVAL_TOPIC, PERMIT2_PERMIT_TOPIC)

Json = Any
T = TypeVar("T")


class _LogKey(NamedTuple):
    """What identifies a log on one fork of the chain; `log_index` counts within the block."""

    block_number: int
    block_hash: str
    tx_hash: str
    log_index: int


@contextmanager
def shaped_as(what: str) -> Iterator[None]:
    """Take an answer without the shape of the protocol for none.

    Raises:
        VenueUnavailable: CHAIN_UNAVAILABLE, the block met such an answer.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise VenueUnavailable(
            "CHAIN_UNAVAILABLE", f"The node's answer is not a {what}."
        ) from error


def _parsed(what: str, parse: Callable[[Json], T], answer: Json) -> T:
    with shaped_as(what):
        return parse(answer)


def parse_block(answer: Json) -> BlockRef:
    """Return the reference of an `eth_getBlockBy...` answer.

    Raises:
        VenueUnavailable: CHAIN_UNAVAILABLE, the answer is not a block.
    """

    def block(answer: Json) -> BlockRef:
        return BlockRef(
            number=from_quantity(answer["number"]),
            hash=answer["hash"].lower(),
            parent_hash=answer["parentHash"].lower(),
            timestamp_s=from_quantity(answer["timestamp"]),
            base_fee_wei=from_quantity(answer.get("baseFeePerGas") or "0x0"),
        )

    return _parsed("block", block, answer)


def parse_log(answer: Json, first_log_index: int) -> Log:
    """Return a log; `first_log_index` is the index in the block of its transaction's first log."""
    return Log(
        address=answer["address"].lower(),
        topics=tuple(topic.lower() for topic in answer["topics"]),
        data=from_hex(answer["data"]),
        ordinal=from_quantity(answer["logIndex"]) - first_log_index,
        tx_hash=answer["transactionHash"].lower(),
        block_number=from_quantity(answer["blockNumber"]),
        block_hash=answer["blockHash"].lower(),
    )


def parse_receipt(answer: Json) -> Receipt:
    """Return the receipt of an `eth_getTransactionReceipt` answer.

    Raises:
        VenueUnavailable: CHAIN_UNAVAILABLE, the answer is not a receipt.
    """

    def receipt(answer: Json) -> Receipt:
        gas_used = from_quantity(answer["gasUsed"])
        first = min((from_quantity(log["logIndex"]) for log in answer["logs"]), default=0)
        return Receipt(
            tx_hash=answer["transactionHash"].lower(),
            block_number=from_quantity(answer["blockNumber"]),
            block_hash=answer["blockHash"].lower(),
            status=from_quantity(answer["status"]) == 1,
            gas_used=gas_used,
            gas_cost_wei=gas_used * from_quantity(answer["effectiveGasPrice"]),
            logs=tuple(
                sorted(
                    (parse_log(log, first) for log in answer["logs"]),
                    key=lambda log: log.ordinal,
                )
            ),
        )

    return _parsed("receipt", receipt, answer)


async def require_chain_id(rpc: JsonRpc, chain_id: int) -> None:
    """Check that the node serves the chain.

    Raises:
        FailureError: CHAIN_MISMATCH.
        VenueUnavailable: CHAIN_UNAVAILABLE.
    """
    served = _parsed("chain id", from_quantity, await rpc.call("eth_chainId"))
    if served != chain_id:
        raise FailureError(
            "CHAIN_MISMATCH", f"The node serves chain {served}; configured is {chain_id}."
        )


def _sender_type() -> "type[Web3Sender]":
    # Readers never send, and web3 takes a while to import.
    from connectors.chain.web3_sender import Web3Sender  # noqa: PLC0415

    return Web3Sender


class RpcChain:
    """Port `Chain` over one node. Make it with `open`, which checks the chain id.

    Reads are raw JSON-RPC; transactions are sent by web3, which is imported with the first.
    """

    def __init__(self, rpc: JsonRpc) -> None:
        self._rpc = rpc
        self._sender: Web3Sender | None = None

    @classmethod
    async def open(cls, rpc: JsonRpc, chain_id: int) -> Self:
        """Return the chain after its id was checked.

        Raises:
            FailureError: CHAIN_MISMATCH.
            VenueUnavailable: CHAIN_UNAVAILABLE.
        """
        await require_chain_id(rpc, chain_id)
        return cls(rpc)

    async def head(self) -> BlockRef:
        return parse_block(await self._rpc.call("eth_getBlockByNumber", ["latest", False]))

    async def block(self, number: int) -> BlockRef | None:
        answer = await self._rpc.call("eth_getBlockByNumber", [to_quantity(number), False])
        return None if answer is None else parse_block(answer)

    async def send_raw(self, raw: bytes) -> None:
        """Broadcast; returns when the node has it or already knew it.

        Raises:
            TransactionRefused: the node refused; see its `reason`.
            VenueUnavailable: CHAIN_UNAVAILABLE, nothing was taken.
            OutcomeUnknown: no answer, or one that is in no table.
        """
        if self._sender is None:
            # In a thread, so that whatever else is going on does not wait for the import.
            sender_type = await asyncio.to_thread(_sender_type)
            self._sender = sender_type(self._rpc)
        try:
            await self._sender.send(raw)
        except RpcError as error:
            refusal = refusal_of_send(error)
            if refusal is not None:
                raise refusal from error

    async def receipt(self, tx_hash: str) -> Receipt | None:
        answer = await self._rpc.call("eth_getTransactionReceipt", [tx_hash])
        # Some nodes answer for a pending transaction with a receipt that has no block yet.
        if answer is None or (isinstance(answer, dict) and answer.get("blockHash") is None):
            return None
        return parse_receipt(answer)

    async def nonce(self, address: str, block: int | None = None) -> int:
        tag = "latest" if block is None else to_quantity(block)
        answer = await self._rpc.call("eth_getTransactionCount", [address, tag])
        return _parsed("nonce", from_quantity, answer)

    async def call(self, to: str, data: bytes, block: int | None = None) -> bytes:
        """Return the output of a read-only call; block None is the latest.

        Raises:
            RpcError: RPC_ERROR, the call reverted or the node does not have the block.
            VenueUnavailable: CHAIN_UNAVAILABLE.
        """
        tag = "latest" if block is None else to_quantity(block)
        answer = await self._rpc.call("eth_call", [{"to": to, "data": to_hex(data)}, tag])
        return _parsed("call result", from_hex, answer)


class RpcChainAudit:
    """Ports `ChainAudit` and `ApprovalAudit` over one node, perhaps another than `RpcChain`'s.

    `native_transfers` sees the value field of mined transactions. Coins that a contract moves by an
    internal call, such as a withdrawal from WETH, leave no trace in a block and are not seen: the
    hot wallet holds wrapped coins and never unwraps, and a difference is met as a break when
    balances are reconciled.
    """

    def __init__(self, rpc: JsonRpc, *, tip_floor_wei: int = DEFAULT_TIP_FLOOR_WEI) -> None:
        assert tip_floor_wei >= 0, tip_floor_wei
        self._rpc = rpc
        self._tip_floor_wei = tip_floor_wei

    @classmethod
    async def open(
        cls, rpc: JsonRpc, chain_id: int, *, tip_floor_wei: int = DEFAULT_TIP_FLOOR_WEI
    ) -> Self:
        """Return the audit after the node's chain id was checked.

        Raises:
            FailureError: CHAIN_MISMATCH.
            VenueUnavailable: CHAIN_UNAVAILABLE.
        """
        await require_chain_id(rpc, chain_id)
        return cls(rpc, tip_floor_wei=tip_floor_wei)

    async def chain_id(self) -> int:
        return _parsed("chain id", from_quantity, await self._rpc.call("eth_chainId"))

    async def balances(self, pairs: Sequence[tuple[str, Asset]], block: int) -> list[int]:
        """Return base units per (address, asset) at a block, in the order asked.

        Raises:
            RpcError: RPC_ERROR, the node does not have the block's state.
            VenueUnavailable: CHAIN_UNAVAILABLE, also when a token address has no token.
        """
        tag = to_quantity(block)
        answers = await self._rpc.batch([_balance_call(who, asset, tag) for who, asset in pairs])

        def units(answer: Json) -> int:
            # A quantity has at most 32 bytes; a token's answer exactly 32.
            return from_quantity(answer)

        return [_parsed("balance", units, answer) for answer in answers]

    async def transfers(self, addresses: Sequence[str], start: int, end: int) -> list[Log]:
        """Return ERC-20 Transfer logs from or to the addresses in blocks start..end inclusive.

        Each log comes once, in chain order, with its place within its own receipt.

        Raises:
            RpcError: RPC_ERROR, the node does not have all of the blocks.
            VenueUnavailable: CHAIN_UNAVAILABLE, also when the chain reorganised meanwhile.
        """
        queries: list[RpcCall] = []
        for first in range(start, end + 1, LOG_BLOCKS_PER_QUERY):
            last = min(end, first + LOG_BLOCKS_PER_QUERY - 1)
            for at in range(0, len(addresses), ADDRESSES_PER_QUERY):
                topics = [address_topic(a) for a in addresses[at : at + ADDRESSES_PER_QUERY]]
                queries.append(_log_query(first, last, [TRANSFER_TOPIC, topics]))
                queries.append(_log_query(first, last, [TRANSFER_TOPIC, None, topics]))
        answers = await self._rpc.batch(queries)
        with shaped_as("list of logs"):
            return await self._with_ordinals([log for answer in answers for log in answer])

    async def _with_ordinals(self, found: Sequence[Json]) -> list[Log]:
        """Place logs within their receipts: the index in the block changes when it is re-mined."""
        keys = {_log_key(log) for log in found}
        receipts = await self._receipts(sorted({key.tx_hash for key in keys}))
        placed = []
        for key in keys:
            receipt = receipts.get(key.tx_hash)
            if receipt is None or receipt["blockHash"].lower() != key.block_hash:
                raise VenueUnavailable(
                    "CHAIN_UNAVAILABLE",
                    f"The chain reorganised at block {key.block_number} while it was read.",
                )
            first = min(from_quantity(log["logIndex"]) for log in receipt["logs"])
            placed += [
                (key.block_number, key.log_index, parse_log(answer, first))
                for answer in receipt["logs"]
                if from_quantity(answer["logIndex"]) == key.log_index
            ]
        in_order = sorted(placed, key=lambda item: item[:2])
        return [log for _, _, log in in_order if is_transfer(log)]

    async def _receipts(self, tx_hashes: Sequence[str]) -> dict[str, Json]:
        answers = await self._rpc.batch([("eth_getTransactionReceipt", [h]) for h in tx_hashes])
        return {h: answer for h, answer in zip(tx_hashes, answers, strict=True) if answer}

    async def native_transfers(self, address: str, start: int, end: int) -> list[Log]:
        """Return plain coin transfers to or from `address` as logs with empty topics.

        `data` is the 32-byte value, `address` the counterparty (the created contract's if there is
        no recipient), ordinal 0 an inflow and -1 an outflow. Reverted transactions and those of
        no value move nothing and are left out; gas is in the receipts.

        Raises:
            VenueUnavailable: CHAIN_UNAVAILABLE, also when the chain reorganised meanwhile.
        """
        wanted = address.lower()
        moved: list[Json] = []
        for first in range(start, end + 1, FULL_BLOCKS_PER_BATCH):
            numbers = range(first, min(end, first + FULL_BLOCKS_PER_BATCH - 1) + 1)
            blocks = await self._rpc.batch(
                [("eth_getBlockByNumber", [to_quantity(n), True]) for n in numbers]
            )
            if None in blocks:
                raise VenueUnavailable(
                    "CHAIN_UNAVAILABLE", f"The node lacks a block of {start}..{end}."
                )
            with shaped_as("block with its transactions"):
                moved += [tx for b in blocks for tx in b["transactions"] if _moves_coin(tx, wanted)]
        receipts = await self._receipts([tx["hash"] for tx in moved])
        with shaped_as("receipt"):
            return [log for t in moved for log in _native_logs(t, receipts.get(t["hash"]), wanted)]

    async def approvals(
        self, owner: str, contracts: Sequence[str], start: int, end: int
    ) -> list[Log]:
        """Return the logs of `owner`'s approvals in the contracts, blocks start..end inclusive.

        `ordinal` is the place in the block.

        Raises:
            RpcError: RPC_ERROR, the node does not have all of the blocks.
            VenueUnavailable: CHAIN_UNAVAILABLE.
        """
        topics = [list(_APPROVAL_TOPICS), address_topic(owner)]
        queries: list[RpcCall] = []
        for first in range(start, end + 1, LOG_BLOCKS_PER_QUERY):
            last = min(end, first + LOG_BLOCKS_PER_QUERY - 1)
            for at in range(0, len(contracts), ADDRESSES_PER_QUERY):
                among = list(contracts[at : at + ADDRESSES_PER_QUERY])
                queries.append(_log_query(first, last, topics, among))
        answers = await self._rpc.batch(queries)
        with shaped_as("list of logs"):
            return [parse_log(log, 0) for answer in answers for log in answer]

    async def suggest_fees(self) -> tuple[int, int]:
        """Return (max_fee_wei, max_tip_wei): twice the base fee plus the tip, and the tip.

        The tip is the node's own suggestion, not below the floor.
        """
        block, tip = await self._rpc.batch(
            [("eth_getBlockByNumber", ["latest", False]), ("eth_maxPriorityFeePerGas", [])]
        )
        tip_wei = max(_parsed("tip", from_quantity, tip), self._tip_floor_wei)
        return 2 * parse_block(block).base_fee_wei + tip_wei, tip_wei

    async def estimate_gas(self, sender: str, request: TxRequest) -> int:
        """Return the gas a transaction would use on the latest state.

        Raises:
            OrderRejected: the call would revert; the message names our contract's own error.
            RpcError: RPC_ERROR, the node refused to estimate.
            VenueUnavailable: CHAIN_UNAVAILABLE.
        """
        call = {
            "from": sender,
            "to": request.to,
            "data": to_hex(request.data),
            "value": to_quantity(request.value_wei),
        }
        try:
            return _parsed(
                "quantity", from_quantity, await self._rpc.call("eth_estimateGas", [call])
            )
        except RpcError as error:
            if not error.is_revert:
                raise
            raise OrderRejected(
                "ORDER_REJECTED", f"The transaction would revert: {revert_reason(error)}."
            ) from error


def revert_reason(error: RpcError) -> str:
    """Return why a call reverted: the executor's own error, or the node's text."""
    decoded = load_contract("RouteExecutor").decode_error(error.revert_bytes)
    return error.rpc_message if decoded is None else str(decoded)


def _balance_call(address: str, asset: Asset, tag: str) -> RpcCall:
    if asset.is_native:
        return "eth_getBalance", [address, tag]
    data = to_hex(BALANCE_OF.encode_call(address))
    return "eth_call", [{"to": asset.address, "data": data}, tag]


def _log_query(
    first: int, last: int, topics: list[Json], addresses: list[str] | None = None
) -> RpcCall:
    query = {"fromBlock": to_quantity(first), "toBlock": to_quantity(last), "topics": topics}
    return "eth_getLogs", [query if addresses is None else {**query, "address": addresses}]


def _log_key(log: Json) -> _LogKey:
    return _LogKey(
        from_quantity(log["blockNumber"]),
        log["blockHash"].lower(),
        log["transactionHash"].lower(),
        from_quantity(log["logIndex"]),
    )


def _moves_coin(transaction: Json, address: str) -> bool:
    ends = {transaction["from"].lower(), (transaction.get("to") or "").lower()}
    return from_quantity(transaction["value"]) > 0 and address in ends


def _native_logs(transaction: Json, receipt: Json, address: str) -> list[Log]:
    block_hash = transaction["blockHash"].lower()
    if receipt is None or receipt["blockHash"].lower() != block_hash:
        raise VenueUnavailable(
            "CHAIN_UNAVAILABLE", "The chain reorganised while coin transfers were read."
        )
    sender = transaction["from"].lower()
    recipient = (transaction.get("to") or receipt["contractAddress"]).lower()
    if from_quantity(receipt["status"]) != 1 or sender == recipient:
        return []  # Nothing moved: a transfer to oneself changes no balance.
    return [
        Log(
            address=recipient if sender == address else sender,
            topics=(),
            data=from_quantity(transaction["value"]).to_bytes(32, "big"),
            ordinal=-1 if sender == address else 0,
            tx_hash=transaction["hash"].lower(),
            block_number=from_quantity(transaction["blockNumber"]),
            block_hash=block_hash,
        )
    ]
