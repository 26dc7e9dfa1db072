"""Turns the on-chain legs of a plan into one call of the executor contract: port `SwapEncoder`."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from connectors.chain.abi import load_contract
from connectors.chain.erc20 import APPROVE, is_transfer, topic_address
from connectors.dex.balancer.calls import balancer_step
from connectors.dex.curve.calls import curve_step
from connectors.dex.uniswap_v2.calls import v2_step
from connectors.dex.uniswap_v3.calls import v3_step
from connectors.dex.uniswap_v4.calls import v4_step
from router.domain.amounts import BPS_ONE, UINT256_MAX
from router.domain.assets import Asset
from router.domain.market import PoolRef, Protocol
from router.domain.routes import Leg
from router.domain.settlement import Log, PlanPermit, Receipt, TxRequest
from router.ports import Signer

PERMIT2_ADDRESS: Final = "0x000000000022D473030F116dDEE9F6B43aC78BA3"
PLAN_TYPE: Final = (
    "(bytes32,address,uint256,uint256,uint256,"
    "(uint8,address,address,address,uint24,uint256,bytes32)[],(address,uint256)[])"
)
# What a plan takes besides its swaps: the transaction itself, the permit and its signature check,
# the pull, the bookkeeping and the event; each output pays for one transfer and two balances. It is
# more than the plan's share of the gas used, since storage refunds come after the last step.
PLAN_GAS: Final = 150_000
OUTPUT_GAS: Final = 60_000
# A token that is only passed on is refunded too, at the end.
REFUND_GAS: Final = 20_000
# A leg's own estimate is for a pool in use. Each counter that leaves zero costs 17,100 once: two of
# the pool on its first swap, two of each tick when it is first crossed.
FIRST_USE_GAS: Final = 2 * 17_100
# A limit that is too low loses the whole gas of the plan, one that is too high loses nothing.
GAS_MARGIN_BPS: Final = 3_000
# More than this no transaction may ask for since EIP-7825, whatever it uses.
GAS_LIMIT_MAX: Final = 2**24
APPROVAL_GAS_LIMIT: Final = 120_000

Step = tuple[int, str, str, str, int, int, bytes]
Plan = tuple[bytes, str, int, int, int, list[Step], list[tuple[str, int]]]
# Of these the leg itself says enough; the others need to know more about the pool.
_STEPS: Final[Mapping[Protocol, Callable[[Leg, str, int], Step]]] = {
    Protocol.UNISWAP_V2: v2_step,
    Protocol.UNISWAP_V3: v3_step,
}
_POOL_STEPS: Final[Mapping[Protocol, Callable[[Leg, PoolRef, int], Step]]] = {
    Protocol.UNISWAP_V4: v4_step,
    Protocol.CURVE: curve_step,
    Protocol.BALANCER: balancer_step,
}


class ExecutorEncoder:
    """Encodes plans for one deployment of the executor, whose operator is the hot wallet."""

    def __init__(
        self,
        executor_address: str,
        permit2_address: str = PERMIT2_ADDRESS,
        pools: Iterable[PoolRef] = (),
    ) -> None:
        """Bind to the contracts.

        Args:
            pools: those of Uniswap V4, Curve and Balancer must be here to be swapped in.
        """
        self._executor = executor_address
        self._permit2 = permit2_address
        self._pools = {pool.venue_id: pool for pool in pools}

    @property
    def executor_address(self) -> str:
        return self._executor

    def encode(
        self,
        *,
        plan_id: bytes,
        legs: Sequence[Leg],
        amount_in_units: int,
        minimums: Sequence[tuple[Asset, int]],
        permit_nonce: int,
        deadline_s: int,
        signer: Signer,
        chain_id: int,
    ) -> TxRequest:
        """Return the call with its permit signed; `minimums` lists each delivered asset once.

        Legs are swapped in their order; one that takes the rest swaps all that is there. Everything
        that may remain of an asset must be listed, or the contract reverts.

        Raises:
            ValueError: no leg, a leg that is not on chain or of an unknown pool, or no positive
                minimum.
            FailureError: the signer's refusals.
        """
        if not legs or not minimums or amount_in_units <= 0:
            raise ValueError("a plan has legs, outputs and an input")
        if any(minimum <= 0 for _, minimum in minimums):
            raise ValueError("every output has a positive minimum")
        plan: Plan = (
            plan_id,
            legs[0].asset_in.address,
            amount_in_units,
            permit_nonce,
            deadline_s,
            [self._step(leg) for leg in legs],
            [(asset.address, minimum) for asset, minimum in minimums],
        )
        permit = PlanPermit(
            token=legs[0].asset_in.address,
            amount=amount_in_units,
            spender=self._executor,
            nonce=permit_nonce,
            deadline_s=deadline_s,
            plan_hash=hash_plan(plan),
        )
        signature = signer.sign_plan_permit(permit, chain_id=chain_id)
        execute = load_contract("RouteExecutor").functions["execute"]
        return TxRequest(
            to=self._executor,
            data=execute.encode_call(plan, signature),
            value_wei=0,
            gas_limit=plan_gas_limit(legs, len(minimums)),
        )

    def _step(self, leg: Leg) -> Step:
        amount_in = UINT256_MAX if leg.takes_rest else leg.amount_in_units
        make = _STEPS.get(leg.protocol)
        if make is not None:
            return make(leg, leg.venue_id.partition(":")[2], amount_in)
        make_of_pool, pool = _POOL_STEPS.get(leg.protocol), self._pools.get(leg.venue_id)
        if make_of_pool is None or pool is None:
            raise ValueError(f"{leg.venue_id} is not on chain, or not a pool known here")
        return make_of_pool(leg, pool, amount_in)

    def approval(self, asset: Asset, units: int = UINT256_MAX) -> TxRequest:
        """Return the approval of the permit contract for one asset; unlimited is given once.

        Raises:
            ValueError: the coin itself needs no approval.
        """
        if asset.is_native:
            raise ValueError("the coin itself needs no approval")
        return TxRequest(
            to=asset.address,
            data=APPROVE.encode_call(self._permit2, units),
            value_wei=0,
            gas_limit=APPROVAL_GAS_LIMIT,
        )

    def delivered(self, receipt: Receipt, recipient: str) -> dict[str, int]:
        """Return the units received per token address (lower case) by the receipt's own logs."""
        return _sum_transfers(receipt, lambda log: topic_address(log.topics[2]), recipient)

    def spent(self, receipt: Receipt, payer: str) -> dict[str, int]:
        """Return the units paid per token address (lower case) by the receipt's own logs."""
        return _sum_transfers(receipt, lambda log: topic_address(log.topics[1]), payer)


def hash_plan(plan: Plan) -> bytes:
    """Return what the contract's `hashPlan` returns: the hash of the ABI-encoded plan."""
    return keccak(encode([PLAN_TYPE], [plan]))


def plan_gas_limit(legs: Sequence[Leg], output_count: int) -> int:
    """Return the gas limit of a plan: its legs' own estimates and the rest, with a margin.

    It covers what is used before storage refunds, and the first uses that no estimate foresees.
    """
    swaps_gas = sum(leg.gas + REFUND_GAS + (1 + leg.ticks_crossed) * FIRST_USE_GAS for leg in legs)
    gas = PLAN_GAS + output_count * OUTPUT_GAS + swaps_gas
    return min(gas * (BPS_ONE + GAS_MARGIN_BPS) // BPS_ONE, GAS_LIMIT_MAX)


def _sum_transfers(receipt: Receipt, party_of: Callable[[Log], str], party: str) -> dict[str, int]:
    totals: defaultdict[str, int] = defaultdict(int)
    for log in receipt.logs:
        if is_transfer(log) and party_of(log) == party.lower():
            totals[log.address.lower()] += int.from_bytes(log.data, "big")
    return dict(totals)
