"""Reading what arrived at the hot wallet in a range of blocks."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence

from router.custody.config import CustodyConfig
from router.domain.assets import Asset
from router.domain.custody import Deposit, DepositState
from router.domain.transfers import (
    Transfer,
    net_units,
    read_native_transfers,
    read_transfers,
)
from router.ports import ChainAudit


class InflowReader:
    """Turns transfers to the hot wallet into deposits, by what really arrived."""

    def __init__(self, audit: ChainAudit, config: CustodyConfig) -> None:
        self._audit = audit
        self._config = config

    async def read(self, start: int, end: int) -> list[Deposit]:
        """Return the inflows of blocks start..end inclusive, oldest first, as seen deposits.

        Unlisted tokens and transfers of nothing are left out. Our own transactions are not told
        apart here: their hashes are in the database.
        """
        hot = self._config.hot.lower()
        async with asyncio.timeout(self._config.call_timeout_s * 2):
            logs = await self._audit.transfers([self._config.hot], start, end)
            coins = await self._audit.native_transfers(self._config.hot, start, end)
        transfers = [
            *read_transfers(logs),
            *(t for t in read_native_transfers(self._config.hot, coins) if t.units > 0),
        ]
        groups: dict[tuple[int, str], list[Transfer]] = defaultdict(list)
        for transfer in transfers:
            groups[transfer.block_number, transfer.token].append(transfer)
        deposits: list[Deposit] = []
        for (block, token), group in sorted(groups.items()):
            asset = self._config.asset_at(token)
            inflows = [t for t in group if t.recipient == hot != t.sender]
            if asset is None or not inflows:
                continue
            short = 0 if asset.is_native else await self._shortfall(asset, block, group)
            deposits += self._deposits(asset, inflows, short)
        return deposits

    async def _shortfall(self, asset: Asset, block: int, transfers: Iterable[Transfer]) -> int:
        """Return by how many base units less the balance grew than the block's logs say.

        Coins have no such gap: the value field is what arrives.
        """
        pair = [(self._config.hot, asset)]
        async with asyncio.timeout(self._config.call_timeout_s):
            (after,) = await self._audit.balances(pair, block)
            (before,) = await self._audit.balances(pair, block - 1)
        return max(0, net_units(self._config.hot, asset, transfers) - (after - before))

    def _deposits(self, asset: Asset, inflows: Sequence[Transfer], short: int) -> list[Deposit]:
        """Spread a shortfall over the block's inflows in proportion; their sum stays exact."""
        told = sum(transfer.units for transfer in inflows)
        arrived = max(0, told - short)
        deposits = []
        running = 0
        for transfer in inflows:
            before = running * arrived // told
            running += transfer.units
            units = running * arrived // told - before
            if units == 0:
                continue
            deposits.append(
                Deposit(
                    chain_id=self._config.chain_id,
                    tx_hash=transfer.tx_hash,
                    ordinal=transfer.ordinal,
                    block_number=transfer.block_number,
                    block_hash=transfer.block_hash,
                    sender=transfer.sender,
                    asset=asset,
                    units=units,
                    account=self._config.owner_of(transfer.sender) or "",
                    state=DepositState.SEEN,
                )
            )
        return deposits
