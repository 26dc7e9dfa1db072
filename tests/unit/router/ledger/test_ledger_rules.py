"""What the ledger accepts, refuses and repeats, one rule at a time."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from router.domain.errors import FailureError, UsageError
from router.domain.ledger import Entry, HoldState, Journal, JournalKind, wallet_account
from router.ledger import (
    HoldPart,
    HoldSpend,
    available_units,
    fingerprint,
    place_hold,
    post,
    post_hold,
    split_hold,
    void_hold,
)
from router.ports import UnitOfWork
from router.storage import SqlDatabase, open_database

WALLET = wallet_account("0xAb")
ANN, BOB = "user/ann", "user/bob"

Write = Callable[[Callable[[UnitOfWork], Any]], Any]


def journal(key: str, giver: str, taker: str, units: int, asset: str = "USDC") -> Journal:
    """`giver` gives `units` to `taker`; a deposit comes from the wallet account."""
    return Journal(
        key=key,
        kind=JournalKind.BOOK_TRADE,
        entries=(
            Entry(account=giver, asset=asset, units=units),
            Entry(account=taker, asset=asset, units=-units),
        ),
    )


@pytest.fixture
async def database() -> AsyncIterator[SqlDatabase]:
    """Ann has 100."""
    opened = open_database("sqlite://")
    await opened.write(lambda uow: post(uow.ledger, journal("d", WALLET, ANN, 100), 1))
    yield opened
    await opened.close()


@pytest.fixture
def write(database: SqlDatabase) -> Write:
    return database.write


async def test_a_hold_reduces_what_is_available_and_not_the_balance(write: Write) -> None:
    await write(lambda uow: place_hold(uow.ledger, "h", ANN, "USDC", 60, "r"))
    [balance] = await write(lambda uow: uow.ledger.balances(ANN))
    assert (balance.total, balance.held, balance.available) == (100, 60, 40)


async def test_a_second_hold_cannot_use_what_the_first_has(write: Write) -> None:
    await write(lambda uow: place_hold(uow.ledger, "h", ANN, "USDC", 60, "r"))
    with pytest.raises(FailureError, match="40 base units of USDC available, needs 41") as caught:
        await write(lambda uow: place_hold(uow.ledger, "i", ANN, "USDC", 41, "r"))
    assert caught.value.code == "INSUFFICIENT_BALANCE"


async def test_a_posting_cannot_use_what_a_hold_has(write: Write) -> None:
    await write(lambda uow: place_hold(uow.ledger, "h", ANN, "USDC", 60, "r"))
    with pytest.raises(FailureError) as caught:
        await write(lambda uow: post(uow.ledger, journal("j", ANN, BOB, 41), 2))
    assert caught.value.code == "INSUFFICIENT_BALANCE"
    await write(lambda uow: post(uow.ledger, journal("j", ANN, BOB, 40), 2))


async def test_a_replayed_hold_is_the_hold_as_it_is_now(write: Write) -> None:
    await write(lambda uow: place_hold(uow.ledger, "h", ANN, "USDC", 60, "r"))
    await write(lambda uow: void_hold(uow.ledger, "h"))
    again = await write(lambda uow: place_hold(uow.ledger, "h", ANN, "USDC", 60, "r"))
    assert again.state is HoldState.VOIDED


@pytest.mark.parametrize(
    ("account", "asset", "units", "reference"),
    [
        (BOB, "USDC", 60, "r"),
        (ANN, "DAI", 60, "r"),
        (ANN, "USDC", 59, "r"),
        (ANN, "USDC", 60, "s"),
    ],
)
async def test_a_hold_id_means_one_payload(
    write: Write, account: str, asset: str, units: int, reference: str
) -> None:
    await write(lambda uow: place_hold(uow.ledger, "h", ANN, "USDC", 60, "r"))
    with pytest.raises(UsageError) as caught:
        await write(lambda uow: place_hold(uow.ledger, "h", account, asset, units, reference))
    assert caught.value.code == "IDEMPOTENCY_CONFLICT"


@pytest.mark.parametrize("units", [0, -1, 2**256])
async def test_a_hold_of_an_impossible_size_is_refused(write: Write, units: int) -> None:
    with pytest.raises(UsageError) as caught:
        await write(lambda uow: place_hold(uow.ledger, "h", ANN, "USDC", units, "r"))
    assert caught.value.code == "AMOUNT_RANGE"


async def test_house_accounts_take_no_holds(write: Write) -> None:
    with pytest.raises(ValueError, match="revenue/fee takes no holds"):
        await write(lambda uow: place_hold(uow.ledger, "h", "revenue/fee", "USDC", 1, "r"))


async def test_a_wallet_can_be_reserved_up_to_what_it_has(write: Write) -> None:
    await write(lambda uow: place_hold(uow.ledger, "h", WALLET, "USDC", 100, "sweep"))
    with pytest.raises(FailureError) as caught:
        await write(lambda uow: place_hold(uow.ledger, "i", WALLET, "USDC", 1, "sweep"))
    assert caught.value.code == "INSUFFICIENT_BALANCE"


async def test_a_posted_hold_returns_its_remainder(write: Write) -> None:
    await write(lambda uow: place_hold(uow.ledger, "h", ANN, "USDC", 60, "r"))
    await write(lambda uow: post_hold(uow.ledger, "h", journal("j", ANN, BOB, 45), 2))
    hold = await write(lambda uow: uow.ledger.hold("h"))
    assert (hold.state, hold.posted_units, hold.remaining_units) == (HoldState.POSTED, 45, 0)
    assert await write(lambda uow: available_units(uow.ledger, ANN, "USDC")) == 55


async def test_a_journal_cannot_take_more_than_its_hold_has(write: Write) -> None:
    await write(lambda uow: place_hold(uow.ledger, "h", ANN, "USDC", 60, "r"))
    with pytest.raises(
        FailureError, match="has 60 base units left, the journal takes 61"
    ) as caught:
        await write(lambda uow: post_hold(uow.ledger, "h", journal("j", ANN, BOB, 61), 2))
    assert caught.value.code == "INSUFFICIENT_BALANCE"


async def test_an_ended_hold_cannot_end_in_another_way(write: Write) -> None:
    await write(lambda uow: place_hold(uow.ledger, "posted", ANN, "USDC", 10, "r"))
    await write(lambda uow: place_hold(uow.ledger, "voided", ANN, "USDC", 10, "r"))
    await write(lambda uow: post_hold(uow.ledger, "posted", journal("j", ANN, BOB, 5), 2))
    await write(lambda uow: void_hold(uow.ledger, "voided"))
    wrong: list[Callable[[UnitOfWork], Any]] = [
        lambda uow: void_hold(uow.ledger, "posted"),
        lambda uow: post_hold(uow.ledger, "posted", journal("k", ANN, BOB, 5), 2),
        lambda uow: post_hold(uow.ledger, "voided", journal("k", ANN, BOB, 5), 2),
        lambda uow: post_hold(uow.ledger, "voided", journal("j", ANN, BOB, 5), 2),
        lambda uow: split_hold(
            uow.ledger, "voided", [HoldPart(hold_id="p", units=1, reference="r")]
        ),
    ]
    for work in wrong:
        with pytest.raises(UsageError) as caught:
            await write(work)
        assert caught.value.code == "IDEMPOTENCY_CONFLICT"


async def test_ending_a_hold_again_in_the_same_way_changes_nothing(write: Write) -> None:
    await write(lambda uow: place_hold(uow.ledger, "h", ANN, "USDC", 10, "r"))
    first = await write(lambda uow: post_hold(uow.ledger, "h", journal("j", ANN, BOB, 5), 2))
    again = await write(lambda uow: post_hold(uow.ledger, "h", journal("j", ANN, BOB, 5), 9))
    assert again == first


async def test_the_same_journal_with_other_spends_is_another_payload(write: Write) -> None:
    await write(lambda uow: place_hold(uow.ledger, "h", ANN, "USDC", 10, "r"))
    trade = journal("j", ANN, BOB, 5)
    spend = HoldSpend(hold_id="h", units=5, ends=False)
    await write(lambda uow: post(uow.ledger, trade, 2, [spend]))
    for other in ([], [replace(spend, units=4)], [replace(spend, ends=True)]):
        with pytest.raises(UsageError) as caught:
            await write(lambda uow, spends=other: post(uow.ledger, trade, 2, spends))
        assert caught.value.code == "IDEMPOTENCY_CONFLICT"


async def test_a_spend_without_end_leaves_the_rest_held(write: Write) -> None:
    await write(lambda uow: place_hold(uow.ledger, "h", ANN, "USDC", 10, "r"))
    spend = HoldSpend(hold_id="h", units=10, ends=False)
    await write(lambda uow: post(uow.ledger, journal("j", ANN, BOB, 10), 2, [spend]))
    hold = await write(lambda uow: uow.ledger.hold("h"))
    assert (hold.state, hold.remaining_units) == (HoldState.PENDING, 0)
    await write(lambda uow: void_hold(uow.ledger, "h"))
    [balance] = await write(lambda uow: uow.ledger.balances(ANN))
    assert (balance.total, balance.held) == (90, 0)


async def test_a_spend_has_to_leave_the_account(write: Write) -> None:
    await write(lambda uow: place_hold(uow.ledger, "h", ANN, "USDC", 10, "r"))
    spend = HoldSpend(hold_id="h", units=6)
    with pytest.raises(ValueError, match="takes less"):
        await write(lambda uow: post(uow.ledger, journal("j", ANN, BOB, 5), 2, [spend]))


async def test_a_split_keeps_the_sum_and_cannot_exceed_what_is_left(write: Write) -> None:
    await write(lambda uow: place_hold(uow.ledger, "h", ANN, "USDC", 60, "r"))
    spend = HoldSpend(hold_id="h", units=20, ends=False)
    await write(lambda uow: post(uow.ledger, journal("j", ANN, BOB, 20), 2, [spend]))
    parts = [
        HoldPart(hold_id="chain", units=25, reference="a"),
        HoldPart(hold_id="book", units=16, reference="b"),
    ]
    with pytest.raises(FailureError, match="has 40 base units left, the parts need 41"):
        await write(lambda uow: split_hold(uow.ledger, "h", parts))
    parts[1] = replace(parts[1], units=15)
    children = await write(lambda uow: split_hold(uow.ledger, "h", parts))
    assert [(c.hold_id, c.remaining_units, c.parent_id) for c in children] == [
        ("chain", 25, "h"),
        ("book", 15, "h"),
    ]
    parent = await write(lambda uow: uow.ledger.hold("h"))
    assert (parent.state, parent.remaining_units) == (HoldState.PENDING, 0)
    [balance] = await write(lambda uow: uow.ledger.balances(ANN))
    assert (balance.total, balance.held) == (80, 40)


async def test_a_split_again_gives_the_parts_as_they_are_and_refuses_others(write: Write) -> None:
    await write(lambda uow: place_hold(uow.ledger, "h", ANN, "USDC", 60, "r"))
    part = HoldPart(hold_id="p", units=25, reference="a")
    await write(lambda uow: split_hold(uow.ledger, "h", [part]))
    await write(lambda uow: void_hold(uow.ledger, "p"))
    [again] = await write(lambda uow: split_hold(uow.ledger, "h", [part]))
    assert again.state is HoldState.VOIDED
    with pytest.raises(UsageError) as caught:
        await write(lambda uow: split_hold(uow.ledger, "h", [replace(part, units=24)]))
    assert caught.value.code == "IDEMPOTENCY_CONFLICT"


async def test_what_is_unknown_is_not_found(write: Write) -> None:
    works: list[Callable[[UnitOfWork], Any]] = [
        lambda uow: void_hold(uow.ledger, "x"),
        lambda uow: post_hold(uow.ledger, "x", journal("j", ANN, BOB, 5), 2),
        lambda uow: split_hold(uow.ledger, "x", [HoldPart(hold_id="p", units=1, reference="")]),
    ]
    for work in works:
        with pytest.raises(FailureError) as caught:
            await write(work)
        assert caught.value.code == "NOT_FOUND"


async def test_a_wallet_may_be_booked_below_zero_because_the_chain_said_so(write: Write) -> None:
    await write(lambda uow: post(uow.ledger, journal("o", "expense/gas", WALLET, 130), 2))
    [balance] = await write(lambda uow: uow.ledger.balances(WALLET))
    assert balance.total == -30


async def test_a_refused_journal_leaves_its_key_free(write: Write) -> None:
    with pytest.raises(FailureError):
        await write(lambda uow: post(uow.ledger, journal("j", BOB, ANN, 5), 2))
    await write(lambda uow: post(uow.ledger, journal("j", ANN, BOB, 5), 3))


def test_the_fingerprint_sees_every_part_of_a_journal() -> None:
    one = journal("j", ANN, BOB, 5)
    others = [
        replace(one, key="k"),
        replace(one, kind=JournalKind.SWAP),
        replace(one, memo="m"),
        replace(one, reference="r"),
        journal("j", BOB, ANN, 5),
        journal("j", ANN, BOB, 6),
        journal("j", ANN, BOB, 5, "DAI"),
    ]
    marks = {fingerprint(journal) for journal in [one, *others]}
    assert len(marks) == len(others) + 1
    assert fingerprint(one) == fingerprint(journal("j", ANN, BOB, 5))


def test_the_fingerprint_of_a_journal_never_changes_between_versions() -> None:
    """Stored fingerprints are compared for ever; a new form would refuse old keys."""
    mark = fingerprint(journal("j", ANN, BOB, 5), [("h", 5, True)])
    assert mark == "683b069d0cd6135fde69b34697168be642b035b03349136561b4969ca780989d"
