"""Laws of the ledger: a random history against a twin that is nothing but dictionaries."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
)

from router.domain.errors import RouterError
from router.domain.ledger import Entry, Journal, JournalKind, wallet_account
from router.ledger import (
    HoldPart,
    HoldSpend,
    place_hold,
    post,
    post_hold,
    split_hold,
    verify,
    void_hold,
)
from router.ports import UnitOfWork
from router.storage import open_database

WALLET = wallet_account("0x01")
USERS = ["user/ann", "user/ann/sub", "user/annabel"]
ASSETS = ["WETH"]

users = st.sampled_from(USERS)
assets = st.sampled_from(ASSETS)
sizes = st.one_of(st.integers(1, 12), st.just(2**200))
edges = st.sampled_from(["one", "some", "all", "over", "total"])


@dataclass
class TwinHold:
    account: str
    asset: str
    units: int
    left: int
    state: str = "pending"


@dataclass(frozen=True)
class Posted:
    """A journal that was posted, with the way it was posted."""

    journal: Journal
    spends: tuple[HoldSpend, ...]
    sequence: int


def move(key: str, giver: str, taker: str, asset: str, units: int) -> Journal:
    """Move a client's units to another client or, as a withdrawal, out of the wallet."""
    return Journal(
        key=key,
        kind=JournalKind.BOOK_TRADE,
        entries=(
            Entry(account=giver, asset=asset, units=units),
            Entry(account=taker, asset=asset, units=-units),
        ),
    )


class LedgerMachine(RuleBasedStateMachine):
    posted = Bundle("posted")
    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = open_database("sqlite://")
        self.totals: dict[tuple[str, str], int] = {}
        self.twin_holds: dict[str, TwinHold] = {}
        self.count = 0
        self.names = 0

    def teardown(self) -> None:
        audit = self.run(lambda uow: verify(uow.ledger))
        assert audit.is_sound, audit.problems
        assert audit.journals == self.count
        assert audit.holds == len(self.twin_holds)
        self.runner.run(self.database.close())
        self.runner.close()

    # -- the twin ---------------------------------------------------------------------------

    def run(self, work: Callable[[UnitOfWork], Any]) -> Any:
        return self.runner.run(self.database.write(work))

    def attempt(self, expected: str | None, work: Callable[[UnitOfWork], Any]) -> Any:
        """Run work; it has to fail with the expected code, or succeed when that is None."""
        caught: str | None = None
        result = None
        try:
            result = self.run(work)
        except RouterError as error:
            caught = error.code
        assert caught == expected, result
        return result

    def name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    def size(self, edge: str, limit: int, total: int) -> int:
        """Return a size at or around the limit that decides whether it goes through."""
        sizes = {"one": 1, "some": limit // 2, "all": limit, "over": limit + 1, "total": total}
        return max(1, sizes[edge])

    def total(self, account: str, asset: str) -> int:
        return self.totals.get((account, asset), 0)

    def held(self, account: str, asset: str) -> int:
        return sum(
            hold.left
            for hold in self.twin_holds.values()
            if hold.state == "pending" and (hold.account, hold.asset) == (account, asset)
        )

    def available(self, account: str, asset: str) -> int:
        return self.total(account, asset) - self.held(account, asset)

    def book(self, journal: Journal) -> None:
        self.count += 1
        for entry in journal.entries:
            sign = 1 if entry.account.startswith("asset/") else -1
            place = (entry.account, entry.asset)
            self.totals[place] = self.totals.get(place, 0) + sign * entry.units

    # -- journals ---------------------------------------------------------------------------

    @rule(target=posted, user=users, asset=assets, units=sizes)
    def deposit(self, user: str, asset: str, units: int) -> Posted:
        journal = move(self.name("j"), WALLET, user, asset, units)
        done = self.attempt(None, lambda uow: post(uow.ledger, journal, 1))
        self.book(journal)
        assert done.sequence == self.count
        return Posted(journal, (), done.sequence)

    @rule(
        target=posted,
        giver=users,
        taker=st.sampled_from([*USERS, WALLET]),
        asset=assets,
        edge=edges,
    )
    def pay(self, giver: str, taker: str, asset: str, edge: str) -> Any:
        units = self.size(edge, self.available(giver, asset), self.total(giver, asset))
        journal = move(self.name("j"), giver, taker, asset, units)
        net = 0 if giver == taker else units
        enough = self.available(giver, asset) >= net
        done = self.attempt(
            None if enough else "INSUFFICIENT_BALANCE", lambda uow: post(uow.ledger, journal, 2)
        )
        if not enough:
            return multiple()
        self.book(journal)
        return Posted(journal, (), done.sequence)

    @rule(one=posted)
    def replay(self, one: Posted) -> None:
        again = self.attempt(None, lambda uow: post(uow.ledger, one.journal, 99, one.spends))
        assert again.sequence == one.sequence
        assert again.journal == one.journal
        assert again.posted_ms != 99

    @rule(one=posted, other_memo=st.booleans())
    def replay_with_another_payload(self, one: Posted, other_memo: bool) -> None:
        changed, spends = one.journal, one.spends
        if other_memo or not spends:
            changed = replace(changed, memo="changed")
        else:
            spends = (replace(spends[0], ends=not spends[0].ends),)
        self.attempt("IDEMPOTENCY_CONFLICT", lambda uow: post(uow.ledger, changed, 3, spends))

    # -- holds ------------------------------------------------------------------------------

    @rule(target=holds, user=users, asset=assets, edge=edges)
    def hold(self, user: str, asset: str, edge: str) -> Any:
        units = self.size(edge, self.available(user, asset), self.total(user, asset))
        hold_id = self.name("h")
        enough = self.available(user, asset) >= units
        self.attempt(
            None if enough else "INSUFFICIENT_BALANCE",
            lambda uow: place_hold(uow.ledger, hold_id, user, asset, units, "r"),
        )
        if not enough:
            return multiple()
        self.twin_holds[hold_id] = TwinHold(user, asset, units, units)
        return hold_id

    @rule(hold_id=holds, changed=st.booleans())
    def hold_again(self, hold_id: str, changed: bool) -> None:
        twin = self.twin_holds[hold_id]
        is_part = hold_id.startswith("p")
        units = twin.units + changed
        self.attempt(
            "IDEMPOTENCY_CONFLICT" if changed or is_part else None,
            lambda uow: place_hold(uow.ledger, hold_id, twin.account, twin.asset, units, "r"),
        )

    @rule(hold_id=holds)
    def void(self, hold_id: str) -> None:
        twin = self.twin_holds[hold_id]
        expected = "IDEMPOTENCY_CONFLICT" if twin.state == "posted" else None
        self.attempt(expected, lambda uow: void_hold(uow.ledger, hold_id))
        if twin.state == "pending":
            twin.state = "voided"

    @rule(target=holds, hold_id=holds, edge=edges)
    def split(self, hold_id: str, edge: str) -> Any:
        both = self.size(edge, self.twin_holds[hold_id].left, self.twin_holds[hold_id].units)
        first, second = 1, max(1, both - 1)
        twin = self.twin_holds[hold_id]
        parts = [
            HoldPart(hold_id=self.name("p"), units=units, reference="r")
            for units in (first, second)
        ]
        expected = None
        if twin.state != "pending":
            expected = "IDEMPOTENCY_CONFLICT"
        elif first + second > twin.left:
            expected = "INSUFFICIENT_BALANCE"
        self.attempt(expected, lambda uow: split_hold(uow.ledger, hold_id, parts))
        if expected:
            return multiple()
        twin.left -= first + second
        for part in parts:
            self.twin_holds[part.hold_id] = TwinHold(
                twin.account, twin.asset, part.units, part.units
            )
        again = self.attempt(None, lambda uow: split_hold(uow.ledger, hold_id, parts))
        assert [child.remaining_units for child in again] == [first, second]
        swapped = [replace(parts[0], units=first + 1), parts[1]]
        self.attempt("IDEMPOTENCY_CONFLICT", lambda uow: split_hold(uow.ledger, hold_id, swapped))
        return multiple(*(part.hold_id for part in parts))

    @rule(
        target=posted,
        hold_id=holds,
        edge=edges,
        taker=st.sampled_from([WALLET, USERS[2]]),
        ends=st.booleans(),
    )
    def spend(self, hold_id: str, edge: str, taker: str, ends: bool) -> Any:
        twin = self.twin_holds[hold_id]
        units = self.size(edge, twin.left, twin.units)
        if taker == twin.account:
            return multiple()
        journal = move(self.name("j"), twin.account, taker, twin.asset, units)
        spends = (HoldSpend(hold_id=hold_id, units=units, ends=ends),)
        expected = None
        if twin.state != "pending":
            expected = "IDEMPOTENCY_CONFLICT"
        elif units > twin.left:
            expected = "INSUFFICIENT_BALANCE"

        def work(uow: UnitOfWork) -> Any:
            if ends:
                return post_hold(uow.ledger, hold_id, journal, 4)
            return post(uow.ledger, journal, 4, spends)

        done = self.attempt(expected, work)
        if expected:
            return multiple()
        twin.left -= units
        twin.state = "posted" if ends else "pending"
        self.book(journal)
        assert self.attempt(None, work).sequence == done.sequence
        return Posted(journal, spends, done.sequence)

    @rule(hold_id=holds)
    def a_failure_after_a_posting_leaves_no_trace(self, hold_id: str) -> None:
        """A transaction is one: what was spent and posted before the failure is as it was."""
        twin = self.twin_holds[hold_id]
        journal = move(self.name("j"), twin.account, WALLET, twin.asset, 1)
        too_much = move(self.name("j"), twin.account, WALLET, twin.asset, 2**250)

        def work(uow: UnitOfWork) -> None:
            post_hold(uow.ledger, hold_id, journal, 5)
            post(uow.ledger, too_much, 5)

        is_spendable = twin.state == "pending" and twin.left > 0
        ended = "INSUFFICIENT_BALANCE" if twin.state == "pending" else "IDEMPOTENCY_CONFLICT"
        self.attempt("INSUFFICIENT_BALANCE" if is_spendable else ended, work)

    # -- invariants -------------------------------------------------------------------------

    @invariant()
    def balances_are_those_of_the_twin(self) -> None:
        balances = self.runner.run(self.database.read(lambda uow: uow.ledger.balances("")))
        found = {(b.account, b.asset): (b.total, b.held) for b in balances}
        for place in self.totals.keys() | found.keys():
            assert found.get(place, (0, 0)) == (self.total(*place), self.held(*place)), place
        assert all(b.available >= 0 for b in balances if b.account.startswith("user/"))

    @invariant()
    def holds_are_those_of_the_twin(self) -> None:
        holds = self.runner.run(
            self.database.read(lambda uow: uow.ledger.holds(pending_only=False))
        )
        found = {h.hold_id: (h.state.value, h.remaining_units) for h in holds}
        assert found == {
            hold_id: (twin.state, twin.left if twin.state == "pending" else 0)
            for hold_id, twin in self.twin_holds.items()
        }


LedgerMachine.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestLedgerLaws = LedgerMachine.TestCase
