"""The permit contract's allowance per asset: given once, before an asset is first sold on chain."""

import asyncio

from router.domain.amounts import UINT256_MAX
from router.domain.assets import Asset
from router.domain.errors import FailureError
from router.domain.settlement import IntentKind, IntentSpec
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

    async def ensure(self, asset: Asset, units: int) -> None:
        """Approve the permit contract when its allowance is below `units`.

        Raises:
            FailureError: CONTRACT_REVERTED, or what the sender raises.
            VenueUnavailable: CHAIN_UNAVAILABLE.
            TimeoutError: the approval was not mined in time; it lives on.
        """
        async with self._one_at_a_time:
            left = await self._allowance(asset)
            if left >= units:
                return
            if left:
                # USDT, for one, refuses to change an allowance that is not zero.
                await self._approve(asset, 0)
            await self._approve(asset, UINT256_MAX)
            # Asked of the chain: an approval that an earlier run left behind may have come first,
            # which makes this one revert and serves as well.
            if await self._allowance(asset) < units:
                raise FailureError("CONTRACT_REVERTED", f"{asset} refused the approval.")

    async def _allowance(self, asset: Asset) -> int:
        question = allowance_call(self._sender.address, self._permit_contract)
        async with asyncio.timeout(self._call_timeout_s):
            answer = await self._chain.call(asset.address, question)
        return int.from_bytes(answer)

    async def _approve(self, asset: Asset, units: int) -> None:
        intent = await self._sender.submit(
            IntentSpec(
                key=f"approve:{asset}:{units:x}:{self._clock.now_ms()}",
                kind=IntentKind.APPROVE,
                request=self._encoder.approval(asset, units),
                reference=f"approve:{asset}",
            )
        )
        async with asyncio.timeout(self._inclusion_timeout_s):
            await self._sender.result(intent.intent_id)
