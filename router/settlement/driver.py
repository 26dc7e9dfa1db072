"""Moves one intent through its states, as far as the world lets it go now."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from router.domain.errors import FailureError, RouterError
from router.domain.market import BlockRef
from router.domain.settlement import (
    Attempt,
    Intent,
    IntentKind,
    IntentState,
    Outcome,
    Receipt,
)
from router.ports import Chain, Clock, Database, SettleHandler, UnitOfWork
from router.settlement.broadcast import Broadcaster
from router.settlement.config import SettlementConfig
from router.settlement.evidence import EvidenceReader
from router.settlement.steps import Observer, Step

_log = structlog.get_logger(part="settlement")

_MAX_SHARING_A_BLOCK = 16
# The database itself failed: nothing was decided, so the pass may simply be done again.
STORAGE_CODES = frozenset({"BUSY", "STORAGE_ERROR"})


@dataclass(frozen=True, slots=True)
class Driver:
    """Each method ends in a durable state, so that a crash between any two lines is harmless."""

    database: Database
    chain: Chain
    broadcaster: Broadcaster
    evidence: EvidenceReader
    handlers: Mapping[IntentKind, SettleHandler]
    clock: Clock
    config: SettlementConfig
    observer: Observer
    _spent_since_ms: dict[str, int] = field(default_factory=dict)

    async def advance(self, intent_id: str) -> IntentState:
        """Take an intent as far as it goes without waiting; return its state.

        Raises:
            VenueUnavailable, TimeoutError: the node does not answer; nothing is lost, ask again.
        """
        previous = None
        while True:
            found = await self.database.read(lambda uow: uow.settlement.find(intent_id=intent_id))
            assert found is not None, intent_id
            intent, attempts = found
            if intent.state is previous or intent.state.is_final:
                return intent.state
            previous = intent.state
            await self._advance_once(intent, attempts)

    async def abandon(self, intent: Intent, attempts: Sequence[Attempt]) -> bool:
        """End a foreign intent without payment: its hold returns. False when that is not safe.

        It is safe once the nonce is spent at finality and no attempt of ours did it: then none of
        them can ever be mined.
        """
        if intent.state is not IntentState.FOREIGN or await self._mined(attempts) is not None:
            return False
        head = await self._head()
        final_block = head.number + 1 - self.config.confirmations
        if final_block < 0 or await self._nonce(intent.sender, final_block) <= intent.nonce:
            return False
        nothing = Receipt(
            tx_hash="",
            block_number=final_block,
            block_hash="",
            status=False,
            gas_used=0,
            gas_cost_wei=0,
            logs=(),
        )
        outcome = Outcome(
            intent=intent, receipt=nothing, movements=(), gas_asset=self.config.gas_asset
        )
        await self._finalise(intent, outcome, paid=False)
        return True

    async def _advance_once(self, intent: Intent, attempts: Sequence[Attempt]) -> None:
        match intent.state:
            case IntentState.RESERVED:
                await self.broadcaster.sign_first(intent)
            case IntentState.SIGNED:
                await self.broadcaster.send_first(intent, attempts[-1])
            case IntentState.BROADCAST:
                await self._watch(intent, attempts)
            case IntentState.MINED:
                await self._confirm(intent, attempts)
            case IntentState.FOREIGN:
                # An operator decides; but a reorganisation may have given us the nonce after all.
                mined = await self._mined(attempts)
                if mined is not None:
                    await self._set_mined(intent, mined[1])
            case IntentState.SETTLED | IntentState.REVERTED:
                return

    async def _watch(self, intent: Intent, attempts: Sequence[Attempt]) -> None:
        mined = await self._mined(attempts)
        if mined is None and await self._nonce(intent.sender) <= intent.nonce:
            self._spent_since_ms.pop(intent.intent_id, None)
            head = await self._head()
            await self.broadcaster.keep_alive(intent, attempts, head.number)
            return
        # The nonce is spent. Read again, nonce last: one of ours may have been mined in between,
        # and a reorganisation may have given the nonce back.
        mined = mined or await self._mined(attempts)
        if mined is not None:
            self._spent_since_ms.pop(intent.intent_id, None)
            await self._set_mined(intent, mined[1])
        elif await self._nonce(intent.sender) > intent.nonce:
            # A node may show a nonce some moments before the receipt that goes with it.
            since_ms = self._spent_since_ms.setdefault(intent.intent_id, self.clock.now_ms())
            if self.clock.now_ms() - since_ms >= self.config.foreign_after_ms:
                await self._set_foreign(intent)

    async def _confirm(self, intent: Intent, attempts: Sequence[Attempt]) -> None:
        mined = await self._mined(attempts)
        if mined is None:
            await self._set_reorganised(intent, attempts[-1])
            return
        attempt, receipt = mined
        head = await self._head()
        if receipt.block_number + self.config.confirmations > head.number + 1:
            return
        outcome: Outcome | None = None
        mismatch: FailureError | None = None
        try:
            outcome = await self.evidence.outcome(
                intent,
                receipt,
                cancelled=attempt.cancels,
                other_gas_wei=lambda: self._other_gas(intent, receipt),
            )
        except FailureError as error:
            if error.code != "EVIDENCE_MISMATCH":
                raise
            mismatch = error
        # Asked after the evidence was read: what was read across a reorganisation proves nothing,
        # and the next pass finds out where the transaction is now.
        block = await self._block(receipt.block_number)
        if block is None or block.hash != receipt.block_hash:
            return
        if mismatch is not None:
            await self._freeze(intent, mismatch.message)
        elif outcome is not None:
            await self._finalise(intent, outcome, paid=receipt.status and not attempt.cancels)

    async def _finalise(self, intent: Intent, outcome: Outcome, *, paid: bool) -> None:
        """Book the end and set the final state in one transaction."""
        handler = self.handlers[intent.kind]
        final = IntentState.SETTLED if paid else IntentState.REVERTED

        def book(uow: UnitOfWork) -> None:
            if paid:
                handler.settled(uow, outcome)
            else:
                handler.reverted(uow, outcome)
            uow.settlement.set_state(intent.intent_id, final)

        try:
            await self.database.write(book)
        except RouterError as error:
            if error.code in STORAGE_CODES:
                raise
            # A business "no" here means that chain and books cannot be brought together: the
            # money has moved, so the intent stays mined and nothing more is signed.
            await self._freeze(intent, f"{error.code}: {error.message}")
            return
        self.broadcaster.forget(intent.intent_id)
        self.observer(Step.SETTLED if paid else Step.REVERTED, intent.intent_id)

    async def _set_mined(self, intent: Intent, receipt: Receipt) -> None:
        block = await self._block(receipt.block_number)
        await self.database.write(
            lambda uow: uow.settlement.set_state(intent.intent_id, IntentState.MINED, block)
        )
        self.observer(Step.MINED, intent.intent_id)

    async def _set_reorganised(self, intent: Intent, attempt: Attempt) -> None:
        """Back to broadcast with the same raw bytes; the ledger has not moved yet."""
        _log.warning("transaction_reorganised", intent_id=intent.intent_id, tx=attempt.tx_hash)
        await self.database.write(
            lambda uow: uow.settlement.set_state(intent.intent_id, IntentState.BROADCAST)
        )
        self.observer(Step.REORGED, intent.intent_id)
        await self.broadcaster.resend(intent, attempt)

    async def _set_foreign(self, intent: Intent) -> None:
        reason = (
            f"nonce {intent.nonce} of {intent.sender} was used by a transaction that is not ours"
        )

        def record(uow: UnitOfWork) -> None:
            uow.settlement.set_state(intent.intent_id, IntentState.FOREIGN)
            uow.custody.freeze(reason)

        await self.database.write(record)
        _log.error("foreign_transaction", intent_id=intent.intent_id, nonce=intent.nonce)
        self.observer(Step.FOREIGN, intent.intent_id)

    async def _freeze(self, intent: Intent, reason: str) -> None:
        frozen = await self.database.read(lambda uow: uow.custody.freeze())
        if frozen is None:
            _log.error("settlement_mismatch", intent_id=intent.intent_id, reason=reason)
            await self.database.write(lambda uow: uow.custody.freeze(reason))

    async def _mined(self, attempts: Sequence[Attempt]) -> tuple[Attempt, Receipt] | None:
        """Return whichever attempt was mined: an older one may win over its replacement."""
        for attempt in reversed(attempts):
            async with asyncio.timeout(self.config.call_timeout_s):
                receipt = await self.chain.receipt(attempt.tx_hash)
            if receipt is not None:
                return attempt, receipt
        return None

    async def _other_gas(self, intent: Intent, receipt: Receipt) -> int:
        """Return the gas, in wei, of our other transactions in the receipt's block.

        Only near nonces can share a block: no more than that many are ever in flight.
        """
        everything = await self.database.read(lambda uow: uow.settlement.intents())
        total_wei = 0
        for other, attempts in everything:
            distance = abs(other.nonce - intent.nonce)
            if other.sender != intent.sender or not 0 < distance <= _MAX_SHARING_A_BLOCK:
                continue
            mined = await self._mined(attempts)
            if mined is not None and mined[1].block_hash == receipt.block_hash:
                total_wei += mined[1].gas_cost_wei
        return total_wei

    async def _block(self, number: int) -> BlockRef | None:
        async with asyncio.timeout(self.config.call_timeout_s):
            return await self.chain.block(number)

    async def _head(self) -> BlockRef:
        async with asyncio.timeout(self.config.call_timeout_s):
            return await self.chain.head()

    async def _nonce(self, address: str, block: int | None = None) -> int:
        async with asyncio.timeout(self.config.call_timeout_s):
            return await self.chain.nonce(address, block)
