"""Batches over the seam to the matching engine: what is refused, and that nothing gets lost."""

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import router.vocabulary
from router.core import CoreError, Engine
from router.records import COMMAND_DTYPE, EVENT_DTYPE, ORDER_DTYPE, RECORD_BYTES
from router.vocabulary import (
    BookSide,
    CommandKind,
    EventKind,
    ListRole,
    OrderFlag,
    Phase,
    Reason,
    StpMode,
    Tif,
)

BUY, SELL = BookSide.BUY, BookSide.SELL


def opened() -> Engine:
    engine = Engine(max_accounts=8)
    assert not engine.add_instrument(0).is_rejected
    assert not engine.set_phase(0, Phase.CONTINUOUS).is_rejected
    return engine


def orders(count: int, side: int = BUY, price: int = 100, qty: int = 5) -> np.ndarray[Any, Any]:
    batch = np.zeros(count, COMMAND_DTYPE)
    batch["kind"], batch["side"], batch["price"], batch["qty"] = CommandKind.NEW, side, price, qty
    return batch


def room(count: int) -> np.ndarray[Any, Any]:
    return np.zeros(count, EVENT_DTYPE)


def fixed() -> np.ndarray[Any, Any]:
    out = room(4)
    out.flags.writeable = False
    return out


def shared() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    memory = np.zeros(8 * RECORD_BYTES, np.uint8)
    return memory[: 5 * RECORD_BYTES].view(COMMAND_DTYPE), memory[4 * RECORD_BYTES :].view(
        EVENT_DTYPE
    )


BAD_PAIRS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "bytes as commands": lambda: (bytes(64), room(4)),
    "a list as commands": lambda: ([1, 2], room(4)),
    "events as commands": lambda: (room(2), room(4)),
    "other numbers as commands": lambda: (np.zeros(64, np.uint8), room(4)),
    "every second command": lambda: (orders(4)[::2], room(4)),
    "commands backwards": lambda: (orders(4)[::-1], room(4)),
    "one command repeated by stride": lambda: (np.broadcast_to(orders(1), 4), room(4)),
    "a field of a command": lambda: (orders(4)["price"], room(4)),
    "two dimensions": lambda: (orders(4).reshape(2, 2), room(4)),
    "no dimension": lambda: (orders(1).reshape(()), room(4)),
    "big endian commands": lambda: (orders(4).astype(COMMAND_DTYPE.newbyteorder(">")), room(4)),
    "commands as out": lambda: (orders(1), orders(4)),
    "every second event": lambda: (orders(1), room(8)[::2]),
    "read-only out": lambda: (orders(1), fixed()),
    "no room at all": lambda: (orders(1), room(0)),
    "nothing as out": lambda: (orders(1), None),
    "shared memory": shared,
}


@pytest.mark.parametrize("name", BAD_PAIRS)
def test_arrays_that_are_no_batch_are_refused_and_change_nothing(name: str) -> None:
    engine = opened()
    before = engine.state_hash()
    commands, out = BAD_PAIRS[name]()
    with pytest.raises(CoreError) as refused:
        engine.submit(commands, out)
    assert refused.value.code == "BATCH_INVALID"
    assert refused.value.message.endswith(".")
    assert engine.state_hash() == before


def test_the_records_are_64_bytes_without_padding() -> None:
    for dtype in (COMMAND_DTYPE, EVENT_DTYPE):
        assert dtype.itemsize == RECORD_BYTES
        assert sum(dtype[name].itemsize for name in dtype.names or ()) == RECORD_BYTES


def test_the_words_are_numbered_as_in_the_core() -> None:
    for name, words in Engine.vocabulary().items():
        ours = {member.name: member.value for member in getattr(router.vocabulary, name)}
        snake = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word).upper(): n for word, n in words.items()}
        assert ours == snake, name


def test_a_batch_comes_back_as_events_in_order() -> None:
    engine = opened()
    batch = np.concatenate([orders(2, SELL, 101, 5), orders(1, BUY, 101, 7)])
    out = room(64)
    consumed, produced = engine.submit(batch, out)
    assert consumed == 3
    events = out[:produced]
    kinds = [EventKind(int(kind)) for kind in events["kind"]]
    accepted, rested, trade = EventKind.ACCEPTED, EventKind.RESTED, EventKind.TRADE
    assert kinds == [accepted, rested, accepted, rested, accepted, trade, trade]
    assert list(events["command"]) == [2, 2, 3, 3, 4, 4, 4]
    trades = events[events["kind"] == EventKind.TRADE]
    assert list(trades["qty"]) == [5, 2]
    assert list(trades["other_id"]) == [1, 2]
    assert list(trades["leaves"]) == [2, 0]
    assert not any(out[produced:].tobytes()), "nothing is written behind the events"


def test_commands_may_be_read_only() -> None:
    engine = opened()
    stored = np.frombuffer(orders(3).tobytes(), COMMAND_DTYPE)
    assert engine.submit(stored, room(16)) == (3, 6)


def test_an_empty_batch_consumes_nothing() -> None:
    assert opened().submit(orders(0), room(1)) == (0, 0)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64])
def test_a_small_out_loses_no_event_and_stops_before_the_next_command(size: int) -> None:
    batch = np.concatenate([orders(9, SELL, 101, 1), orders(3, BUY, 101, 3), orders(4, BUY, 99)])
    whole_engine, engine = opened(), opened()
    whole = room(256)
    _, total = whole_engine.submit(batch, whole)

    told: list[bytes] = []
    sent = 0
    while sent < len(batch) or engine.waiting:
        out = room(size)
        consumed, produced = engine.submit(batch[sent:], out)
        assert produced == size or sent + consumed == len(batch)
        # What waits is the rest of one command: an order here has 4 events at most.
        assert engine.waiting < 4
        sent += consumed
        told.append(out[:produced].tobytes())
    assert b"".join(told) == whole[:total].tobytes()
    assert engine.state_hash() == whole_engine.state_hash()


def test_waiting_events_can_be_drained() -> None:
    engine = opened()
    engine.submit(orders(10, SELL, 101, 1), room(64))
    out = room(1)
    assert engine.submit(orders(1, BUY, 101, 10), out) == (1, 1)
    assert engine.waiting == 10
    rest = room(64)
    assert engine.drain(rest) == 10
    assert set(rest["kind"][:10]) == {EventKind.TRADE}
    assert (engine.waiting, engine.drain(rest)) == (0, 0)


def test_a_single_call_leaves_waiting_events_where_they_are() -> None:
    engine = opened()
    assert engine.submit(orders(4), room(1)) == (1, 1)
    assert engine.waiting == 1
    ack = engine.place(0, 1, BUY, 90, 1)
    assert set(ack.events["command"]) == {ack.sequence}
    assert engine.waiting == 1
    out = room(4)
    assert engine.drain(out) == 1
    assert (out["kind"][0], out["command"][0]) == (EventKind.RESTED, ack.sequence - 1)


def bracket() -> np.ndarray[Any, Any]:
    """A buy at 100 that leaves by a sell at 110 or by a stop at 90."""
    batch = orders(3, SELL, 110)
    batch["list"] = [ListRole.BRACKET_HEAD, ListRole.LEG, ListRole.LEG]
    batch["side"][0], batch["price"][0] = BUY, 100
    batch["order_type"][2], batch["tif"][2] = 3, Tif.IOC
    batch["price"][2], batch["trigger"][2] = 0, 90
    return batch


def test_a_list_is_never_cut_where_a_long_batch_is_copied_in_parts() -> None:
    part = 1 << 14
    for before in (part - 3, part - 2, part - 1, part):
        engine = opened()
        batch = np.concatenate([orders(before, qty=1), bracket(), orders(2, qty=1)])
        out = room(4 * len(batch))
        consumed, produced = engine.submit(batch, out)
        assert consumed == len(batch)
        assert not (out["kind"][:produced] == EventKind.REJECTED).any()
        heads = out[:produced][out["command"][:produced] == 2 + before]
        assert list(heads["kind"][:3]) == [EventKind.ACCEPTED] * 3


def test_legs_without_their_head_are_refused_by_event() -> None:
    engine = opened()
    out = room(8)
    assert engine.submit(bracket()[:2], out) == (2, 1)
    assert (out["kind"][0], out["reason"][0]) == (EventKind.REJECTED, Reason.MALFORMED)


def test_a_second_caller_is_refused_by_code_while_a_batch_is_matched() -> None:
    engine = opened()
    batch, out = orders(200_000, qty=1), room(500_000)
    codes: list[str] = []
    started = threading.Event()

    def work() -> None:
        started.set()
        engine.submit(batch, out)

    worker = threading.Thread(target=work)
    worker.start()
    started.wait(10)
    while worker.is_alive():
        try:
            engine.best(0)
        except CoreError as refused:
            codes.append(refused.code)
    worker.join(10)
    assert set(codes) == {"ENGINE_BUSY"}, "the interpreter was not let go, or the wrong refusal"
    assert engine.sequence == 200_002


def test_a_writer_in_another_thread_cannot_change_what_is_being_matched() -> None:
    # Whole records from before or after a write may be seen, never a mixture.
    engine = opened()
    batch, out = orders(100_000, BUY, 100, 100), room(300_000)
    stop = threading.Event()

    def scribble() -> None:
        while not stop.is_set():
            batch["price"], batch["qty"] = 200, 200
            batch["price"], batch["qty"] = 100, 100

    writer = threading.Thread(target=scribble)
    writer.start()
    try:
        consumed, produced = engine.submit(batch, out)
    finally:
        stop.set()
        writer.join(10)
    assert consumed == len(batch)
    # NumPy writes field by field, so that a copy may fall between; it is the same for a whole copy.
    seen = out[:produced]
    assert set(seen["price"]) <= {100, 200}
    assert set(seen["qty"]) <= {100, 200}
    rested = seen[seen["kind"] == EventKind.RESTED]
    accepted = seen[seen["kind"] == EventKind.ACCEPTED]
    assert (rested["price"] == accepted["price"]).all()
    assert (rested["qty"] == accepted["qty"]).all()


def test_single_calls_are_batches_of_one() -> None:
    one, many = opened(), opened()
    one.place(0, 1, SELL, 105, 9)
    ack = one.place(0, 2, BUY, 105, 4, tif=Tif.IOC, client_id=7)
    batch = np.concatenate([orders(1, SELL, 105, 9), orders(1, BUY, 105, 4)])
    batch["account"], batch["tif"][1], batch["client_id"][1] = [1, 2], Tif.IOC, 7
    out = room(16)
    _, produced = many.submit(batch, out)
    assert one.state_hash() == many.state_hash()
    last = out[:produced][out["command"][:produced] == 3]
    assert ack.events.tobytes() == last.tobytes()
    assert (ack.order_id, ack.filled_lots, ack.open_lots, ack.fills) == (2, 4, 0, [(1, 105, 4)])


def test_an_ack_tells_what_became_of_the_order() -> None:
    engine = opened()
    rest = engine.place(0, 1, SELL, 105, 9)
    assert (rest.is_rejected, rest.reason, rest.open_lots) == (False, 0, 9)
    smaller = engine.amend(0, 1, rest.order_id, qty=6)
    assert (smaller.open_lots, smaller.removed_lots) == (6, 3)
    refused = engine.place(0, 2, BUY, 105, 1, flags=OrderFlag.POST_ONLY)
    assert (refused.is_rejected, refused.reason) == (True, Reason.WOULD_CROSS)
    own = engine.place(0, 1, BUY, 105, 2, stp=StpMode.EXPIRE_TAKER)
    assert (own.reason, own.removed_lots, own.filled_lots) == (Reason.SELF_TRADE, 2, 0)
    gone = engine.cancel(0, 1, rest.order_id)
    assert (gone.reason, gone.removed_lots, gone.open_lots) == (Reason.REQUESTED, 6, 0)
    assert engine.cancel(0, 1, rest.order_id).reason == Reason.ORDER_CLOSED
    first = engine.place(0, 1, BUY, 1, 1, client_id=5)
    again = engine.place(0, 1, BUY, 1, 1, client_id=5)
    assert (again.is_duplicate, again.order_id) == (True, first.order_id)


@pytest.mark.parametrize("number", [-1, 2**64, 2**200])
def test_numbers_beyond_their_fields_are_no_command(number: int) -> None:
    engine = opened()
    for call in (
        lambda: engine.place(number, 1, BUY, 1, 1),
        lambda: engine.place(0, 1, BUY, 1, number),
        lambda: engine.place(0, 1, number, 1, 1),
        lambda: engine.cancel(0, 1, number),
        lambda: engine.command(number),
        lambda: engine.levels(number, BUY),
        lambda: engine.orders(0, number),
        lambda: engine.best(number),
        lambda: Engine(max_orders=number),
    ):
        with pytest.raises(CoreError) as refused:
            call()
        assert refused.value.code == "ORDER_INVALID"
    assert engine.sequence == 2


def test_the_book_reads_as_levels_and_as_orders() -> None:
    engine = opened()
    for price, qty in ((100, 5), (99, 1), (100, 2)):
        engine.place(0, 1, BUY, price, qty)
    engine.place(0, 2, SELL, 103, 10, display=4)
    assert engine.best(0) == (100, 103)
    assert engine.levels(0, BUY) == [(100, 7), (99, 1)]
    assert engine.levels(0, SELL, 1) == [(103, 4)]
    prices, lots = engine.depth(0, BUY, 1)
    assert (prices.tolist(), lots.tolist()) == ([100], [7])
    book = engine.orders(0)
    assert book.dtype == ORDER_DTYPE
    assert book["order_id"].tolist() == [1, 3, 2, 1 + 3]
    assert book["displayed"].tolist() == [5, 2, 1, 4]
    assert book["open"].tolist() == [5, 2, 1, 10]
    assert book["side"].tolist() == [BUY, BUY, BUY, SELL]
    assert engine.order_ids(0, BUY) == [1, 3, 2]
    assert len(engine.orders(0, SELL)) == 1
    assert engine.makers(0, SELL, 100, 6) == [(1, 100, 5), (3, 100, 2)]
    assert engine.best(7) == (0, 0)


def test_a_saved_state_goes_on_as_the_first() -> None:
    engine = opened()
    engine.submit(orders(50, SELL, 120, 3), room(200))
    image = engine.save()
    loaded = Engine.load(image)
    assert loaded.state_hash() == engine.state_hash()
    assert loaded.sequence == engine.sequence
    batch = orders(20, BUY, 120, 4)
    ours, theirs = room(200), room(200)
    assert engine.submit(batch, ours) == loaded.submit(batch, theirs)
    assert ours.tobytes() == theirs.tobytes()
    assert loaded.save() == engine.save()


@pytest.mark.parametrize("cut", [0, 1, 7, -1])
def test_what_is_no_saved_state_is_refused(cut: int) -> None:
    with pytest.raises(CoreError) as refused:
        Engine.load(opened().save()[:cut])
    assert refused.value.code == "IMAGE_INVALID"


def test_memory_grows_with_orders_and_is_told() -> None:
    engine = opened()
    before = engine.memory_bytes()
    engine.submit(orders(10_000, qty=1), room(30_000))
    assert engine.memory_bytes() > before + 10_000 * 32


def test_importing_the_core_does_not_load_numpy() -> None:
    program = (
        "import sys, router, router.core, router.execution.own_book\n"
        "e = router.core.Engine(); e.add_instrument(0); e.place(0, 0, 0, 1, 1)\n"
        "print('numpy' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert told.stdout == "False\n"
