"""However a flow of commands is cut into batches, and however small the room for events is, the
engine says the same and ends in the same state; no bytes make it fail."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core import Engine
from router.records import COMMAND_DTYPE, EVENT_DTYPE, RECORD_BYTES
from router.vocabulary import (
    CommandKind,
    EventKind,
    ListRole,
    OrderFlag,
    OrderType,
    Phase,
    RuleKind,
    StpMode,
    Tif,
)

Batch = np.ndarray[Any, Any]
ACCOUNTS = 4

small = st.integers(0, 12)
orders = st.fixed_dictionaries(
    {
        "kind": st.just(CommandKind.NEW),
        "side": st.integers(0, 1),
        "order_type": st.sampled_from(
            [OrderType.LIMIT] * 4 + [OrderType.MARKET, OrderType.STOP, OrderType.STOP_LIMIT]
        ),
        "tif": st.sampled_from([Tif.GTC] * 3 + [Tif.IOC, Tif.FOK, Tif.DAY]),
        "flags": st.sampled_from([0, 0, 0, OrderFlag.POST_ONLY, OrderFlag.REDUCE_ONLY]),
        "stp": st.sampled_from(list(StpMode)),
        "list": st.sampled_from([0] * 8 + list(ListRole)),
        "account": st.integers(0, ACCOUNTS),
        "client_id": st.sampled_from([0, 0, 1, 2, 3]),
        "price": small,
        "qty": small,
        "trigger": st.sampled_from([0, 0, 0, 5, 6, 7]),
        "display": st.sampled_from([0, 0, 0, 2]),
    }
)
on_orders = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([CommandKind.CANCEL, CommandKind.AMEND, CommandKind.REDUCE]),
        "account": st.integers(0, ACCOUNTS - 1),
        "order_id": st.integers(0, 30),
        "price": st.just(0),
        "qty": st.sampled_from([0, 0, 3]),
    }
)
others = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(list(CommandKind)),
        "order_type": st.sampled_from([Phase.AUCTION, Phase.CONTINUOUS, RuleKind.MAX_QTY]),
        "account": st.integers(0, ACCOUNTS - 1),
        "flags": st.integers(0, 15),
        "order_id": st.sampled_from([0, 1]),
        "qty": st.sampled_from([0, 1, 10]),
        "price": st.sampled_from([0, 6]),
    }
)
commands = st.one_of(orders, orders, orders, on_orders, others)
flows = st.lists(commands, max_size=60)


def opened() -> Engine:
    engine = Engine(max_accounts=ACCOUNTS, max_assets=2, max_instruments=2)
    engine.add_instrument(0)
    engine.set_phase(0, Phase.CONTINUOUS)
    return engine


def batch_of(flow: list[dict[str, int]]) -> Batch:
    batch = np.zeros(len(flow), COMMAND_DTYPE)
    for record, fields in zip(batch, flow, strict=True):
        for name, value in fields.items():
            record[name] = value
    return batch


def pieces(batch: Batch, cuts: list[int]) -> list[Batch]:
    """Cut a batch, but never in front of a leg: its head has to be in the same batch."""
    is_leg = (batch["kind"] == CommandKind.NEW) & (batch["list"] == ListRole.LEG)
    places = sorted({cut for cut in cuts if cut < len(batch) and not is_leg[cut]})
    return np.split(batch, places)


def told(engine: Engine, batch: Batch, room: int) -> bytes:
    """Return the bytes of all events of a batch, taken out `room` at a time."""
    events: list[bytes] = []
    out = np.zeros(room, EVENT_DTYPE)
    sent = 0
    while sent < len(batch) or engine.waiting:
        consumed, produced = engine.submit(batch[sent:], out)
        assert consumed or produced
        sent += consumed
        events.append(out[:produced].tobytes())
    return b"".join(events)


@settings(deadline=None)
@given(
    flow=flows,
    cuts=st.lists(st.integers(0, 60), max_size=8),
    rooms=st.tuples(*[st.integers(1, 40)] * 2),
)
def test_cutting_a_flow_changes_neither_events_nor_state(
    flow: list[dict[str, int]], cuts: list[int], rooms: tuple[int, int]
) -> None:
    batch = batch_of(flow)
    whole, cut = opened(), opened()
    first = told(whole, batch, rooms[0])
    second = b"".join(told(cut, piece, rooms[1]) for piece in pieces(batch, cuts))
    assert first == second
    assert whole.state_hash() == cut.state_hash()
    assert whole.sequence == cut.sequence == len(batch) + 2


@settings(deadline=None)
@given(before=flows, after=flows)
def test_a_saved_engine_goes_on_as_if_it_had_never_stopped(
    before: list[dict[str, int]], after: list[dict[str, int]]
) -> None:
    engine = opened()
    told(engine, batch_of(before), 64)
    loaded = Engine.load(engine.save())
    assert loaded.state_hash() == engine.state_hash()
    assert told(loaded, batch_of(after), 64) == told(engine, batch_of(after), 64)
    assert loaded.save() == engine.save()


@settings(deadline=None)
@given(flow=flows)
def test_each_command_is_answered_and_a_refused_one_changes_nothing(
    flow: list[dict[str, int]],
) -> None:
    engine = opened()
    for fields in flow:
        given = {"list_role" if name == "list" else name: n for name, n in fields.items()}
        before, sequence = engine.save(), engine.sequence
        ack = engine.command(**given)
        events = ack.events
        assert len(events) or fields["kind"] == CommandKind.TICK
        assert set(events["command"]) <= {sequence}
        if ack.is_rejected or ack.is_duplicate:
            assert len(events) == 1
            assert without_sequence(engine.save()) == without_sequence(before)
        bid, ask = engine.best(0)
        taken = np.isin(events["kind"], [EventKind.TRADE, EventKind.UNCROSS]).any()
        assert not (taken and bid and ask and bid >= ask), "a trade left the book crossed"


def without_sequence(image: bytes) -> bytes:
    """Cut out the number of commands so far, the one thing that a refusal counts up.

    It stands behind magic, two versions and the caps.
    """
    start = 3 * 4 + 7 * 4 + 8
    return image[:start] + image[start + 8 :]


@settings(deadline=None)
@given(
    noise=st.binary(min_size=RECORD_BYTES, max_size=8 * RECORD_BYTES),
    flow=flows,
    place=st.integers(0, 60 * RECORD_BYTES),
)
def test_no_bytes_make_the_engine_fail(
    noise: bytes, flow: list[dict[str, int]], place: int
) -> None:
    mixed = bytearray(batch_of(flow).tobytes())
    mixed[place : place + len(noise)] = noise
    batch = np.frombuffer(bytes(mixed[: len(mixed) // RECORD_BYTES * RECORD_BYTES]), COMMAND_DTYPE)
    first, second = opened(), opened()
    assert told(first, batch, 8) == told(second, batch, 1000)
    assert first.sequence == len(batch) + 2
    assert first.state_hash() == second.state_hash()
