"""The signer refuses by itself while the database says that it is frozen."""

from collections.abc import AsyncIterator

import pytest

from connectors.chain.keystore import HotKey
from connectors.chain.policy import SignerPolicy
from connectors.chain.signer import LocalSigner
from router.bootstrap.freeze_watch import FreezeWatch
from router.domain.errors import FailureError
from router.domain.settlement import PlanPermit, TxRequest
from router.ports import UnitOfWork
from router.storage import SqlDatabase, open_database

CHAIN_ID = 31337
KEY = HotKey(bytes.fromhex("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"))
TOKEN = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
EXECUTOR = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
PERMIT2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3"


class Crash(Exception):
    """Ends a change before it is kept."""


@pytest.fixture
async def stored() -> AsyncIterator[SqlDatabase]:
    database = open_database("sqlite://")
    yield database
    await database.close()


@pytest.fixture
def watch(stored: SqlDatabase) -> FreezeWatch:
    return FreezeWatch(stored)


@pytest.fixture
def signer(watch: FreezeWatch) -> LocalSigner:
    policy = SignerPolicy(
        chain_id=CHAIN_ID,
        executor=EXECUTOR,
        permit2=PERMIT2,
        tokens=frozenset({TOKEN}),
        max_gas_cost_wei=10**18,
    )
    return LocalSigner(KEY, policy, is_frozen=watch.reason)


def sign(signer: LocalSigner) -> None:
    request = TxRequest(to=signer.address, data=b"", value_wei=0, gas_limit=21_000)
    signer.sign_transaction(request, chain_id=CHAIN_ID, nonce=0, max_fee_wei=1, max_tip_wei=1)


def sign_permit(signer: LocalSigner) -> None:
    permit = PlanPermit(
        token=TOKEN, amount=1, spender=EXECUTOR, nonce=1, deadline_s=1, plan_hash=b"\1" * 32
    )
    signer.sign_plan_permit(permit, chain_id=CHAIN_ID)


def require_frozen(signer: LocalSigner, reason: str) -> None:
    for act in (sign, sign_permit):
        with pytest.raises(FailureError, match=reason) as caught:
            act(signer)
        assert caught.value.code == "SIGNER_FROZEN"


async def test_nothing_is_signed_before_the_flag_was_read(
    watch: FreezeWatch, signer: LocalSigner
) -> None:
    require_frozen(signer, "not read yet")
    await watch.write(lambda _uow: None)
    sign(signer)
    sign_permit(signer)


async def test_a_freeze_is_found_at_the_start_and_a_thaw_lets_the_signer_go_on(
    stored: SqlDatabase, watch: FreezeWatch, signer: LocalSigner
) -> None:
    await stored.write(lambda uow: uow.custody.freeze("found by an earlier run"))
    assert await watch.write(lambda uow: uow.settlement.intents()) == []
    require_frozen(signer, "found by an earlier run")
    await watch.write(lambda uow: uow.custody.freeze(thaw=True))
    sign(signer)
    sign_permit(signer)


async def test_a_freeze_by_whatever_part_of_the_program_stops_the_signer_at_once(
    watch: FreezeWatch, signer: LocalSigner
) -> None:
    await watch.write(lambda _uow: None)
    sign(signer)
    await watch.write(lambda uow: uow.custody.freeze("money left"))
    require_frozen(signer, "money left")
    assert await watch.read(lambda uow: uow.custody.freeze()) == "money left"
    require_frozen(signer, "money left")


async def test_a_change_that_is_undone_freezes_and_thaws_nothing(
    watch: FreezeWatch, signer: LocalSigner
) -> None:
    def freeze_and_fail(uow: UnitOfWork) -> None:
        uow.custody.freeze("never kept")
        raise Crash

    await watch.write(lambda _uow: None)
    with pytest.raises(Crash):
        await watch.write(freeze_and_fail)
    sign(signer)
