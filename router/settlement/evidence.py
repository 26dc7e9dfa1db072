"""What a mined transaction did, told twice: by its logs and by the balances around its block."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from router.domain.assets import Asset, AssetRegistry
from router.domain.errors import FailureError
from router.domain.settlement import Intent, Movement, Outcome, Receipt
from router.domain.transfers import (
    Transfer,
    net_units,
    read_native_transfers,
    read_transfers,
)
from router.ports import ChainAudit


class EvidenceReader:
    """Reads the two accounts of a transaction and refuses to choose when they differ."""

    def __init__(
        self, audit: ChainAudit, registry: AssetRegistry, gas_asset: Asset, call_timeout_s: float
    ) -> None:
        self._audit = audit
        self._registry = registry
        self._gas_asset = gas_asset
        self._call_timeout_s = call_timeout_s

    async def outcome(
        self,
        intent: Intent,
        receipt: Receipt,
        *,
        cancelled: bool,
        other_gas_wei: Callable[[], Awaitable[int]],
    ) -> Outcome:
        """Return what moved, as both the logs and the balance differences say.

        Args:
            cancelled: the mined attempt is the intent's cancellation, which moves nothing.
            other_gas_wei: tells the gas of our other transactions in the receipt's block; it is
                costly and asked only when the coin balance has more to explain.

        Raises:
            FailureError: EVIDENCE_MISMATCH, the wallet has less than the block's logs explain.
            VenueUnavailable, TimeoutError: the node did not answer; ask again.
        """
        own = read_transfers(receipt.logs) if receipt.status else []
        value_wei = intent.request.value_wei if receipt.status and not cancelled else 0
        movements = self._movements(intent.sender, own, value_wei)
        await self._require_balances_agree(intent.sender, receipt, movements, other_gas_wei)
        return Outcome(
            intent=intent, receipt=receipt, movements=movements, gas_asset=self._gas_asset
        )

    def _movements(
        self, sender: str, transfers: Iterable[Transfer], value_wei: int
    ) -> tuple[Movement, ...]:
        wallet = sender.lower()
        sums: dict[Asset, tuple[int, int]] = {}
        for transfer in transfers:
            asset = self._registry.by_address(transfer.token)
            if asset is None or transfer.sender == transfer.recipient:
                continue
            received, spent = sums.get(asset, (0, 0))
            if transfer.recipient == wallet:
                sums[asset] = (received + transfer.units, spent)
            elif transfer.sender == wallet:
                sums[asset] = (received, spent + transfer.units)
        if value_wei:
            sums[self._gas_asset] = (0, value_wei)
        return tuple(
            Movement(asset=asset, received_units=received, spent_units=spent)
            for asset, (received, spent) in sums.items()
        )

    async def _require_balances_agree(
        self,
        sender: str,
        receipt: Receipt,
        movements: Sequence[Movement],
        other_gas_wei: Callable[[], Awaitable[int]],
    ) -> None:
        """Compare the whole block, so that a deposit in the same block confuses nothing.

        More than the logs explain is no fault of this transaction (a rebase, a forced coin):
        reconciliation reports it. Less means that a log lied.
        """
        tokens = [move.asset for move in movements if not move.asset.is_native]
        assets = [*tokens, self._gas_asset]
        block = receipt.block_number
        async with asyncio.timeout(self._call_timeout_s):
            pairs = [(sender, asset) for asset in assets]
            after = await self._audit.balances(pairs, block)
            before = await self._audit.balances(pairs, block - 1)
            seen = read_transfers(await self._audit.transfers([sender], block, block))
            coins = await self._audit.native_transfers(sender, block, block)
        seen += read_native_transfers(sender, coins)
        for asset, units_after, units_before in zip(assets, after, before, strict=True):
            explained = net_units(sender, asset, seen)
            if asset.is_native:
                explained -= receipt.gas_cost_wei
            if asset.is_native and units_after - units_before < explained:
                explained -= await other_gas_wei()
            if units_after - units_before < explained:
                raise FailureError(
                    "EVIDENCE_MISMATCH",
                    f"Block {block} changed {asset} of {sender} by {units_after - units_before}, "
                    f"its logs say {explained} ({receipt.tx_hash}).",
                )
