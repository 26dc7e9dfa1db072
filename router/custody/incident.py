"""Closing an incident: an operator accepts the differences of a reconciliation as they are.

Nothing else in the program makes an unexplained difference go away.
"""

from collections.abc import Iterable

import structlog

from router.custody.config import CustodyConfig
from router.custody.opening import CLEAN
from router.domain.custody import Break, BreakClass, ReconcileReport
from router.domain.errors import FailureError
from router.domain.ledger import (
    HOUSE_CAPITAL,
    SUSPENSE,
    Entry,
    Journal,
    JournalKind,
    PostedJournal,
    wallet_account,
)
from router.domain.market import BlockRef
from router.domain.settlement import IntentState
from router.ledger import post
from router.ports import Clock, Database, UnitOfWork

_log = structlog.get_logger(part="custody")
_BOOKED = frozenset({BreakClass.UNKNOWN_OUTFLOW, BreakClass.UNKNOWN_INFLOW})
_ACCEPTED = _BOOKED | {BreakClass.NONCE_MISMATCH, BreakClass.IN_FLIGHT}


async def close_incident(
    *,
    database: Database,
    clock: Clock,
    config: CustodyConfig,
    report: ReconcileReport,
    block: BlockRef,
    note: str,
) -> PostedJournal | None:
    """Book a report's unknown flows, adopt the chain's nonce, make its block clean, and thaw.

    What left is a loss of the house, what arrived goes to suspense. One transaction; the same
    report again changes nothing. `block` is the report's block as it stands on the chain now.

    Raises:
        FailureError: CHAIN_UNSTEADY, the report's block is gone: reconcile again; INCIDENT_OPEN,
            the report has breaks that are not flows (deposits to scan, orders or a ledger to
            mend), or foreign intents are to be abandoned first.
    """
    if block.hash != report.block_hash:
        raise FailureError(
            "CHAIN_UNSTEADY", f"Block {report.block_number} is gone; reconcile again."
        )
    others = sorted({found.break_class for found in report.breaks} - _ACCEPTED)
    if others:
        raise FailureError("INCIDENT_OPEN", f"Only flows can be accepted; mend first: {others}.")
    key = f"incident:{config.chain_id}:{report.block_hash}"
    entries = tuple(_entries(report.breaks))

    def close(uow: UnitOfWork) -> PostedJournal | None:
        intents = uow.settlement.intents(open_only=True)
        foreign = [i.intent_id for i, _ in intents if i.state is IntentState.FOREIGN]
        if foreign:
            raise FailureError(
                "INCIDENT_OPEN", f"Foreign intents have to be abandoned first: {foreign}."
            )
        for found in report.breaks:
            if found.break_class is BreakClass.NONCE_MISMATCH:
                uow.settlement.reserve_nonce(
                    config.chain_id, config.hot, found.chain_units, count=0
                )
        uow.custody.set_cursor(config.chain_id, block, CLEAN)
        uow.custody.freeze(thaw=True)
        if not entries:
            return None
        journal = Journal(key=key, kind=JournalKind.WRITE_OFF, entries=entries, memo=note)
        return post(uow.ledger, journal, clock.now_ms())

    posted = await database.write(close)
    _log.warning("incident_closed", block=report.block_number, breaks=len(report.breaks), note=note)
    return posted


def _entries(breaks: Iterable[Break]) -> Iterable[Entry]:
    for found in breaks:
        units = found.difference_units
        if found.break_class in _BOOKED and units:
            other = SUSPENSE if units > 0 else HOUSE_CAPITAL
            yield Entry(account=wallet_account(found.address), asset=found.asset, units=units)
            yield Entry(account=other, asset=found.asset, units=-units)
