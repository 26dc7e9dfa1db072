"""The custody service: one object for what the program does with its wallets."""

import asyncio
from collections.abc import Sequence

from router.custody.config import CustodyConfig
from router.custody.deposits import DepositScanner, ScanResult
from router.custody.incident import close_incident
from router.custody.opening import open_books
from router.custody.sweeps import Sweeps
from router.custody.withdrawals import Withdrawals
from router.domain.amounts import Amount
from router.domain.custody import ReconcileReport, RefillRequest, WalletLine, Withdrawal
from router.domain.errors import FailureError
from router.domain.ledger import Balance, PostedJournal, wallet_account
from router.domain.settlement import Intent
from router.ports import Chain, ChainAudit, Clock, Database, TransactionSender, UnitOfWork


class CustodyService:
    """Wallets of one chain. `sender` is settlement; both share one database."""

    def __init__(
        self,
        *,
        database: Database,
        chain: Chain,
        audit: ChainAudit,
        sender: TransactionSender,
        clock: Clock,
        config: CustodyConfig,
    ) -> None:
        assert sender.address.lower() == config.hot.lower(), "settlement sends from the hot wallet"
        self._database = database
        self._chain = chain
        self._audit = audit
        self._clock = clock
        self._config = config
        self._withdrawals = Withdrawals(database, sender, audit, config)
        self._sweeps = Sweeps(database, sender, audit, clock, config)
        self._scanner = DepositScanner(
            database=database, chain=chain, audit=audit, clock=clock, config=config
        )

    async def open_books(self) -> bool:
        """See `router.custody.opening.open_books`; call it at each start, before all else."""
        return await open_books(
            database=self._database,
            chain=self._chain,
            audit=self._audit,
            clock=self._clock,
            config=self._config,
        )

    async def scan_deposits(self) -> ScanResult:
        """See `DepositScanner.scan`."""
        return await self._scanner.scan()

    async def withdraw(
        self, account: str, amount: Amount, destination: str, client_id: str
    ) -> Withdrawal:
        """See `Withdrawals.request`; settlement then sends it: await its intent's `result`."""
        return await self._withdrawals.request(account, amount, destination, client_id)

    async def sweep(self) -> tuple[Intent, ...]:
        """See `Sweeps.sweep`."""
        return await self._sweeps.sweep()

    async def refill_requests(self) -> tuple[RefillRequest, ...]:
        """See `Sweeps.refill_requests`."""
        return await self._sweeps.refill_requests()

    async def close_incident(self, report: ReconcileReport, note: str) -> PostedJournal | None:
        """Accept a fresh report's differences as they are, and thaw the signer.

        See `router.custody.incident.close_incident` and `docs/operations/reconcile.md`.
        """
        async with asyncio.timeout(self._config.call_timeout_s):
            block = await self._chain.block(report.block_number)
        if block is None:
            raise FailureError("CHAIN_UNSTEADY", f"Block {report.block_number} is gone.")
        if await self._scanner.has_unread(report.block_number):
            # Booked as an unknown flow now, the deposit would be booked again by the next scan.
            raise FailureError("INCIDENT_OPEN", "Deposits arrived since: scan and reconcile again.")
        return await close_incident(
            database=self._database,
            clock=self._clock,
            config=self._config,
            report=report,
            block=block,
            note=note,
        )

    async def wallets(self) -> tuple[WalletLine, ...]:
        """Return each wallet's assets on chain and in the ledger, hot before cold.

        The two are read one after the other: what is in flight shows as a difference here, and
        only reconciliation tells it from a break.

        Raises:
            VenueUnavailable, TimeoutError: the node does not answer.
        """
        pairs = [(w, asset) for w in self._config.wallets for asset in self._config.assets]
        async with asyncio.timeout(self._config.call_timeout_s):
            head = await self._chain.head()
            on_chain = await self._audit.balances([(w.address, a) for w, a in pairs], head.number)

        def ledger(uow: UnitOfWork) -> Sequence[Balance]:
            return uow.ledger.balances("asset/wallet")

        booked = {(b.account, b.asset): b for b in await self._database.read(ledger)}
        marks = {mark.asset.symbol: mark for mark in self._config.marks}
        lines = []
        for (wallet, asset), units in zip(pairs, on_chain, strict=True):
            account = wallet_account(wallet.address)
            balance = booked.get((account, asset.symbol))
            is_hot = wallet.address == self._config.hot
            lines.append(
                WalletLine(
                    wallet=wallet,
                    asset=asset,
                    chain_units=units,
                    ledger_units=balance.total if balance else 0,
                    held_units=balance.held if balance else 0,
                    marks=marks.get(asset.symbol) if is_hot else None,
                )
            )
        return tuple(lines)
