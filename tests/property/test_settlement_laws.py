"""Settlement under arbitrary crashes, lost replies, reorganisations and forgetful nodes.

The law: each accepted withdrawal is paid at most once at any moment, and in the end exactly once
unless its own cancellation was mined; every hold ends; ledger and chain agree to the unit.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import structlog
from eth_utils.address import to_checksum_address
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.domain.amounts import Amount
from router.domain.errors import FailureError
from router.domain.settlement import IntentState
from router.telemetry import configure_logs
from tests.unit.router.settlement.fake_chain import GWEI, USDC
from tests.unit.router.settlement.world import OPENED, Crash, World, open_world, require_sound

CONFIRMATIONS = 3
MAX_PAYMENTS = 5
ACCEPTING = ("numbered", "held", "reserved")
DRIVING = ("signed", "stored", "marked", "sent", "mined", "settled", "reverted", "reorged")
BUMPING = ("signed", "bumped", "marked", "sent")


@dataclass(slots=True)
class Story:
    """One run: what clients asked for, what was promised, and the acts that may befall it."""

    world: World
    asked: dict[str, tuple[str, int]] = field(default_factory=dict)
    accepted: dict[str, str] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)

    async def withdraw(self, units: int, die_at: str | None) -> None:
        """A client asks; when no answer comes because we died, it asks again."""
        if len(self.asked) < MAX_PAYMENTS:
            number = len(self.asked) + 1
            destination = to_checksum_address(f"0x{number:036x}feed")
            self.asked[f"client-{number}"] = (destination, units)
            self.world.script.die_at = die_at
            await self.ask_all()

    async def ask_all(self) -> None:
        for client_id, (destination, units) in self.asked.items():
            amount = Amount(units, USDC)
            while True:
                try:
                    made = await self.world.custody.withdraw(
                        "alice", amount, destination, client_id
                    )
                    break
                except Crash:
                    self.world.restart()
            assert self.accepted.setdefault(client_id, made.intent_id) == made.intent_id
        self.world.script.die_at = None

    async def drive(self, rounds: int, mined: int, die_at: str | None) -> None:
        """Settlement works while blocks come; perhaps it dies on the way and starts anew."""
        self.world.script.die_at = die_at
        if die_at == "wire":
            self.world.chain.faults.die_on_the_wire = Crash(die_at)
        for _ in range(rounds):
            await self._step()
            self.world.chain.mine(mined)
        self.world.script.die_at = None
        self.world.chain.faults.die_on_the_wire = None

    async def fee_spike(self, gwei: int, calms: bool, die_at: str | None) -> None:
        """What waits is replaced by an attempt with higher fees; perhaps that is never sent."""
        chain = self.world.chain
        chain.base_fee_wei = gwei * GWEI
        await self._step()
        chain.mine(3)
        await self.drive(1, 0, die_at)
        if calms:
            chain.base_fee_wei = GWEI
        chain.mine_any_ever_sent(-1)

    async def any_attempt_is_mined(self, pick: int) -> None:
        self.world.chain.mine_any_ever_sent(pick)

    async def finality_then_reorganisation(self, depth: int) -> None:
        """The deepest allowed reorganisation just when something has become final."""
        for _ in range(CONFIRMATIONS):
            await self._step()
            self.world.chain.mine()
            await self._step()
        self.world.chain.reorg(depth, keep=False)

    async def reorganise(self, depth: int, keep: bool) -> None:
        self.world.chain.reorg(depth, keep=keep)

    async def pool_is_forgotten(self) -> None:
        self.world.chain.drop_pool()

    async def replies_are_lost(self, count: int) -> None:
        self.world.chain.faults.lose_replies = count

    async def connection_is_refused(self) -> None:
        self.world.chain.faults.refuse_sends = 1

    async def time_passes(self, seconds: int) -> None:
        self.world.clock.ms += seconds * 1000

    async def resume_twice(self) -> None:
        self.world.restart()
        await self.world.settlement.resume(wait_s=0)
        await self.world.settlement.resume(wait_s=0)

    async def cancel(self, pick: int) -> None:
        """Cancelling races with the payment: whichever is mined decides."""
        if self.accepted:
            client_id = sorted(self.accepted)[pick % len(self.accepted)]
            with contextlib.suppress(FailureError):  # Too late, or its fees are at the cap.
                await self.world.settlement.cancel(self.accepted[client_id])
                self.cancelled.add(client_id)
            self.world.chain.mine_any_ever_sent(pick)

    def require_nobody_paid_twice(self) -> None:
        for destination, units in self.asked.values():
            assert self.world.chain.units(USDC, destination) in (0, units)
            assert len(self.world.chain.mined_payments(USDC, destination)) <= 1

    async def finish(self) -> None:
        """Nothing goes wrong any more: everything has to come to its end."""
        world = self.world
        world.chain.faults.lose_replies = world.chain.faults.refuse_sends = 0
        world.chain.base_fee_wei = GWEI
        world.restart()
        still_open = 1
        for _ in range(100):
            world.clock.ms += 1_000
            still_open = await world.settlement.step()
            if not still_open:
                break
            world.chain.mine()
        assert not still_open
        for client_id, (destination, units) in self.asked.items():
            intent = await world.settlement.result(self.accepted[client_id])
            assert intent.state.is_final
            assert intent.state is IntentState.SETTLED or client_id in self.cancelled
            paid = units if intent.state is IntentState.SETTLED else 0
            assert world.chain.units(USDC, destination) == paid
        await require_sound(world)

    async def _step(self) -> None:
        try:
            await self.world.settlement.step()
        except Crash:
            self.world.restart()
            # The next start finds other fees: what is signed anew is another transaction.
            self.world.chain.base_fee_wei += 1
        reason = await self.world.database.read(lambda uow: uow.custody.freeze())
        assert reason is None, reason


def act(name: str, **arguments: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[str, dict]]:
    return st.tuples(st.just(name), st.fixed_dictionaries(arguments))


def maybe(steps: tuple[str, ...]) -> st.SearchStrategy[str | None]:
    """Dying is the rule here, most often on the "wire": the node has the bytes, we cannot know."""
    return st.sampled_from([None, "wire", "wire", *steps])


ACTS = st.one_of(
    act("withdraw", units=st.integers(1, 10**9), die_at=st.sampled_from([None, *ACCEPTING])),
    act("drive", rounds=st.integers(1, 4), mined=st.integers(0, 2), die_at=maybe(DRIVING)),
    act("fee_spike", gwei=st.sampled_from([20, 150]), calms=st.booleans(), die_at=maybe(BUMPING)),
    act("any_attempt_is_mined", pick=st.integers(0, 10)),
    act("finality_then_reorganisation", depth=st.integers(1, CONFIRMATIONS - 1)),
    act("reorganise", depth=st.integers(1, CONFIRMATIONS - 1), keep=st.booleans()),
    act("pool_is_forgotten"),
    act("replies_are_lost", count=st.integers(1, 2)),
    act("connection_is_refused"),
    act("time_passes", seconds=st.integers(1, 30)),
    act("resume_twice"),
    act("cancel", pick=st.integers(0, 5)),
)


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Thousands of expected warnings would take longer than what they tell of."""
    configure_logs("error")
    yield
    structlog.reset_defaults()


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(acts=st.lists(ACTS, min_size=12, max_size=30), max_in_flight=st.integers(1, 3))
async def test_no_withdrawal_is_paid_twice_or_lost_whatever_happens(
    acts: list[tuple[str, dict]], max_in_flight: int
) -> None:
    world = await open_world(
        confirmations=CONFIRMATIONS,
        automine=False,
        max_in_flight=max_in_flight,
        resend_after_ms=500,
        bump_after_blocks=2,
    )
    story = Story(world)
    try:
        await story.withdraw(1_000, None)
        for name, arguments in acts:
            await getattr(story, name)(**arguments)
            story.require_nobody_paid_twice()
        await story.finish()
    finally:
        OPENED.remove(world.database)
        await world.database.close()
