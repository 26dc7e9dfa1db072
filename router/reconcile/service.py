"""Reconciliation: read both sides, compare, record, freeze."""

import structlog

from router.domain.custody import Break, ReconcileReport
from router.ports import ApprovalAudit, Chain, ChainAudit, Clock, Database, UnitOfWork
from router.reconcile.compare import Comparison, freezing_reason, is_clean
from router.reconcile.config import HoldNeeds, ReconcileConfig
from router.reconcile.facts import CLEAN, FactReader, OnChain

_log = structlog.get_logger(part="reconcile")


class Reconciler:
    """Compares; never repairs. Scan deposits before each run, or the new ones are reported."""

    def __init__(
        self,
        *,
        database: Database,
        chain: Chain,
        audit: ChainAudit,
        approvals: ApprovalAudit,
        clock: Clock,
        config: ReconcileConfig,
        hold_needs: HoldNeeds | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._config = config
        self._facts = FactReader(database, chain, audit, approvals, config, hold_needs)

    async def run(self) -> ReconcileReport:
        """Compare everything at the chain's head and record what differs.

        An unknown outflow, a foreign nonce, a credited deposit that is gone or an unsound ledger
        freezes the signer in the same transaction that records the break. A run without breaks
        makes its block the last clean one.

        Raises:
            FailureError: CHAIN_UNSTEADY, the chain never stood still; nothing was recorded.
            VenueUnavailable, TimeoutError: the node does not answer; nothing was recorded.
        """
        breaks, on_chain = await self._compare()
        if not is_clean(breaks):
            # A node shows what a transaction did one piece after the other, and a deposit may be
            # scanned this very moment: judge once it is done.
            await self._clock.sleep_s(self._config.confirm_after_s)
            breaks, on_chain = await self._compare()
        return await self._record(breaks, on_chain)

    async def _compare(self) -> tuple[list[Break], OnChain]:
        books, on_chain = await self._facts.read()
        comparison = Comparison(self._config, books, on_chain)
        transfers = await self._facts.transfers(books, on_chain.head)
        own = await self._facts.known_hashes(frozenset(t.tx_hash for t in transfers))
        unexplained = comparison.unexplained(transfers, own)
        refill_gas_wei = await self._facts.gas_of(comparison.unbooked_refills(unexplained))
        now_ms = self._clock.now_ms()
        return comparison.breaks(unexplained, refill_gas_wei, now_ms), on_chain

    async def _record(self, breaks: list[Break], on_chain: OnChain) -> ReconcileReport:
        now_ms = self._clock.now_ms()
        reason = freezing_reason(breaks)

        def record(uow: UnitOfWork) -> bool:
            if breaks:
                uow.custody.record_breaks(breaks, now_ms)
            if is_clean(breaks):
                uow.custody.set_cursor(self._config.chain_id, on_chain.head, CLEAN)
            if reason is not None and uow.custody.freeze() is None:
                uow.custody.freeze(reason)
            return uow.custody.freeze() is not None

        frozen = await self._database.write(record)
        for found in breaks:
            _log.warning(
                "break_found",
                break_class=str(found.break_class),
                address=found.address,
                asset=found.asset,
                difference_units=found.difference_units,
                detail=found.detail,
            )
        return ReconcileReport(
            block_number=on_chain.head.number,
            block_hash=on_chain.head.hash,
            checked=len(on_chain.wallets),
            breaks=tuple(breaks),
            frozen=frozen,
        )
