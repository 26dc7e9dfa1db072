"""Runs a plan on the latest state before it takes a nonce: what would revert costs nothing."""

import asyncio
from dataclasses import replace

from router.domain.amounts import BPS_ONE
from router.domain.errors import OrderRejected
from router.domain.settlement import TxRequest
from router.ports import ChainAudit

# What the next blocks may add to the gas that a plan uses now. A limit that is too high costs
# nothing, one that is too low costs all of it.
GAS_MARGIN_BPS = 2_000


class WouldRevert(OrderRejected):
    """The chain as it stands would refuse the plan; it was not sent and no nonce is taken."""

    def __init__(self, why: str) -> None:
        super().__init__("WOULD_REVERT", why)


class Preflight:
    """Asks the node what would become of a transaction if it were mined now."""

    def __init__(self, audit: ChainAudit, call_timeout_s: float) -> None:
        self._audit = audit
        self._call_timeout_s = call_timeout_s

    async def cleared(self, request: TxRequest, sender: str) -> TxRequest:
        """Return the request with a gas limit that covers what it uses now and a margin.

        The limit only ever rises: the plan's own one knows what the route may have to do, such as
        crossing more ticks when the price has moved a little.

        Raises:
            WouldRevert: WOULD_REVERT.
            FailureError: RPC_ERROR or CHAIN_UNAVAILABLE, the node does not say.
            TimeoutError: the node did not answer in time.
        """
        try:
            async with asyncio.timeout(self._call_timeout_s):
                gas = await self._audit.estimate_gas(sender, request)
        except OrderRejected as refusal:
            raise WouldRevert(refusal.message) from refusal
        needed = -(-gas * (BPS_ONE + GAS_MARGIN_BPS) // BPS_ONE)
        return replace(request, gas_limit=max(request.gas_limit, needed))
