"""Booking deposits whose block is deep enough, and taking back what the chain took back."""

import asyncio
from dataclasses import dataclass, replace
from functools import partial

import structlog

from router.custody.config import CustodyConfig
from router.domain.custody import Break, BreakClass, Deposit, DepositState
from router.domain.ledger import (
    HOUSE_CAPITAL,
    SUSPENSE,
    Entry,
    Journal,
    JournalKind,
    gas_entries,
    is_user,
    user_account,
    wallet_account,
)
from router.ledger import available_units, post
from router.ports import Chain, ChainAudit, Clock, Database, UnitOfWork

_log = structlog.get_logger(part="custody")


@dataclass(frozen=True, slots=True)
class _Side:
    """The account that a deposit is credited to, and why."""

    account: str
    kind: JournalKind


@dataclass(frozen=True, slots=True)
class Crediting:
    """The only place that books deposits."""

    database: Database
    chain: Chain
    audit: ChainAudit
    clock: Clock
    config: CustodyConfig

    async def credit_ripe(self, height: int) -> list[Deposit]:
        """Credit seen deposits with enough confirmations whose block still stands."""
        seen = await self.database.read(lambda uow: uow.custody.deposits(DepositState.SEEN))
        credited = []
        for deposit in seen:
            if deposit.block_number + self.config.confirmations > height + 1:
                continue
            async with asyncio.timeout(self.config.call_timeout_s):
                block = await self.chain.block(deposit.block_number)
            if block is None or block.hash != deposit.block_hash:
                continue  # The next scan sees that the chain has left this block, and rewinds.
            gas_wei = await self._gas_of_cold(deposit)
            if await self.database.write(partial(self._credit, deposit, gas_wei)):
                credited.append(replace(deposit, state=DepositState.CREDITED))
        return credited

    def take_back(self, uow: UnitOfWork, deposit: Deposit) -> bool:
        """Reverse a credit whose transaction is gone; False when the client has spent it.

        What cannot be taken back is a loss until an operator settles it: the signer freezes.
        """
        side = self._side(deposit)
        short = (
            is_user(side.account)
            and available_units(uow.ledger, side.account, deposit.asset.symbol) < deposit.units
        )
        if short:
            detail = f"{deposit.tx_hash} left the chain after {side.account} had spent it"
            _log.error("phantom_deposit", tx=deposit.tx_hash, units=deposit.units)
            self._record(uow, deposit, BreakClass.PHANTOM_DEPOSIT, detail, freezes=True)
            uow.custody.freeze(detail)
            return False
        key = self._key(uow, deposit)
        credit = uow.ledger.journal_by_key(key)
        assert credit is not None, key
        journal = Journal(
            key=f"{key}:reversal",
            kind=JournalKind.REVERSAL,
            entries=tuple(replace(e, units=-e.units) for e in credit[0].journal.entries),
            memo=f"{deposit.tx_hash} left the chain",
            reference=deposit.tx_hash,
        )
        post(uow.ledger, journal, self.clock.now_ms())
        return True

    def _credit(self, deposit: Deposit, gas_wei: int, uow: UnitOfWork) -> bool:
        current = next((d for d in uow.custody.deposits(DepositState.SEEN) if d == deposit), None)
        if current is None:
            return False
        side = self._side(deposit)
        cold = wallet_account(self.config.cold)
        journal = Journal(
            key=self._key(uow, deposit),
            kind=side.kind,
            entries=(
                Entry(
                    account=wallet_account(self.config.hot),
                    asset=deposit.asset.symbol,
                    units=deposit.units,
                ),
                Entry(account=side.account, asset=deposit.asset.symbol, units=-deposit.units),
                *gas_entries(cold, self.config.coin.symbol, gas_wei),
            ),
            memo=f"from {deposit.sender}",
            reference=deposit.tx_hash,
        )
        post(uow.ledger, journal, self.clock.now_ms())
        uow.custody.save_deposit(replace(deposit, state=DepositState.CREDITED))
        if side.kind is JournalKind.SUSPENSE:
            detail = f"{deposit.tx_hash} from {deposit.sender}, which belongs to no account"
            self._record(uow, deposit, BreakClass.UNKNOWN_INFLOW, detail, freezes=False)
        return True

    def _side(self, deposit: Deposit) -> _Side:
        if deposit.sender.lower() == self.config.cold.lower():
            return _Side(wallet_account(self.config.cold), JournalKind.REFILL)
        if deposit.account:
            return _Side(user_account(deposit.account), JournalKind.DEPOSIT)
        if self.config.is_capital_source(deposit.sender):
            return _Side(HOUSE_CAPITAL, JournalKind.CAPITAL)
        return _Side(SUSPENSE, JournalKind.SUSPENSE)

    def _key(self, uow: UnitOfWork, deposit: Deposit) -> str:
        """Return the key of the credit that stands, or of the next one when none stands.

        A transaction that was taken back may be mined again: its second credit has a key of its
        own, and only after the reversal of the first.
        """
        stem = f"deposit:{deposit.chain_id}:{deposit.tx_hash}:{deposit.ordinal}"
        key, count = stem, 0
        while uow.ledger.journal_by_key(f"{key}:reversal") is not None:
            count += 1
            key = f"{stem}:{count}"
        return key

    async def _gas_of_cold(self, deposit: Deposit) -> int:
        """Return what the cold wallet paid for its refill, in wei; 0 when another account paid.

        The wallet that moved tokens need not have sent the transaction: its coin balance tells.
        """
        if deposit.sender.lower() != self.config.cold.lower():
            return 0
        pair = [(self.config.cold, self.config.coin)]
        async with asyncio.timeout(self.config.call_timeout_s):
            receipt = await self.chain.receipt(deposit.tx_hash)
            (after,) = await self.audit.balances(pair, deposit.block_number)
            (before,) = await self.audit.balances(pair, deposit.block_number - 1)
        moved_wei = deposit.units if deposit.asset.is_native else 0
        if receipt is None or before - after < moved_wei + receipt.gas_cost_wei:
            return 0
        return receipt.gas_cost_wei

    def _record(
        self, uow: UnitOfWork, deposit: Deposit, kind: BreakClass, detail: str, *, freezes: bool
    ) -> None:
        arrived = kind is BreakClass.UNKNOWN_INFLOW
        found = Break(
            break_class=kind,
            chain_id=deposit.chain_id,
            address=self.config.hot,
            asset=deposit.asset.symbol,
            chain_units=deposit.units if arrived else 0,
            ledger_units=0 if arrived else deposit.units,
            block_number=deposit.block_number,
            detail=detail,
            freezes=freezes,
        )
        uow.custody.record_breaks([found], self.clock.now_ms())
