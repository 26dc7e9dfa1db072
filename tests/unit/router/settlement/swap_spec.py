"""A swap on the fake chain: alice sells 1 000 base units of USDC for 5 of WETH."""

from collections.abc import Callable

from router.domain.ledger import user_account
from router.domain.settlement import Intent, IntentKind, IntentSpec, TxRequest
from router.ledger import place_hold
from router.ports import UnitOfWork
from tests.unit.router.settlement.fake_chain import EXECUTOR, GAS_USED, USDC, WETH, swap_call

SPEC = IntentSpec(
    key="one",
    kind=IntentKind.SWAP,
    request=TxRequest(
        to=EXECUTOR, data=swap_call(USDC, 1_000, WETH, 5), value_wei=0, gas_limit=GAS_USED
    ),
    reference="order-1",
    hold_id="hold-1",
    details='{"account":"alice"}',
)


def holding(units: int) -> Callable[[UnitOfWork, Intent], None]:
    def hold(uow: UnitOfWork, _intent: Intent) -> None:
        place_hold(uow.ledger, "hold-1", user_account("alice"), "USDC", units, "order-1")

    return hold
