"""A whole chain in memory behind the ports: blocks, a pool of pending transactions, tokens, faults.

Its rules are geth's where clients differ: a replacement needs 10 % more on both fees, a nonce gap
waits, and a reorganisation either returns transactions to the pool or loses them.
"""

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from router.domain.assets import NATIVE_ADDRESS, Asset, AssetRegistry
from router.domain.errors import FailureError, OrderRejected, OutcomeUnknown, VenueUnavailable
from router.domain.market import BlockRef
from router.domain.settlement import Log, PlanPermit, Receipt, TxRequest
from router.domain.transfers import TRANSFER_TOPIC, transfer_request

CHAIN_ID = 31337
GWEI = 10**9
HOT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
COLD = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
ALICE = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
STRANGER = "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"
EXECUTOR = "0x00000000000000000000000000000000000E0e0E"
SINK = "0x" + "51" * 20
COIN = Asset(symbol="ETH", decimals=18, chain_id=CHAIN_ID, address=NATIVE_ADDRESS)
USDC = Asset(symbol="USDC", decimals=6, chain_id=CHAIN_ID, address="0x" + "aa" * 20)
WETH = Asset(symbol="WETH", decimals=18, chain_id=CHAIN_ID, address="0x" + "bb" * 20)
FEE = Asset(symbol="FEE", decimals=18, chain_id=CHAIN_ID, address="0x" + "cc" * 20, routable=False)
REGISTRY = AssetRegistry([USDC, WETH, FEE])
FEE_TOKEN_BPS = 100
GAS_USED = 50_000
_TRANSFER = bytes.fromhex("a9059cbb")
_SWAP = b"swap"

_Balances = dict[tuple[str, str], int]  # (token, address), both lower case


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeTx:
    tx_hash: str
    sender: str
    to: str
    data: bytes
    value_wei: int
    gas_limit: int
    nonce: int
    max_fee_wei: int
    max_tip_wei: int


@dataclass(slots=True)
class FakeBlock:
    ref: BlockRef
    balances: _Balances
    nonces: dict[str, int]
    receipts: dict[str, Receipt]
    transactions: list[FakeTx]


def swap_call(sold: Asset, sold_units: int, bought: Asset, bought_units: int) -> bytes:
    fields = {
        "sold": sold.address.lower(),
        "sold_units": sold_units,
        "bought": bought.address.lower(),
        "bought_units": bought_units,
    }
    return _SWAP + json.dumps(fields).encode()


def sign(sender: str, request: TxRequest, nonce: int, fee: int, tip: int) -> tuple[str, bytes]:
    fields = {
        "sender": sender.lower(),
        "to": request.to.lower(),
        "data": request.data.hex(),
        "value_wei": request.value_wei,
        "gas_limit": request.gas_limit,
        "nonce": nonce,
        "max_fee_wei": fee,
        "max_tip_wei": tip,
    }
    raw = json.dumps(fields, sort_keys=True).encode()
    return "0x" + hashlib.sha256(raw).hexdigest(), raw


class FakeSigner:
    """Port `Signer` for one address; `refuses` makes it say no."""

    def __init__(self, address: str = HOT) -> None:
        self.address = address
        self.refuses = False
        self.signed: list[tuple[int, str]] = []

    def sign_transaction(
        self, request: TxRequest, *, chain_id: int, nonce: int, max_fee_wei: int, max_tip_wei: int
    ) -> tuple[str, bytes]:
        assert chain_id == CHAIN_ID
        if self.refuses:
            raise FailureError("SIGNER_REFUSED", "The signer refuses: it was told to.")
        tx_hash, raw = sign(self.address, request, nonce, max_fee_wei, max_tip_wei)
        self.signed.append((nonce, tx_hash))
        return tx_hash, raw

    def sign_plan_permit(self, permit: PlanPermit, *, chain_id: int) -> bytes:
        raise AssertionError(f"no permit is used here: {permit} on {chain_id}")


class FakeClock:
    """Port `Clock`: sleeping moves time at once."""

    def __init__(self) -> None:
        self.ms = 1_750_000_000_000

    def now_ms(self) -> int:
        return self.ms

    async def sleep_s(self, seconds: float) -> None:
        self.ms += max(1, round(seconds * 1000))


@dataclass(slots=True)
class Faults:
    """What goes wrong with the next calls."""

    lose_replies: int = 0
    refuse_sends: int = 0
    unreachable: bool = False
    die_on_the_wire: Exception | None = None


@dataclass(slots=True)
class FakeChain:
    """Ports `Chain` and `ChainAudit` over one in-memory chain."""

    automine: bool = True
    base_fee_wei: int = GWEI
    faults: Faults = field(default_factory=Faults)
    blocks: list[FakeBlock] = field(default_factory=list)
    pool: dict[tuple[str, int], FakeTx] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    known: dict[str, FakeTx] = field(default_factory=dict)
    forks: int = 0
    allowances: dict[tuple[str, str], int] = field(default_factory=dict)
    approval_logs: list[Log] = field(default_factory=list)

    def __post_init__(self) -> None:
        ref = BlockRef(
            number=0, hash="0x" + "00" * 32, parent_hash="", timestamp_s=0, base_fee_wei=GWEI
        )
        self.blocks.append(FakeBlock(ref=ref, balances={}, nonces={}, receipts={}, transactions=[]))

    # What a test does to the chain.

    def mint(self, asset: Asset, address: str, units: int) -> None:
        """Give units at the newest block, without a log, as a genesis file does."""
        key = (asset.address.lower(), address.lower())
        balances = self.blocks[-1].balances
        balances[key] = balances.get(key, 0) + units

    def units(self, asset: Asset, address: str) -> int:
        return self.blocks[-1].balances.get((asset.address.lower(), address.lower()), 0)

    def pay(self, asset: Asset, sender: str, to: str, units: int, *, mine: bool = True) -> str:
        """Send from an account of the outside world; return the hash."""
        request = transfer_request(asset, to, units, GAS_USED)
        nonce = self.blocks[-1].nonces.get(sender.lower(), 0)
        nonce += sum(1 for who, _ in self.pool if who == sender.lower())
        tx_hash, raw = sign(sender, request, nonce, 100 * GWEI, GWEI)
        tx = self._decode(raw, tx_hash)
        self.pool[tx.sender, tx.nonce] = tx
        if mine:
            self.mine()
        return tx_hash

    def mine(self, count: int = 1) -> None:
        for _ in range(count):
            self._mine_one()

    def reorg(self, depth: int, *, keep: bool) -> None:
        """Replace the newest blocks by as many empty ones; their transactions wait or are lost."""
        depth = min(depth, len(self.blocks) - 1)
        gone = [self.blocks.pop() for _ in range(depth)]
        self.forks += 1
        if keep:
            for block in reversed(gone):
                for tx in block.transactions:
                    self.pool.setdefault((tx.sender, tx.nonce), tx)
        waiting, self.pool = self.pool, {}
        self.mine(depth)
        self.pool = waiting

    def approve(self, contract: str, topic: str, *parties: str) -> None:
        """Let a contract tell of an approval in a block of its own; allowances are set apart."""
        self.mine()
        self.approval_logs.append(
            Log(
                address=contract.lower(),
                topics=(topic, *(_topic(party) for party in parties)),
                data=b"",
                ordinal=0,
                tx_hash=f"0x{len(self.approval_logs):064x}",
                block_number=self.blocks[-1].ref.number,
                block_hash=self.blocks[-1].ref.hash,
            )
        )

    def mine_any_ever_sent(self, pick: int) -> None:
        """Include one of the transactions that ever reached the network, if its nonce is free.

        A replaced or forgotten transaction is never gone: some node may still have it.
        """
        nonces = self.blocks[-1].nonces
        ready = [tx for tx in self.known.values() if tx.nonce == nonces.get(tx.sender, 0)]
        if ready:
            tx = ready[pick % len(ready)]
            self.pool[tx.sender, tx.nonce] = tx
        self.mine()

    def drop_pool(self) -> None:
        self.pool.clear()

    def mined_payments(self, asset: Asset, to: str) -> list[str]:
        """Return the hashes of successful transactions that paid an address, on this fork."""
        return [
            receipt.tx_hash
            for block in self.blocks
            for receipt in block.receipts.values()
            for log in receipt.logs
            if log.address == asset.address.lower() and log.topics[2] == _topic(to)
        ]

    # Port Chain.

    async def head(self) -> BlockRef:
        self._answer()
        return self.blocks[-1].ref

    async def block(self, number: int) -> BlockRef | None:
        self._answer()
        return self.blocks[number].ref if 0 <= number < len(self.blocks) else None

    async def send_raw(self, raw: bytes) -> None:
        self._answer()
        if self.faults.refuse_sends > 0:
            self.faults.refuse_sends -= 1
            raise VenueUnavailable("CHAIN_UNAVAILABLE", "connection refused")
        tx_hash = "0x" + hashlib.sha256(raw).hexdigest()
        tx = self._decode(raw, tx_hash)
        self.sent.append(tx_hash)
        self._accept(tx)
        if self.automine:
            self.mine()
        if self.faults.die_on_the_wire is not None:
            end, self.faults.die_on_the_wire = self.faults.die_on_the_wire, None
            raise end
        if self.faults.lose_replies > 0:
            self.faults.lose_replies -= 1
            raise OutcomeUnknown("OUTCOME_UNKNOWN", "the reply was lost")

    async def receipt(self, tx_hash: str) -> Receipt | None:
        self._answer()
        for block in reversed(self.blocks):
            if tx_hash in block.receipts:
                return block.receipts[tx_hash]
        return None

    async def nonce(self, address: str, block: int | None = None) -> int:
        self._answer()
        return self.blocks[-1 if block is None else block].nonces.get(address.lower(), 0)

    async def call(self, to: str, data: bytes, block: int | None = None) -> bytes:
        self._answer()
        assert block is None or block < len(self.blocks), block
        told = self.allowances.get((to.lower(), data[4:].hex()), 0)
        return told.to_bytes(32 if len(data) == 4 + 2 * 32 else 3 * 32)

    # Ports ChainAudit and ApprovalAudit.

    async def approvals(
        self, owner: str, contracts: Sequence[str], start: int, end: int
    ) -> list[Log]:
        self._answer()
        among = {contract.lower() for contract in contracts}
        return [
            log
            for log in self.approval_logs
            if start <= log.block_number <= end
            and log.address in among
            and log.topics[1] == _topic(owner)
        ]

    async def chain_id(self) -> int:
        self._answer()
        return CHAIN_ID

    async def balances(self, pairs: Sequence[tuple[str, Asset]], block: int) -> list[int]:
        self._answer()
        balances = self.blocks[block].balances
        return [balances.get((asset.address.lower(), who.lower()), 0) for who, asset in pairs]

    async def transfers(self, addresses: Sequence[str], start: int, end: int) -> list[Log]:
        self._answer()
        topics = {_topic(address) for address in addresses}
        return [
            log
            for block in self.blocks[start : end + 1]
            for receipt in block.receipts.values()
            for log in receipt.logs
            if topics & set(log.topics[1:])
        ]

    async def native_transfers(self, address: str, start: int, end: int) -> list[Log]:
        self._answer()
        logs = []
        for block in self.blocks[start : end + 1]:
            for tx in block.transactions:
                if tx.value_wei == 0 or not block.receipts[tx.tx_hash].status:
                    continue
                for ours, other, ordinal in ((tx.sender, tx.to, -1), (tx.to, tx.sender, 0)):
                    if ours == address.lower():
                        logs.append(self._coin_log(block.ref, tx, other, ordinal))
        return logs

    async def suggest_fees(self) -> tuple[int, int]:
        self._answer()
        return 2 * self.base_fee_wei + GWEI, GWEI

    async def estimate_gas(self, sender: str, request: TxRequest) -> int:
        self._answer()
        balances = dict(self.blocks[-1].balances)
        probe = self._decode(*reversed(sign(sender, request, 0, 0, 0)))
        if self._execute(balances, probe) is None:
            raise OrderRejected("ORDER_REJECTED", "The transaction would revert.")
        return GAS_USED

    # Inside.

    def _answer(self) -> None:
        if self.faults.unreachable:
            raise VenueUnavailable("CHAIN_UNAVAILABLE", "the node does not answer")

    def _decode(self, raw: bytes, tx_hash: str) -> FakeTx:
        fields = json.loads(raw)
        fields["data"] = bytes.fromhex(fields["data"])
        return FakeTx(tx_hash=tx_hash, **fields)

    def _accept(self, tx: FakeTx) -> None:
        if tx.nonce < self.blocks[-1].nonces.get(tx.sender, 0):
            raise OrderRejected("ORDER_REJECTED", "NONCE_TOO_LOW: nonce too low")
        if tx.max_fee_wei < self.base_fee_wei:
            raise OrderRejected("ORDER_REJECTED", "UNDERPRICED: max fee below base fee")
        there = self.pool.get((tx.sender, tx.nonce))
        if there is not None and there.tx_hash != tx.tx_hash:
            enough = (
                tx.max_fee_wei * 100 >= there.max_fee_wei * 110
                and tx.max_tip_wei * 100 >= there.max_tip_wei * 110
            )
            if not enough:
                raise OrderRejected("ORDER_REJECTED", "UNDERPRICED: replacement underpriced")
        self.pool[tx.sender, tx.nonce] = tx
        self.known[tx.tx_hash] = tx

    def _mine_one(self) -> None:
        parent = self.blocks[-1]
        number = parent.ref.number + 1
        seed = f"{parent.ref.hash}:{number}:{self.forks}"
        ref = BlockRef(
            number=number,
            hash="0x" + hashlib.sha256(seed.encode()).hexdigest(),
            parent_hash=parent.ref.hash,
            timestamp_s=number * 12,
            base_fee_wei=self.base_fee_wei,
        )
        block = FakeBlock(
            ref=ref,
            balances=dict(parent.balances),
            nonces=copy.copy(parent.nonces),
            receipts={},
            transactions=[],
        )
        for key in sorted(self.pool):
            tx = self.pool[key]
            if tx.nonce < block.nonces.get(tx.sender, 0):
                del self.pool[key]
            elif tx.nonce == block.nonces.get(tx.sender, 0) and tx.max_fee_wei >= self.base_fee_wei:
                del self.pool[key]
                self._include(block, tx)
        self.blocks.append(block)

    def _include(self, block: FakeBlock, tx: FakeTx) -> None:
        price = min(tx.max_fee_wei, block.ref.base_fee_wei + tx.max_tip_wei)
        cost = GAS_USED * price
        coin = (NATIVE_ADDRESS.lower(), tx.sender)
        block.balances[coin] = block.balances.get(coin, 0) - cost
        block.nonces[tx.sender] = tx.nonce + 1
        moved = self._execute(block.balances, tx)
        logs = tuple(
            Log(
                address=token,
                topics=(TRANSFER_TOPIC, _topic(source), _topic(target)),
                data=units.to_bytes(32),
                ordinal=at,
                tx_hash=tx.tx_hash,
                block_number=block.ref.number,
                block_hash=block.ref.hash,
            )
            for at, (token, source, target, units) in enumerate(moved or ())
        )
        block.receipts[tx.tx_hash] = Receipt(
            tx_hash=tx.tx_hash,
            block_number=block.ref.number,
            block_hash=block.ref.hash,
            status=moved is not None,
            gas_used=GAS_USED,
            gas_cost_wei=cost,
            logs=logs,
        )
        block.transactions.append(tx)

    def _execute(self, balances: _Balances, tx: FakeTx) -> list[tuple[str, str, str, int]] | None:
        """Return the (token, from, to, units) that a transaction logs; None when it reverts."""
        if tx.value_wei:
            coin = NATIVE_ADDRESS.lower()
            return [] if _move(balances, coin, tx.sender, tx.to, tx.value_wei) else None
        if tx.data.startswith(_TRANSFER):
            to, units = "0x" + tx.data[16:36].hex(), int.from_bytes(tx.data[36:68])
            if not _move(balances, tx.to, tx.sender, to, units):
                return None
            if tx.to == FEE.address.lower():
                # The log tells the gross amount, as the worst of such tokens do.
                assert _move(balances, tx.to, to, SINK, units * FEE_TOKEN_BPS // 10_000)
            return [(tx.to, tx.sender, to, units)]
        if tx.data.startswith(_SWAP):
            swap = json.loads(tx.data[4:])
            legs = [
                (swap["sold"], tx.sender, EXECUTOR.lower(), swap["sold_units"]),
                (swap["bought"], EXECUTOR.lower(), tx.sender, swap["bought_units"]),
            ]
            return legs if all(_move(balances, *leg) for leg in legs) else None
        return []

    def _coin_log(self, ref: BlockRef, tx: FakeTx, other: str, ordinal: int) -> Log:
        return Log(
            address=other,
            topics=(),
            data=tx.value_wei.to_bytes(32),
            ordinal=ordinal,
            tx_hash=tx.tx_hash,
            block_number=ref.number,
            block_hash=ref.hash,
        )


def _move(balances: _Balances, token: str, source: str, target: str, units: int) -> bool:
    have = balances.get((token, source), 0)
    if have < units:
        return False
    balances[token, source] = have - units
    balances[token, target] = balances.get((token, target), 0) + units
    return True


def _topic(address: str) -> str:
    return "0x" + address[2:].lower().rjust(64, "0")
