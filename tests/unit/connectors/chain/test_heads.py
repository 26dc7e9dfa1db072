"""Head tracking against a model chain that grows, forks and rolls back."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.chain.heads import HeadChange, HeadTracker
from router.domain.errors import VenueUnavailable
from router.domain.market import BlockRef


class ModelChain:
    """A chain as a list; every block ever made has its own hash."""

    def __init__(self) -> None:
        self.blocks: list[BlockRef] = []
        self.made = 0
        self.reads = 0
        self.grow(1)

    def grow(self, count: int) -> None:
        for _ in range(count):
            parent = self.blocks[-1].hash if self.blocks else "0x0"
            self.made += 1
            self.blocks.append(
                BlockRef(
                    number=len(self.blocks),
                    hash=f"0x{self.made:x}",
                    parent_hash=parent,
                    timestamp_s=self.made,
                    base_fee_wei=7,
                )
            )

    def cut(self, count: int) -> None:
        """Remove up to `count` blocks, never the first."""
        keep = max(1, len(self.blocks) - count)
        del self.blocks[keep:]

    async def head(self) -> BlockRef:
        return self.blocks[-1]

    async def block(self, number: int) -> BlockRef | None:
        self.reads += 1
        return self.blocks[number] if number < len(self.blocks) else None


def apply(view: list[BlockRef], change: HeadChange) -> None:
    """What a follower does: drop the orphans from the end, then append."""
    for orphan in change.orphaned:
        assert view.pop() == orphan
    if change.lost_track:
        view.clear()
    view.extend(change.added)


STEPS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=30)


@given(STEPS)
async def test_folding_the_changes_gives_the_chain_whatever_it_did(
    steps: list[tuple[int, int]],
) -> None:
    chain = ModelChain()
    tracker = HeadTracker(chain)
    view: list[BlockRef] = []
    for cut, grow in [(0, 0), *steps]:
        chain.cut(cut)
        chain.grow(grow)
        change = await tracker.poll()
        if change is not None:
            apply(view, change)
            assert not change.lost_track
        assert view == chain.blocks
        assert tracker.head == chain.blocks[-1]


async def test_an_unchanged_head_costs_no_block_read_and_is_no_change() -> None:
    chain = ModelChain()
    tracker = HeadTracker(chain)
    assert await tracker.poll() is not None
    assert await tracker.poll() is None
    assert chain.reads == 0


async def test_a_rollback_orphans_and_adds_nothing() -> None:
    chain = ModelChain()
    tracker = HeadTracker(chain)
    await tracker.poll()
    chain.grow(3)
    await tracker.poll()
    gone = tuple(reversed(chain.blocks[2:]))
    chain.cut(2)
    assert await tracker.poll() == HeadChange(orphaned=gone, added=())


async def test_a_reorganisation_below_the_history_says_that_track_was_lost() -> None:
    chain = ModelChain()
    tracker = HeadTracker(chain, history=4)
    await tracker.poll()
    chain.grow(10)
    change = await tracker.poll()
    assert change is not None
    assert change.lost_track
    assert len(tracker.known()) <= 4
    chain.cut(8)
    chain.grow(9)
    change = await tracker.poll()
    assert change is not None
    assert change.lost_track
    assert tracker.head == chain.blocks[-1]


async def test_the_history_is_bounded_and_linked() -> None:
    chain = ModelChain()
    tracker = HeadTracker(chain, history=5)
    for _ in range(20):
        chain.grow(2)
        await tracker.poll()
    known = tracker.known()
    assert len(known) == 5
    assert all(b.parent_hash == a.hash for a, b in itertools.pairwise(known))


async def test_a_chain_that_never_stands_still_is_unavailable_and_changes_nothing() -> None:
    class Restless(ModelChain):
        async def block(self, number: int) -> BlockRef | None:
            self.cut(3)
            self.grow(3)
            return await super().block(number)

    chain = Restless()
    tracker = HeadTracker(chain)
    await tracker.poll()
    before = tracker.known()
    chain.grow(5)
    with pytest.raises(VenueUnavailable):
        await tracker.poll()
    assert tracker.known() == before


async def test_changes_polls_on_the_injected_clock() -> None:
    chain = ModelChain()
    slept: list[float] = []

    class StepClock:
        def now_ms(self) -> int:
            return 0

        async def sleep_s(self, seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 2:
                chain.grow(1)

    numbers = []
    async for change in HeadTracker(chain).changes(StepClock(), 0.5):
        numbers.append([block.number for block in change.added])
        if len(numbers) == 2:
            break
    assert numbers == [[0], [1]]
    assert slept == [0.5, 0.5]
