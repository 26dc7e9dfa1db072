"""Opening the books: what the wallets hold when the program first meets them is capital."""

import asyncio

from router.custody.config import CustodyConfig
from router.domain.errors import FailureError
from router.domain.ledger import HOUSE_CAPITAL, Entry, Journal, JournalKind, wallet_account
from router.domain.market import BlockRef
from router.ledger import post
from router.ports import Chain, ChainAudit, Clock, Database, UnitOfWork

OPENED = "opened"
DEPOSITS = "deposits"
CLEAN = "clean"
_ATTEMPTS = 10


async def open_books(
    *, database: Database, chain: Chain, audit: ChainAudit, clock: Clock, config: CustodyConfig
) -> bool:
    """Book the wallets' balances as capital and remember block and nonce; False if done before.

    Everything later is explained by journals from here on: deposits are looked for after this
    block, and a nonce that the chain uses without us is foreign. Call it once, before the first
    transaction, and again at each start, where it does nothing.

    Raises:
        FailureError: CHAIN_UNSTEADY, the chain never stood still while it was read.
        VenueUnavailable, TimeoutError: the node does not answer; nothing was written.
    """
    chain_id = config.chain_id
    if await database.read(lambda uow: uow.custody.cursor(chain_id, OPENED)) is not None:
        return False
    async with asyncio.timeout(config.call_timeout_s * _ATTEMPTS):
        head, nonce, balances = await _read_steadily(chain, audit, config)

    def open_them(uow: UnitOfWork) -> bool:
        if uow.custody.cursor(chain_id, OPENED) is not None:
            return False
        entries = tuple(
            entry
            for (address, symbol), units in balances.items()
            if units
            for entry in (
                Entry(account=wallet_account(address), asset=symbol, units=units),
                Entry(account=HOUSE_CAPITAL, asset=symbol, units=-units),
            )
        )
        if entries:
            journal = Journal(
                key=f"capital:{chain_id}",
                kind=JournalKind.CAPITAL,
                entries=entries,
                memo=f"wallets at block {head.number} {head.hash}",
            )
            post(uow.ledger, journal, clock.now_ms())
        uow.settlement.reserve_nonce(chain_id, config.hot, nonce, count=0)
        for cursor in (OPENED, DEPOSITS, CLEAN):
            uow.custody.set_cursor(chain_id, head, cursor)
        return True

    return await database.write(open_them)


async def _read_steadily(
    chain: Chain, audit: ChainAudit, config: CustodyConfig
) -> tuple[BlockRef, int, dict[tuple[str, str], int]]:
    """Read nonce and balances of one and the same block."""
    pairs = [(w.address, asset) for w in config.wallets for asset in config.assets]
    for _ in range(_ATTEMPTS):
        head = await chain.head()
        nonce = await chain.nonce(config.hot)
        units = await audit.balances(pairs, head.number)
        if (await chain.head()).hash == head.hash:
            keys = [(address, asset.symbol) for address, asset in pairs]
            return head, nonce, dict(zip(keys, units, strict=True))
    raise FailureError("CHAIN_UNSTEADY", "The chain moved on each time the wallets were read.")
