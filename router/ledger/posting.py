"""Posting journals: idempotent by key, never overdrawing a client, spending holds on the way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from router.domain.errors import FailureError, UsageError
from router.domain.ledger import Hold, HoldState, Journal, PostedJournal, is_user, natural_units
from router.ledger.canonical import fingerprint
from router.ledger.holds import balance_of, find_hold
from router.ports import LedgerStore

_Place = tuple[str, str]  # (account, asset)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldSpend:
    """How a journal draws on a hold: `units` >= 0 of it are spent.

    With `ends` the hold is over and what is left returns to the account; without, the hold stays
    pending with what is left, which may be nothing.
    """

    hold_id: str
    units: int
    ends: bool = True


def post(
    store: LedgerStore, journal: Journal, now_ms: int, spends: Sequence[HoldSpend] = ()
) -> PostedJournal:
    """Append a balanced journal and draw on the holds that pay for it, all or nothing.

    Idempotent by `journal.key`: the same journal with the same spends returns the original and
    changes nothing. A refused journal leaves no trace, so its key may be tried again.

    What a journal takes out of a client's account must be available or come from a spent hold.
    Wallet and house accounts are never refused: their journals report what already happened.

    Raises:
        UsageError: IDEMPOTENCY_CONFLICT when the key was used with another payload, or a hold has
            ended in another way.
        FailureError: INSUFFICIENT_BALANCE when a client's available balance would be negative or a
            hold is smaller than its spend; NOT_FOUND when a hold does not exist.
    """
    mark = fingerprint(journal, [(s.hold_id, s.units, s.ends) for s in spends])
    found = store.journal_by_key(journal.key)
    if found is not None:
        original, original_mark = found
        if original_mark != mark:
            raise UsageError(
                "IDEMPOTENCY_CONFLICT", f"Journal {journal.key} exists with another payload."
            )
        return original
    drawn = _drawn_holds(store, spends)
    deltas = _natural_deltas(journal)
    _require_spends_leave(journal, deltas, spends, drawn)
    _require_covered(store, deltas, drawn)
    for _, after in drawn:
        store.save_hold(after)
    return store.append(journal, mark, now_ms)


def post_hold(store: LedgerStore, hold_id: str, journal: Journal, now_ms: int) -> PostedJournal:
    """Post a journal that is paid from a hold and end the hold; the remainder returns.

    What the journal takes out of the hold's account in the hold's asset (net) is spent from the
    hold. Idempotent by `journal.key` together with the hold.

    Raises:
        UsageError: IDEMPOTENCY_CONFLICT when the key or the hold was used otherwise.
        FailureError: INSUFFICIENT_BALANCE when the journal takes more than the hold has left;
            NOT_FOUND.
    """
    hold = find_hold(store, hold_id)
    taken = max(0, -_natural_deltas(journal).get((hold.account, hold.asset), 0))
    return post(store, journal, now_ms, [HoldSpend(hold_id=hold_id, units=taken)])


def available_units(store: LedgerStore, account: str, asset: str) -> int:
    """Return what an account can spend, in base units: its balance less the open holds."""
    return balance_of(store, account, asset).available


def _drawn_holds(store: LedgerStore, spends: Sequence[HoldSpend]) -> list[tuple[Hold, Hold]]:
    """Return each spent hold before and after."""
    assert len({s.hold_id for s in spends}) == len(spends), "a hold is spent twice in one journal"
    drawn = []
    for spend in spends:
        assert spend.units >= 0, spend.hold_id
        hold = find_hold(store, spend.hold_id)
        if hold.state is not HoldState.PENDING:
            raise UsageError(
                "IDEMPOTENCY_CONFLICT", f"Hold {hold.hold_id} has ended ({hold.state}) already."
            )
        if spend.units > hold.remaining_units:
            raise FailureError(
                "INSUFFICIENT_BALANCE",
                f"Hold {hold.hold_id} has {hold.remaining_units} base units left, "
                f"the journal takes {spend.units}.",
            )
        after = replace(
            hold,
            posted_units=hold.posted_units + spend.units,
            state=HoldState.POSTED if spend.ends else HoldState.PENDING,
        )
        drawn.append((hold, after))
    return drawn


def _natural_deltas(journal: Journal) -> dict[_Place, int]:
    """Return the change of each balance in its normal direction."""
    deltas: dict[_Place, int] = {}
    for entry in journal.entries:
        place = (entry.account, entry.asset)
        deltas[place] = deltas.get(place, 0) + natural_units(entry.account, entry.units)
    return deltas


def _require_spends_leave(
    journal: Journal,
    deltas: dict[_Place, int],
    spends: Sequence[HoldSpend],
    drawn: Sequence[tuple[Hold, Hold]],
) -> None:
    """A spend is money that leaves the account in this journal, not a silent release."""
    spent: dict[_Place, int] = {}
    for spend, (hold, _) in zip(spends, drawn, strict=True):
        place = (hold.account, hold.asset)
        spent[place] = spent.get(place, 0) + spend.units
    for place, units in spent.items():
        if units > max(0, -deltas.get(place, 0)):
            raise ValueError(f"journal {journal.key} takes less from {place} than its holds give")


def _require_covered(
    store: LedgerStore, deltas: dict[_Place, int], drawn: Sequence[tuple[Hold, Hold]]
) -> None:
    freed: dict[_Place, int] = {}
    for before, after in drawn:
        place = (before.account, before.asset)
        freed[place] = freed.get(place, 0) + before.remaining_units - after.remaining_units
    for place, delta in deltas.items():
        account, asset = place
        if delta >= 0 or not is_user(account):
            continue
        available = balance_of(store, account, asset).available + freed.get(place, 0)
        if available + delta < 0:
            raise FailureError(
                "INSUFFICIENT_BALANCE",
                f"{account} has {available} base units of {asset} available, needs {-delta}.",
            )
