"""The audit: every cached number of the ledger computed again from what cannot be changed."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from router.domain.errors import FailureError
from router.domain.ledger import Balance, Hold, PostedJournal, is_user, natural_units
from router.ledger.canonical import GENESIS_HASH, chain_hash
from router.ports import LedgerStore

_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerAudit:
    """What an audit looked at and found. `problems` are sentences for people; none means sound.

    `head_hash` is the chain hash of the newest journal: keep it elsewhere, and a ledger that was
    written anew as a whole is found out as well.
    """

    journals: int
    balances: int
    holds: int
    head_hash: str
    problems: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        return not self.problems


@dataclass(slots=True)
class _Replay:
    """Balances as the journals alone give them."""

    totals: dict[tuple[str, str], int] = field(default_factory=dict)
    head: str = GENESIS_HASH
    count: int = 0
    problems: list[str] = field(default_factory=list)

    def take(self, posted: PostedJournal) -> None:
        journal = posted.journal
        self.count += 1
        if posted.sequence != self.count:
            self.problems.append(
                f"Journal {journal.key} has sequence {posted.sequence}, not dense."
            )
        expected = chain_hash(self.head, posted.sequence, posted.posted_ms, journal)
        if posted.chain_hash != expected:
            self.problems.append(
                f"Journal {posted.sequence} ({journal.key}) breaks the hash chain."
            )
        self.head = posted.chain_hash
        for entry in journal.entries:
            place = (entry.account, entry.asset)
            units = natural_units(entry.account, entry.units)
            self.totals[place] = self.totals.get(place, 0) + units


def verify(store: LedgerStore) -> LedgerAudit:
    """Recompute balances, zero sums, the hash chain and holds; report, never repair.

    Reads every journal, so its time grows with the ledger. Each journal was checked to sum to
    zero when it was read back; one that does not is reported and ends the replay.

    Raises:
        FailureError: STORAGE_ERROR when the ledger cannot be read.
    """
    replay = _Replay()
    try:
        for posted in _all_journals(store):
            replay.take(posted)
    except FailureError as error:
        if error.code != "LEDGER_UNBALANCED":
            raise
        replay.problems.append(error.message)
    balances = store.balances("")
    holds = store.holds(pending_only=False)
    problems = [
        *replay.problems,
        *_asset_problems(replay.totals),
        *_balance_problems(balances, replay.totals, holds),
        *_hold_problems(holds),
    ]
    return LedgerAudit(
        journals=replay.count,
        balances=len(balances),
        holds=len(holds),
        head_hash=replay.head,
        problems=tuple(problems),
    )


def _all_journals(store: LedgerStore) -> Iterator[PostedJournal]:
    after = 0
    while page := store.journals(after, _PAGE):
        yield from page
        after = page[-1].sequence


def _asset_problems(totals: dict[tuple[str, str], int]) -> list[str]:
    sums: dict[str, int] = {}
    for (account, asset), total in totals.items():
        sums[asset] = sums.get(asset, 0) + natural_units(account, total)
    return [f"{asset} is off by {off} over all accounts." for asset, off in sums.items() if off]


def _balance_problems(
    balances: list[Balance], totals: dict[tuple[str, str], int], holds: list[Hold]
) -> list[str]:
    held: dict[tuple[str, str], int] = {}
    for hold in holds:
        place = (hold.account, hold.asset)
        held[place] = held.get(place, 0) + hold.remaining_units
    cached = {(b.account, b.asset): b for b in balances}
    problems = []
    for place in sorted(totals.keys() | held.keys() | cached.keys()):
        account, asset = place
        balance = cached.get(place)
        total = balance.total if balance else 0
        pending = balance.held if balance else 0
        if total != totals.get(place, 0):
            problems.append(
                f"{account} {asset} says {total}, its entries sum to {totals.get(place, 0)}."
            )
        if pending != held.get(place, 0):
            problems.append(
                f"{account} {asset} says {pending} held, its holds sum to {held.get(place, 0)}."
            )
        if is_user(account) and total < pending:
            problems.append(f"{account} {asset} has a negative available balance.")
    return problems


def _hold_problems(holds: list[Hold]) -> list[str]:
    moved: dict[str, int] = {}
    for hold in holds:
        if hold.parent_id:
            moved[hold.parent_id] = moved.get(hold.parent_id, 0) + hold.units
    known = {hold.hold_id for hold in holds}
    problems = [
        f"Hold {hold.hold_id} gave {hold.moved_units}, its parts sum to {moved[hold.hold_id]}."
        for hold in holds
        if moved.setdefault(hold.hold_id, 0) != hold.moved_units
    ]
    orphans = sorted({h.parent_id for h in holds if h.parent_id and h.parent_id not in known})
    problems += [f"Hold {parent} has parts but does not exist." for parent in orphans]
    return problems
