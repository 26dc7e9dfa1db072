"""Holds: units set aside, placed once, spent in parts, ended once.

Holds are for accounts that hold a resource: a client's balance (`user/...`), which a posting can
never overdraw, and a wallet of ours (`asset/...`), so that two sweeps do not plan the same coins.
Revenue, expense, equity and suspense accounts take none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from router.domain.amounts import UINT256_MAX
from router.domain.errors import FailureError, UsageError
from router.domain.ledger import Balance, Hold, HoldState, is_user
from router.ports import LedgerStore


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPart:
    """A part to be moved out of a hold into one of its own; `units` > 0 base units."""

    hold_id: str
    units: int
    reference: str


def place_hold(
    store: LedgerStore, hold_id: str, account: str, asset: str, units: int, reference: str
) -> Hold:
    """Set `units` (> 0, base units) of an account's available balance aside.

    Idempotent by `hold_id`: the same payload returns the hold as it is now, in whatever state.

    Raises:
        UsageError: IDEMPOTENCY_CONFLICT when the id was used with another payload; AMOUNT_RANGE.
        FailureError: INSUFFICIENT_BALANCE when less than `units` is available.
    """
    if not 0 < units <= UINT256_MAX:
        raise UsageError(
            "AMOUNT_RANGE", f"A hold of {units} base units of {asset} is not possible."
        )
    if not can_hold(account):
        raise ValueError(f"account {account} takes no holds")
    wanted = Hold(
        hold_id=hold_id,
        account=account,
        asset=asset,
        units=units,
        state=HoldState.PENDING,
        reference=reference,
    )
    found = store.hold(hold_id)
    if found is not None:
        if _payload(found) != _payload(wanted):
            raise _conflict(hold_id)
        return found
    balance = balance_of(store, account, asset)
    if balance.available < units:
        raise FailureError(
            "INSUFFICIENT_BALANCE",
            f"{account} has {balance.available} base units of {asset} available, needs {units}.",
        )
    store.save_hold(wanted)
    return wanted


def void_hold(store: LedgerStore, hold_id: str) -> Hold:
    """End a hold; what it still sets aside returns to the account. Idempotent.

    Raises:
        UsageError: IDEMPOTENCY_CONFLICT when the hold was ended by a posting.
        FailureError: NOT_FOUND.
    """
    hold = find_hold(store, hold_id)
    if hold.state is HoldState.VOIDED:
        return hold
    if hold.state is HoldState.POSTED:
        raise UsageError("IDEMPOTENCY_CONFLICT", f"Hold {hold_id} was posted, it cannot be voided.")
    ended = replace(hold, state=HoldState.VOIDED)
    store.save_hold(ended)
    return ended


def split_hold(store: LedgerStore, hold_id: str, parts: Sequence[HoldPart]) -> tuple[Hold, ...]:
    """Move parts of a pending hold into holds of their own; the sum set aside does not change.

    The parent stays pending with what is left, which may be nothing. Idempotent: when all parts
    exist already, split off this parent with the same units, they are returned as they are now.

    Raises:
        UsageError: IDEMPOTENCY_CONFLICT when a part's id was used otherwise, or the parent ended.
        FailureError: NOT_FOUND; INSUFFICIENT_BALANCE when the parts exceed what is left.
    """
    parent = find_hold(store, hold_id)
    wanted = [_child(parent, part) for part in parts]
    assert wanted, "a split has parts"
    assert len({child.hold_id for child in wanted}) == len(wanted), "a part is named twice"
    found = [store.hold(child.hold_id) for child in wanted]
    existing = tuple(child for child in found if child is not None)
    if existing:
        same = [_payload(child) for child in existing] == [_payload(child) for child in wanted]
        if not same:
            raise _conflict(hold_id)
        return existing
    if parent.state is not HoldState.PENDING:
        raise UsageError("IDEMPOTENCY_CONFLICT", f"Hold {hold_id} has ended, it cannot be split.")
    moved = sum(child.units for child in wanted)
    if moved > parent.remaining_units:
        raise FailureError(
            "INSUFFICIENT_BALANCE",
            f"Hold {hold_id} has {parent.remaining_units} base units left, the parts need {moved}.",
        )
    # The parent gives first, so that at no moment more is held than the account has.
    store.save_hold(replace(parent, moved_units=parent.moved_units + moved))
    for child in wanted:
        store.save_hold(child)
    return tuple(wanted)


def can_hold(account: str) -> bool:
    return is_user(account) or account.startswith("asset/")


def find_hold(store: LedgerStore, hold_id: str) -> Hold:
    """Return a hold.

    Raises:
        FailureError: NOT_FOUND.
    """
    hold = store.hold(hold_id)
    if hold is None:
        raise FailureError("NOT_FOUND", f"There is no hold {hold_id}.")
    return hold


def balance_of(store: LedgerStore, account: str, asset: str) -> Balance:
    """Return the balance of exactly this account, zero when nothing was ever posted to it."""
    for balance in store.balances(account, asset):
        if balance.account == account:
            return balance
    return Balance(account=account, asset=asset, total=0, held=0)


def _child(parent: Hold, part: HoldPart) -> Hold:
    if not 0 < part.units <= UINT256_MAX:
        raise UsageError("AMOUNT_RANGE", f"A part of {part.units} base units is not possible.")
    return Hold(
        hold_id=part.hold_id,
        account=parent.account,
        asset=parent.asset,
        units=part.units,
        state=HoldState.PENDING,
        reference=part.reference,
        parent_id=parent.hold_id,
    )


def _payload(hold: Hold) -> tuple[str, str, str, int, str, str]:
    """What was asked for when the hold was made; its progress is not part of it."""
    return (hold.hold_id, hold.account, hold.asset, hold.units, hold.reference, hold.parent_id)


def _conflict(hold_id: str) -> UsageError:
    return UsageError("IDEMPOTENCY_CONFLICT", f"Hold {hold_id} exists with another payload.")
