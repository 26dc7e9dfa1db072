"""The permit contract's allowance over a token that refuses to change one that is not zero."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from router.domain.amounts import UINT256_MAX
from router.domain.assets import Asset
from router.domain.errors import FailureError
from router.domain.settlement import IntentKind, IntentSpec, TxRequest
from router.execution.allowance import PermitAllowance
from tests.unit.router.execution.execution_world import HOT, USDC, StillClock


@dataclass
class Token:
    """A token with its node, its sender and its encoder; `pending` is mined with the next send."""

    allowance: int = 0
    refuses: bool = False
    pending: list[int] = field(default_factory=list)
    sent: list[IntentSpec] = field(default_factory=list)
    address: str = HOT

    async def call(self, to: str, _question: bytes) -> bytes:
        assert to == USDC.address
        return self.allowance.to_bytes(32)

    def approval(self, asset: Asset, units: int) -> TxRequest:
        return TxRequest(to=asset.address, data=units.to_bytes(32), value_wei=0, gas_limit=1)

    async def submit(self, spec: IntentSpec) -> SimpleNamespace:
        assert spec.kind is IntentKind.APPROVE
        assert spec.key not in {earlier.key for earlier in self.sent}
        self.sent.append(spec)
        self.pending.append(int.from_bytes(spec.request.data))
        return SimpleNamespace(intent_id=spec.key)

    async def result(self, _intent_id: str) -> None:
        for units in self.pending:
            if not self.refuses and not (self.allowance and units):
                self.allowance = units
        self.pending = []


def allowance_over(token: Token) -> PermitAllowance:
    return PermitAllowance(
        sender=token,  # type: ignore[arg-type]
        encoder=token,  # type: ignore[arg-type]
        chain=token,  # type: ignore[arg-type]
        clock=StillClock(),
        permit_contract="0x" + "f" * 40,
        call_timeout_s=1,
        inclusion_timeout_s=1,
    )


@pytest.mark.parametrize(
    ("found", "approved"), [(0, [UINT256_MAX]), (99, [0, UINT256_MAX]), (100, [])]
)
async def test_what_does_not_suffice_is_set_to_zero_and_then_to_unlimited(
    found: int, approved: list[int]
) -> None:
    token = Token(allowance=found)
    await allowance_over(token).ensure(USDC, 100)
    assert [int.from_bytes(spec.request.data) for spec in token.sent] == approved
    assert token.allowance >= 100


async def test_an_approval_that_an_earlier_run_left_behind_serves_as_well() -> None:
    token = Token(pending=[UINT256_MAX])
    await allowance_over(token).ensure(USDC, 100)
    assert len(token.sent) == 1, "it was refused, since the earlier one came first"
    assert token.allowance == UINT256_MAX


async def test_a_token_that_takes_no_approval_is_a_failure() -> None:
    token = Token(refuses=True)
    with pytest.raises(FailureError, match="refused the approval") as caught:
        await allowance_over(token).ensure(USDC, 100)
    assert caught.value.code == "CONTRACT_REVERTED"


async def test_many_orders_at_once_give_one_approval() -> None:
    token = Token()
    allowance = allowance_over(token)
    async with asyncio.TaskGroup() as group:
        for units in range(1, 9):
            group.create_task(allowance.ensure(USDC, units))
    assert len(token.sent) == 1
