"""Signing and sending the attempts of one intent: write first, then act."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog

from router.domain.errors import FailureError, OrderRejected, OutcomeUnknown, VenueUnavailable
from router.domain.settlement import Attempt, Intent, IntentState, TxRequest
from router.domain.transfers import PLAIN_TRANSFER_GAS
from router.ports import Chain, ChainAudit, Clock, Database, Signer, UnitOfWork
from router.settlement.config import SettlementConfig
from router.settlement.steps import Observer, Step

_log = structlog.get_logger(part="settlement")

# The word with which `Chain.send_raw` begins a refusal for too low a fee. The other refusals need
# no case here: a spent nonce shows in the watch over receipts and nonce, the rest waits its turn.
_UNDERPRICED = "UNDERPRICED"


@dataclass(slots=True)
class _Watch:
    """What this process remembers of an unmined intent; losing it only delays a resend."""

    sent_ms: int | None = None
    since_block: int | None = None
    bumps: int = 0
    underpriced: bool = False


@dataclass(slots=True)
class Broadcaster:
    """Puts attempts on the wire. All its writes come before the act that they announce."""

    database: Database
    chain: Chain
    audit: ChainAudit
    signer: Signer
    clock: Clock
    config: SettlementConfig
    observer: Observer
    _watches: dict[str, _Watch] = field(default_factory=dict)

    async def sign_first(self, intent: Intent) -> Attempt | None:
        """Sign and store the first attempt; None while the signer is frozen or refuses.

        An intent that was signed and not stored before a crash is signed anew: those bytes never
        left the process.
        """
        fees = self.config.fees.first(await self._suggested_fees())
        attempt = await self._signed(intent, fees, cancels=False)
        if attempt is None:
            return None

        def store(uow: UnitOfWork) -> None:
            uow.settlement.save_attempt(attempt)
            uow.settlement.set_state(intent.intent_id, IntentState.SIGNED)

        await self.database.write(store)
        self.observer(Step.STORED, intent.intent_id)
        return attempt

    async def send_first(self, intent: Intent, attempt: Attempt) -> bool:
        """Mark the attempt as sent, then send it; False while the signer is frozen."""
        if await self._frozen(intent):
            return False
        await self._transmit(intent, await self._mark_sent(attempt))
        return True

    async def keep_alive(self, intent: Intent, attempts: Sequence[Attempt], height: int) -> None:
        """Send an unmined intent again after silence, and raise its fees after enough blocks.

        The bytes sent again are the newest stored ones, never signed anew. A node that forgot the
        transaction takes it back, one that has it says so.
        """
        newest = attempts[-1]
        watch = self._watches.setdefault(intent.intent_id, _Watch())
        if newest.sent_ms is None:  # Stored just before a crash: never sent, so due now.
            await self._transmit(intent, await self._mark_sent(newest))
            return
        if watch.since_block is None:
            watch.since_block = height
        patience = self.config.rebump_after_blocks if watch.bumps else self.config.bump_after_blocks
        if watch.underpriced or height - watch.since_block >= patience:
            raised = await self.bump(intent, newest, cancels=newest.cancels)
            watch.since_block, watch.underpriced = height, False
            if raised is not None:
                watch.bumps += 1
                return
        now_ms = self.clock.now_ms()
        if watch.sent_ms is None or now_ms - watch.sent_ms >= self.config.resend_after_ms:
            await self._transmit(intent, newest)

    async def resend(self, intent: Intent, attempt: Attempt) -> None:
        """Send stored bytes again at once, after a reorganisation took them out of the chain."""
        self.forget(intent.intent_id)
        await self._transmit(intent, attempt)

    async def bump(self, intent: Intent, old: Attempt | None, *, cancels: bool) -> Attempt | None:
        """Replace an attempt by one with higher fees; the older one stays watched.

        None when the fees would pass the cap, the signer is frozen or refuses: the old bytes stay.
        """
        suggested = await self._suggested_fees()
        policy = self.config.fees
        fees = (
            policy.first(suggested)
            if old is None
            else policy.replacement((old.max_fee_wei, old.max_tip_wei), suggested)
        )
        if fees is None:
            assert old is not None, "a first fee is never above the cap"
            _log.warning("fee_cap_reached", intent_id=intent.intent_id, fee_wei=old.max_fee_wei)
            return None
        attempt = await self._signed(intent, fees, cancels=cancels)
        if attempt is None:
            return None

        def store(uow: UnitOfWork) -> None:
            uow.settlement.save_attempt(attempt)
            uow.settlement.set_state(intent.intent_id, IntentState.BROADCAST)

        await self.database.write(store)
        self.observer(Step.BUMPED, intent.intent_id)
        await self._transmit(intent, await self._mark_sent(attempt))
        return attempt

    def forget(self, intent_id: str) -> None:
        self._watches.pop(intent_id, None)

    def request_of(self, intent: Intent, *, cancels: bool) -> TxRequest:
        if not cancels:
            return intent.request
        return TxRequest(to=intent.sender, data=b"", value_wei=0, gas_limit=PLAIN_TRANSFER_GAS)

    async def _signed(
        self, intent: Intent, fees: tuple[int, int], *, cancels: bool
    ) -> Attempt | None:
        if await self._frozen(intent):
            return None
        try:
            tx_hash, raw = self.signer.sign_transaction(
                self.request_of(intent, cancels=cancels),
                chain_id=intent.chain_id,
                nonce=intent.nonce,
                max_fee_wei=fees[0],
                max_tip_wei=fees[1],
            )
        except FailureError as error:
            _log.warning("signing_refused", intent_id=intent.intent_id, code=error.code)
            return None
        self.observer(Step.SIGNED, intent.intent_id)
        return Attempt(
            tx_hash=tx_hash,
            intent_id=intent.intent_id,
            raw=raw,
            max_fee_wei=fees[0],
            max_tip_wei=fees[1],
            cancels=cancels,
        )

    async def _frozen(self, intent: Intent) -> bool:
        reason = await self.database.read(lambda uow: uow.custody.freeze())
        if reason is not None:
            _log.warning("signer_frozen", intent_id=intent.intent_id, reason=reason)
        return reason is not None

    async def _suggested_fees(self) -> tuple[int, int]:
        async with asyncio.timeout(self.config.call_timeout_s):
            return await self.audit.suggest_fees()

    async def _mark_sent(self, attempt: Attempt) -> Attempt:
        marked = replace(attempt, sent_ms=self.clock.now_ms())

        def mark(uow: UnitOfWork) -> None:
            uow.settlement.save_attempt(marked)
            uow.settlement.set_state(attempt.intent_id, IntentState.BROADCAST)

        await self.database.write(mark)
        self.observer(Step.MARKED, attempt.intent_id)
        return marked

    async def _transmit(self, intent: Intent, attempt: Attempt) -> None:
        """Send bytes whose sending is recorded. Whatever the reply, the intent stays broadcast:
        only a receipt or a spent nonce says what became of it."""
        watch = self._watches.setdefault(intent.intent_id, _Watch())
        watch.sent_ms = self.clock.now_ms()
        try:
            async with asyncio.timeout(self.config.call_timeout_s):
                await self.chain.send_raw(attempt.raw)
        except (OutcomeUnknown, VenueUnavailable, TimeoutError) as error:
            _log.warning("send_unanswered", intent_id=intent.intent_id, error=str(error))
        except OrderRejected as refusal:
            watch.underpriced = refusal.message.startswith(_UNDERPRICED)
            _log.warning("send_refused", intent_id=intent.intent_id, reason=refusal.message)
        else:
            await self._acknowledge(attempt)
        self.observer(Step.SENT, intent.intent_id)

    async def _acknowledge(self, attempt: Attempt) -> None:
        acked = replace(attempt, acked_ms=self.clock.now_ms())
        await self.database.write(lambda uow: uow.settlement.save_attempt(acked))
