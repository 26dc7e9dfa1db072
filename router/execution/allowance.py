"""The permit contract's allowance per asset: given once, before an asset is first sold on chain."""

import asyncio

from router.domain.assets import Asset
from router.domain.errors import FailureError
from router.domain.settlement import IntentKind, IntentSpec, IntentState
from router.domain.transfers import allowance_call
from router.ports import Chain, Clock, SwapEncoder, TransactionSender


class PermitAllowance:
    """Sees to it that the permit contract may move the hot wallet's tokens.

    The executor itself never gets an allowance: each plan signs its own single-use permit.
    """

    def __init__(
        self,
        *,
        sender: TransactionSender,
        encoder: SwapEncoder,
        chain: Chain,
        clock: Clock,
        permit_contract: str,
        call_timeout_s: float,
        inclusion_timeout_s: float,
    ) -> None:
        self._sender = sender
        self._encoder = encoder
        self._chain = chain
        self._clock = clock
        self._permit_contract = permit_contract
        self._call_timeout_s = call_timeout_s
        self._inclusion_timeout_s = inclusion_timeout_s
        self._one_at_a_time = asyncio.Lock()

    async def covers(self, asset: Asset, units: int) -> bool:
        """Tell whether `units` base units can be pulled already.

        Raises:
            VenueUnavailable: CHAIN_UNAVAILABLE.
            TimeoutError: the node did not answer in time.
        """
        question = allowance_call(self._sender.address, self._permit_contract)
        async with asyncio.timeout(self._call_timeout_s):
            answer = await self._chain.call(asset.address, question)
        return int.from_bytes(answer) >= units

    async def ensure(self, asset: Asset, units: int) -> None:
        """Approve the permit contract when its allowance is below `units`.

        Raises:
            FailureError: CONTRACT_REVERTED, or what the sender raises.
            VenueUnavailable: CHAIN_UNAVAILABLE.
            TimeoutError: the approval was not mined in time; it lives on.
        """
        async with self._one_at_a_time:
            if await self.covers(asset, units):
                return
            intent = await self._sender.submit(
                IntentSpec(
                    key=f"approve:{asset}:{self._clock.now_ms()}",
                    kind=IntentKind.APPROVE,
                    request=self._encoder.approval(asset),
                    reference=f"approve:{asset}",
                )
            )
            async with asyncio.timeout(self._inclusion_timeout_s):
                ended = await self._sender.result(intent.intent_id)
            if ended.state is not IntentState.SETTLED:
                raise FailureError("CONTRACT_REVERTED", f"{asset} refused the approval.")
