"""The public feed over the seam: what is followed is the engine's book, and a loss is noticed."""

from typing import Any

import numpy as np
import pytest

from router.core import CoreError, DepthFollower, Engine, OrdersFollower, Publisher
from router.records import COMMAND_DTYPE, EVENT_DTYPE, FEED_DTYPE, RECORD_BYTES
from router.vocabulary import BookSide, CommandKind, Phase

Records = np.ndarray[Any, Any]

SIDES = (BookSide.BUY, BookSide.SELL)


def events_of(engine: Engine, commands: Records) -> Records:
    out = np.zeros(64 + 16 * len(commands), EVENT_DTYPE)
    consumed, written = engine.submit(commands, out)
    assert (consumed, engine.waiting) == (len(commands), 0)
    return out[:written]


def listing() -> Records:
    commands = np.zeros(2, COMMAND_DTYPE)
    commands["kind"] = (CommandKind.ADD_INSTRUMENT, CommandKind.SET_PHASE)
    commands["expire_s"][0] = 1
    commands["order_id"][0] = commands["qty"][0] = 1
    commands["order_type"][1] = Phase.CONTINUOUS
    return commands


def some_orders(seed: int, count: int) -> Records:
    draw = np.random.default_rng(seed)
    commands = np.zeros(count, COMMAND_DTYPE)
    commands["kind"] = CommandKind.NEW
    commands["side"] = draw.integers(0, 2, count)
    commands["price"] = draw.integers(95, 106, count)
    commands["qty"] = draw.integers(1, 30, count)
    commands["display"] = np.where(draw.integers(0, 4, count) == 0, 3, 0)
    commands["account"] = draw.integers(0, 4, count)
    return commands


class Feed:
    """An engine, its publisher and its first consumer."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.publisher = Publisher()
        self.publisher.publish(events_of(self.engine, listing()))
        self.publisher.watch_orders(0, True)
        self.depth = DepthFollower(0)
        self.orders = OrdersFollower(0)
        assert self.depth.load(self.publisher.depth_snapshot(0)) is None
        assert self.orders.load(self.publisher.orders_snapshot(0)) is None

    def batch(self, seed: int) -> tuple[Records, Records]:
        return self.publisher.publish(events_of(self.engine, some_orders(seed, 40)))


def levels(engine: Engine, side: int) -> list[tuple[int, int]]:
    return engine.levels(0, side)


def test_what_is_followed_is_the_engines_displayed_book() -> None:
    feed = Feed()
    for seed in range(8):
        depth, orders = feed.batch(seed)
        assert feed.depth.apply(depth) is None
        assert feed.orders.apply(orders) is None
        for side in SIDES:
            followed = feed.depth.levels(side)
            assert followed is not None
            assert [level[:2] for level in followed] == levels(feed.engine, side)
            queue = feed.orders.orders(side)
            assert queue is not None
            book = feed.engine.orders(0, side)
            expected = zip(book["price"], book["order_id"], book["displayed"], strict=True)
            assert queue == [tuple(map(int, order)) for order in expected]


def test_a_lost_record_is_noticed_and_a_snapshot_mends_it() -> None:
    feed = Feed()
    depth, _ = feed.batch(1)
    assert feed.depth.apply(np.delete(depth, 1)) == "gap"
    assert feed.depth.levels(BookSide.BUY) is None
    assert feed.depth.load(feed.publisher.depth_snapshot(0)) is None
    followed = feed.depth.levels(BookSide.BUY)
    assert followed is not None
    assert [level[:2] for level in followed] == levels(feed.engine, BookSide.BUY)


def test_a_publisher_goes_on_from_a_saved_state_in_a_new_epoch() -> None:
    feed = Feed()
    depth, _ = feed.batch(1)
    assert feed.depth.apply(depth) is None
    feed.publisher = Publisher.load(feed.engine.save(), 2)
    depth, _ = feed.batch(2)
    assert feed.depth.apply(depth) == "epoch"
    assert feed.depth.load(feed.publisher.depth_snapshot(0)) is None
    assert feed.depth.position == (2, int(depth["sequence"][-1]))


def test_events_that_repeat_are_refused() -> None:
    engine, publisher = Engine(), Publisher()
    events = events_of(engine, listing())
    publisher.publish(events)
    with pytest.raises(CoreError) as refused:
        publisher.publish(events)
    assert refused.value.code == "FEED_OUT_OF_STEP"


@pytest.mark.parametrize("records", [np.zeros(2, COMMAND_DTYPE), np.zeros(4, FEED_DTYPE)[::2]])
def test_arrays_of_another_type_or_with_holes_are_refused(records: Records) -> None:
    with pytest.raises(CoreError) as refused:
        DepthFollower(0).apply(records)
    assert refused.value.code == "BATCH_INVALID"


def test_a_record_of_the_feed_is_64_bytes_and_has_no_place_for_accounts() -> None:
    assert FEED_DTYPE.itemsize == RECORD_BYTES
    assert not {"account", "other_account", "client_id"} & set(FEED_DTYPE.names or ())
