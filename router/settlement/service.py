"""Settlement: intents in, final outcomes out, one nonce order, one writer."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from router.domain.assets import AssetRegistry
from router.domain.errors import FailureError, UsageError, VenueUnavailable
from router.domain.settlement import Attempt, Intent, IntentKind, IntentSpec, IntentState
from router.ports import Chain, ChainAudit, Clock, Database, SettleHandler, Signer, UnitOfWork
from router.settlement.broadcast import Broadcaster
from router.settlement.config import SettlementConfig
from router.settlement.driver import STORAGE_CODES, Driver
from router.settlement.evidence import EvidenceReader
from router.settlement.steps import Observer, Step, ignore_steps

_log = structlog.get_logger(part="settlement")

# No account can ever reach this nonce (EIP-2681 ends one below): what is signed for it to try the
# signer's policy is worthless for ever.
_UNREACHABLE_NONCE = 2**64 - 1
_UNSENT = frozenset({IntentState.RESERVED, IntentState.SIGNED})
_UNMINED = _UNSENT | {IntentState.BROADCAST}
_AT_REST = frozenset({IntentState.SETTLED, IntentState.REVERTED, IntentState.FOREIGN})

Within = Callable[[UnitOfWork, Intent], None]


@dataclass(frozen=True, slots=True)
class _ForeignNonce:
    """The chain has used a nonce that this database never gave out."""

    chain_nonce: int
    next_nonce: int


class SettlementService:
    """Sends transactions of one hot wallet on one chain. See `docs/operations/settlement.md`.

    Run one instance per (chain, wallet): the data directory's lock keeps a second process out.
    """

    def __init__(
        self,
        *,
        database: Database,
        chain: Chain,
        audit: ChainAudit,
        signer: Signer,
        clock: Clock,
        config: SettlementConfig,
        registry: AssetRegistry,
        handlers: Mapping[IntentKind, SettleHandler],
        observer: Observer = ignore_steps,
    ) -> None:
        self._database = database
        self._chain = chain
        self._signer = signer
        self._clock = clock
        self._config = config
        self._handlers = dict(handlers)
        self._observer = observer
        self._audit = audit
        self._broadcaster = Broadcaster(
            database=database,
            chain=chain,
            audit=audit,
            signer=signer,
            clock=clock,
            config=config,
            observer=observer,
        )
        self._driver = Driver(
            database=database,
            chain=chain,
            broadcaster=self._broadcaster,
            evidence=EvidenceReader(audit, registry, config.gas_asset, config.call_timeout_s),
            handlers=self._handlers,
            clock=clock,
            config=config,
            observer=observer,
        )
        self._one_writer = asyncio.Lock()

    @property
    def address(self) -> str:
        return self._signer.address

    async def submit(self, spec: IntentSpec, within: Within | None = None) -> Intent:
        """Write the intent, its nonce and what `within` does (holds) in one transaction.

        Nothing is sent yet: `result`, `step` or `run` drive it. The same `spec` again returns the
        first intent, whatever became of it, and does not call `within`.

        Raises:
            UsageError: IDEMPOTENCY_CONFLICT, the key was used with another payload.
            FailureError: SIGNER_FROZEN, SIGNER_REFUSED, or what `within` raised; nothing is kept.
            VenueUnavailable, TimeoutError: the node does not answer; nothing is kept.
        """
        assert spec.kind in self._handlers, spec.kind
        intent_id = _intent_id(self._config.chain_id, spec)
        found = await self._database.read(lambda uow: uow.settlement.find(intent_id=intent_id))
        if found is not None:
            return _same_payload(found[0], spec)
        await self._require_signable(spec)
        async with asyncio.timeout(self._config.call_timeout_s):
            chain_nonce = await self._chain.nonce(self.address)

        def reserve(uow: UnitOfWork) -> Intent | _ForeignNonce:
            return self._reserve(uow, spec, intent_id, chain_nonce, within)

        reserved = await self._database.write(reserve)
        if isinstance(reserved, _ForeignNonce):
            raise await self._frozen_for(reserved)
        self._observer(Step.RESERVED, intent_id)
        return reserved

    async def result(self, intent_id: str) -> Intent:
        """Drive until the intent is final or foreign; the caller sets the deadline.

        Giving up waiting changes nothing: the intent lives on and `resume` finishes it.

        Raises:
            FailureError: NOT_FOUND.
        """
        while True:
            intent = (await self._find(intent_id))[0]
            if intent.state in _AT_REST:
                return intent
            await self._step_unless_unreachable()
            intent = (await self._find(intent_id))[0]
            if intent.state in _AT_REST:
                return intent
            await self._clock.sleep_s(self._config.poll_interval_s)

    async def step(self) -> int:
        """Advance every open intent as far as it goes now, in nonce order; return how many stay.

        Foreign ones are not counted: they wait for an operator (`abandon`).

        Raises:
            VenueUnavailable, TimeoutError: the node does not answer; nothing is lost.
        """
        async with self._one_writer:
            in_flight = still_open = 0
            for intent, _ in await self._open_intents():
                state = intent.state
                may_send = in_flight < self._config.max_in_flight
                if state not in _UNSENT or may_send:
                    state = await self._advance(intent)
                in_flight += state in _UNMINED
                still_open += state not in _AT_REST
            return still_open

    async def run(self) -> None:
        """Drive for ever; end it by cancelling. An unreachable node is tried again."""
        while True:
            await self._step_unless_unreachable()
            await self._clock.sleep_s(self._config.poll_interval_s)

    async def resume(self, wait_s: float = 30.0) -> int:
        """Finish what an earlier run began; call it before any new intent. Return what stays open.

        Twice in a row is harmless. The chain's nonce is compared with the database first: a chain
        that knows more than we do (restored backup, stolen key) or less (reset chain) freezes the
        signer before anything is signed.

        Raises:
            FailureError: CHAIN_MISMATCH, the node serves another chain.
            VenueUnavailable, TimeoutError: the node does not answer.
        """
        async with asyncio.timeout(self._config.call_timeout_s):
            served = await self._audit.chain_id()
        if served != self._config.chain_id:
            raise FailureError(
                "CHAIN_MISMATCH",
                f"The node serves chain {served}; settlement is for {self._config.chain_id}.",
            )
        await self._compare_nonces()
        give_up_ms = self._clock.now_ms() + int(wait_s * 1000)
        while True:
            still_open = await self.step()
            if not still_open or self._clock.now_ms() >= give_up_ms:
                return still_open
            await self._clock.sleep_s(self._config.poll_interval_s)

    async def cancel(self, intent_id: str) -> Intent:
        """Ask for an unmined intent's nonce to be used up by a transfer of nothing to ourselves.

        Whichever is mined first decides: `result` tells. Only the mined cancellation returns the
        hold, at its finality.

        Raises:
            FailureError: NOT_FOUND; SIGNER_REFUSED when it is mined already, its fees cannot be
                raised within the cap, or the signer is frozen.
        """
        async with self._one_writer:
            intent, attempts = await self._find(intent_id)
            newest = attempts[-1] if attempts else None
            done = None
            if intent.state in _UNMINED:
                if newest is not None and newest.cancels:
                    return intent
                done = await self._broadcaster.bump(intent, newest, cancels=True)
        if done is None:
            raise FailureError("SIGNER_REFUSED", f"Intent {intent_id} cannot be cancelled now.")
        return (await self._find(intent_id))[0]

    async def abandon(self, intent_id: str) -> Intent:
        """End a foreign intent, whose nonce somebody else has used for good; its hold returns.

        An operator's act, after the cause is understood: see `docs/operations/settlement.md`.

        Raises:
            FailureError: NOT_FOUND; SIGNER_REFUSED when the intent is not foreign, or its nonce is
                not yet spent at finality, so that it could still be paid.
        """
        async with self._one_writer:
            intent, attempts = await self._find(intent_id)
            if not await self._driver.abandon(intent, attempts):
                raise FailureError(
                    "SIGNER_REFUSED", f"Intent {intent_id} may still be paid: it is {intent.state}."
                )
        return (await self._find(intent_id))[0]

    def _reserve(
        self,
        uow: UnitOfWork,
        spec: IntentSpec,
        intent_id: str,
        chain_nonce: int,
        within: Within | None,
    ) -> Intent | _ForeignNonce:
        """Inside one transaction: nonce, intent, hold. Either all of it is kept or nothing."""
        found = uow.settlement.find(intent_id=intent_id)
        if found is not None:
            return _same_payload(found[0], spec)
        chain_id = self._config.chain_id
        next_nonce = uow.settlement.reserve_nonce(chain_id, self.address, 0, count=0)
        if chain_nonce > next_nonce:
            return _ForeignNonce(chain_nonce, next_nonce)
        nonce = uow.settlement.reserve_nonce(chain_id, self.address, chain_nonce)
        self._observer(Step.NUMBERED, intent_id)
        intent = Intent(
            intent_id=intent_id,
            kind=spec.kind,
            state=IntentState.RESERVED,
            chain_id=chain_id,
            sender=self.address,
            nonce=nonce,
            request=spec.request,
            reference=spec.reference,
            hold_id=spec.hold_id,
            details=spec.details,
            created_ms=self._clock.now_ms(),
        )
        uow.settlement.add_intent(intent)
        if within is not None:
            within(uow, intent)
        self._observer(Step.HELD, intent_id)
        return intent

    async def _require_signable(self, spec: IntentSpec) -> None:
        """Ask freeze and policy before a nonce is taken: a nonce that cannot be signed for would
        block all later ones. The fee asked with is the highest that may ever be offered."""
        reason = await self._database.read(lambda uow: uow.custody.freeze())
        if reason is not None:
            raise FailureError("SIGNER_FROZEN", f"The signer is frozen: {reason}.")
        self._signer.sign_transaction(
            spec.request,
            chain_id=self._config.chain_id,
            nonce=_UNREACHABLE_NONCE,
            max_fee_wei=self._config.fees.cap_wei,
            max_tip_wei=0,
        )

    async def _compare_nonces(self) -> None:
        async with asyncio.timeout(self._config.call_timeout_s):
            chain_nonce = await self._chain.nonce(self.address)
        chain_id, address = self._config.chain_id, self.address
        next_nonce = await self._database.write(
            lambda uow: uow.settlement.reserve_nonce(chain_id, address, 0, count=0)
        )
        lowest_open = min((i.nonce for i, _ in await self._open_intents()), default=next_nonce)
        if not lowest_open <= chain_nonce <= next_nonce:
            await self._frozen_for(_ForeignNonce(chain_nonce, next_nonce))

    async def _frozen_for(self, found: _ForeignNonce) -> FailureError:
        reason = (
            f"{self.address} has nonce {found.chain_nonce} on chain, our records lead to "
            f"{found.next_nonce}"
        )
        _log.error("nonce_mismatch", chain=found.chain_nonce, ours=found.next_nonce)
        await self._database.write(lambda uow: uow.custody.freeze(reason))
        return FailureError("SIGNER_FROZEN", f"The signer is frozen: {reason}.")

    async def _advance(self, intent: Intent) -> IntentState:
        """Advance one intent; what is wrong with it alone must not hold up the others."""
        try:
            return await self._driver.advance(intent.intent_id)
        except VenueUnavailable:
            raise
        except FailureError as error:
            if error.code in STORAGE_CODES:
                raise
            _log.error(
                "intent_not_advanced",
                intent_id=intent.intent_id,
                code=error.code,
                reason=error.message,
            )
            return intent.state

    async def _step_unless_unreachable(self) -> None:
        try:
            await self.step()
        except (VenueUnavailable, TimeoutError) as error:
            _log.warning("chain_unreachable", error=str(error) or type(error).__name__)

    async def _open_intents(self) -> list[tuple[Intent, tuple[Attempt, ...]]]:
        found = await self._database.read(lambda uow: uow.settlement.intents(open_only=True))
        mine = (self._config.chain_id, self.address)
        return [pair for pair in found if (pair[0].chain_id, pair[0].sender) == mine]

    async def _find(self, intent_id: str) -> tuple[Intent, Sequence[Attempt]]:
        found = await self._database.read(lambda uow: uow.settlement.find(intent_id=intent_id))
        if found is None:
            raise FailureError("NOT_FOUND", f"There is no intent {intent_id}.")
        return found


def _intent_id(chain_id: int, spec: IntentSpec) -> str:
    """Derive the id from the key, so that asking twice can never make two."""
    digest = hashlib.sha256(f"{chain_id}:{spec.kind}:{spec.key}".encode()).hexdigest()
    return f"{spec.kind}-{digest[:24]}"


def _same_payload(intent: Intent, spec: IntentSpec) -> Intent:
    # The gas limit is not compared: it is an estimate, which another block may answer otherwise.
    limit = spec.request.gas_limit
    theirs = (intent.reference, intent.hold_id, intent.details)
    if theirs != (spec.reference, spec.hold_id, spec.details) or spec.request != replace(
        intent.request, gas_limit=limit
    ):
        raise UsageError(
            "IDEMPOTENCY_CONFLICT", f"The key {spec.key!r} was used before with another payload."
        )
    return intent
