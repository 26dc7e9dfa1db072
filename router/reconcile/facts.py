"""Reading both sides as of one block: the database in one snapshot, the chain while it stood."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from router.domain.assets import Asset
from router.domain.custody import Deposit, DepositState, HoldNeed
from router.domain.errors import FailureError
from router.domain.ledger import Hold, wallet_account
from router.domain.market import BlockRef
from router.domain.settlement import Attempt, Intent, Receipt
from router.domain.transfers import (
    Transfer,
    allowance_call,
    permit_allowance_call,
    read_approvals,
    read_native_transfers,
    read_transfers,
)
from router.ledger import LedgerAudit, verify
from router.ports import ApprovalAudit, Chain, ChainAudit, Database, UnitOfWork
from router.reconcile.config import HoldNeeds, ReconcileConfig

CLEAN = "clean"
_ATTEMPTS = 10
Place = tuple[str, Asset]  # (address, asset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How many base units of the hot wallet's asset a spender may move, against the most it should.

    `contract` is who lets it: the token itself or the permit contract.
    """

    contract: str
    spender: str
    asset: Asset
    units: int
    limit_units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Our side. `wallets` is base units per (address, asset) by the ledger."""

    wallets: Mapping[Place, int]
    open_intents: Sequence[tuple[Intent, tuple[Attempt, ...]]]
    next_nonce: int
    deposits: Sequence[Deposit]
    holds: Sequence[Hold]
    needs: Sequence[HoldNeed] | None
    audit: LedgerAudit
    clean: BlockRef | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnChain:
    """The chain's side at `head`. `mined` are the receipts of open intents, by intent id."""

    head: BlockRef
    wallets: Mapping[Place, int]
    nonce: int
    mined: Mapping[str, tuple[Attempt, Receipt]]
    allowances: Sequence[Allowance]
    orphaned: Sequence[Deposit]


@dataclass(frozen=True, slots=True)
class FactReader:
    """Reads books and chain so that they belong to the same moment."""

    database: Database
    chain: Chain
    audit: ChainAudit
    approvals: ApprovalAudit
    config: ReconcileConfig
    hold_needs: HoldNeeds | None

    async def read(self) -> tuple[Books, OnChain]:
        """Return both sides as of one block.

        The head is read before the books and again after the chain: when it is the same block,
        everything booked was on chain by then, and everything mined by then was in the books.

        Raises:
            FailureError: CHAIN_UNSTEADY, the head never stood still.
            VenueUnavailable, TimeoutError: the node does not answer.
        """
        for _ in range(_ATTEMPTS):
            head = await self._head()
            books = await self._books()
            async with asyncio.timeout(self.config.call_timeout_s * 4):
                on_chain = await self._on_chain(head, books)
            if (await self._head()).hash == head.hash:
                return books, on_chain
        raise FailureError("CHAIN_UNSTEADY", "The chain moved on each time it was compared.")

    async def transfers(self, books: Books, head: BlockRef) -> list[Transfer]:
        """Return all movements of our wallets since the last clean block, within the bound."""
        since = books.clean.number + 1 if books.clean is not None else 0
        start = max(since, head.number - self.config.max_search_blocks + 1, 0)
        if start > head.number:
            return []
        async with asyncio.timeout(self.config.call_timeout_s * 4):
            logs = await self.audit.transfers(self.config.addresses, start, head.number)
            found = read_transfers(logs)
            for address in self.config.addresses:
                coins = await self.audit.native_transfers(address, start, head.number)
                found += read_native_transfers(address, coins)
        return list(dict.fromkeys(found))  # A payment from one of ours to the other comes twice.

    async def known_hashes(self, hashes: frozenset[str]) -> frozenset[str]:
        """Return those of the transactions that are attempts of ours, as the database is now."""

        def known(uow: UnitOfWork) -> frozenset[str]:
            return frozenset(h for h in hashes if uow.settlement.find(tx_hash=h) is not None)

        return await self.database.read(known)

    async def gas_of(self, hashes: Iterable[str]) -> int:
        """Return what the transactions paid for gas together, in wei."""
        total_wei = 0
        for tx_hash in sorted(hashes):
            async with asyncio.timeout(self.config.call_timeout_s):
                receipt = await self.chain.receipt(tx_hash)
            total_wei += receipt.gas_cost_wei if receipt is not None else 0
        return total_wei

    async def _books(self) -> Books:
        chain_id, hot = self.config.chain_id, self.config.hot
        next_nonce = await self.database.write(
            lambda uow: uow.settlement.reserve_nonce(chain_id, hot, 0, count=0)
        )

        def look(uow: UnitOfWork) -> Books:
            totals = {(b.account, b.asset): b.total for b in uow.ledger.balances("asset/wallet")}
            wallets = {
                (address, asset): totals.get((wallet_account(address), asset.symbol), 0)
                for address in self.config.addresses
                for asset in self.config.assets
            }
            open_intents = [
                (intent, attempts)
                for intent, attempts in uow.settlement.intents(open_only=True)
                if intent.chain_id == chain_id and intent.sender == hot
            ]
            return Books(
                wallets=wallets,
                open_intents=open_intents,
                next_nonce=max([next_nonce, *(i.nonce + 1 for i, _ in open_intents)]),
                deposits=[d for d in uow.custody.deposits() if d.chain_id == chain_id],
                holds=uow.ledger.holds(),
                needs=None if self.hold_needs is None else tuple(self.hold_needs(uow)),
                audit=verify(uow.ledger),
                clean=uow.custody.cursor(chain_id, CLEAN),
            )

        return await self.database.read(look)

    async def _on_chain(self, head: BlockRef, books: Books) -> OnChain:
        places = [
            (address, asset) for address in self.config.addresses for asset in self.config.assets
        ]
        units = await self.audit.balances(places, head.number)
        mined = {}
        for intent, attempts in books.open_intents:
            for attempt in attempts:
                receipt = await self.chain.receipt(attempt.tx_hash)
                if receipt is not None and receipt.block_number <= head.number:
                    mined[intent.intent_id] = (attempt, receipt)
        return OnChain(
            head=head,
            wallets=dict(zip(places, units, strict=True)),
            nonce=await self.chain.nonce(self.config.hot),
            mined=mined,
            allowances=await self._allowances(books, head),
            orphaned=await self._orphaned(books, head),
        )

    async def _allowances(self, books: Books, head: BlockRef) -> list[Allowance]:
        """Ask after the spenders we know and after all that were named since the last clean block.

        Only what still stands counts, so that a revoked approval is over. There is no bound to the
        search: an approval must not be forgotten because it is old.
        """
        limits = {spender.lower(): units for spender, units in self.config.allowance_limits.items()}
        tokens = {a.address.lower(): a for a in self.config.assets if not a.is_native}
        asked = dict.fromkeys((token, token, spender) for token in tokens for spender in limits)
        since = books.clean.number + 1 if books.clean is not None else 0
        logs = await self.approvals.approvals(
            self.config.hot, [*tokens, *limits], since, head.number
        )
        for named in read_approvals(logs):
            if named.token in tokens and (
                named.contract in limits or named.contract == named.token
            ):
                asked[named.contract, named.token, named.spender] = None
        return [
            Allowance(
                contract=contract,
                spender=spender,
                asset=tokens[token],
                units=await self._allowance(contract, token, spender, head),
                limit_units=limits.get(spender, 0) if contract == token else 0,
            )
            for contract, token, spender in asked
        ]

    async def _allowance(self, contract: str, token: str, spender: str, head: BlockRef) -> int:
        hot = self.config.hot
        if contract == token:
            answer = await self.chain.call(token, allowance_call(hot, spender), head.number)
            return int.from_bytes(answer)
        call = permit_allowance_call(hot, token, spender)
        answer = await self.chain.call(contract, call, head.number)
        units, last_second = int.from_bytes(answer[:32]), int.from_bytes(answer[32:64])
        return units if last_second >= head.timestamp_s else 0

    async def _orphaned(self, books: Books, head: BlockRef) -> list[Deposit]:
        """Return the credited deposits since the last clean block whose block is gone."""
        since = books.clean.number if books.clean is not None else 0
        orphaned = []
        for deposit in books.deposits:
            if deposit.state is not DepositState.CREDITED or deposit.block_number < since:
                continue
            block = await self.chain.block(deposit.block_number)
            if deposit.block_number > head.number or (
                block is None or block.hash != deposit.block_hash
            ):
                orphaned.append(deposit)
        return orphaned

    async def _head(self) -> BlockRef:
        async with asyncio.timeout(self.config.call_timeout_s):
            return await self.chain.head()
