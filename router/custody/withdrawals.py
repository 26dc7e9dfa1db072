"""Withdrawals: a client's units to an address outside, exactly once."""

import asyncio
import hashlib
import json
from dataclasses import dataclass

from eth_utils.address import is_checksum_address

from router.custody.config import CustodyConfig
from router.domain.amounts import Amount
from router.domain.bookings import gas_journal, settle_key
from router.domain.custody import Withdrawal
from router.domain.errors import FailureError, UsageError
from router.domain.ledger import (
    Entry,
    Journal,
    JournalKind,
    gas_entries,
    user_account,
    wallet_account,
)
from router.domain.settlement import Intent, IntentKind, IntentSpec, Outcome
from router.domain.transfers import PLAIN_TRANSFER_GAS, ZERO_ADDRESS, transfer_request
from router.ledger import place_hold, post, post_hold, void_hold
from router.ports import ChainAudit, Clock, Database, TransactionSender, UnitOfWork

_GAS_MARGIN_PERCENT = 110
_MAX_CLIENT_ID = 128


def checked_destination(destination: str, config: CustodyConfig) -> str:
    """Return an address that may be paid to.

    Raises:
        UsageError: DESTINATION_INVALID; not EIP-55 checksummed, zero, one of our own wallets, or a
            listed token's contract.
    """
    if not is_checksum_address(destination):
        raise UsageError(
            "DESTINATION_INVALID",
            f"{destination[:60]!r} is not an address with a valid EIP-55 checksum.",
        )
    if destination == ZERO_ADDRESS:
        raise UsageError("DESTINATION_INVALID", "The zero address is nobody's.")
    if destination.lower() in {config.hot.lower(), config.cold.lower()}:
        raise UsageError("DESTINATION_INVALID", f"{destination} is one of our own wallets.")
    if config.registry.by_address(destination) is not None:
        raise UsageError("DESTINATION_INVALID", f"{destination} is a token, which cannot be paid.")
    return destination


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """Accepts withdrawals. The hold, the nonce and the intent are one database transaction."""

    database: Database
    sender: TransactionSender
    audit: ChainAudit
    config: CustodyConfig

    async def request(
        self, account: str, amount: Amount, destination: str, client_id: str
    ) -> Withdrawal:
        """Accept a withdrawal; asking again with the same `client_id` returns the first one.

        Raises:
            UsageError: DESTINATION_INVALID, AMOUNT_RANGE, ORDER_INVALID, IDEMPOTENCY_CONFLICT.
            FailureError: INSUFFICIENT_BALANCE, SIGNER_FROZEN, SIGNER_REFUSED; nothing is held.
            OrderRejected: the transfer would revert; nothing is held.
            VenueUnavailable, TimeoutError: the node does not answer; nothing is held.
        """
        if not 0 < len(client_id) <= _MAX_CLIENT_ID:
            raise UsageError("ORDER_INVALID", "A client id has 1 to 128 characters.")
        if amount.units == 0:
            raise UsageError("AMOUNT_RANGE", "A withdrawal of nothing is not possible.")
        destination = checked_destination(destination, self.config)
        withdrawal_id = _withdrawal_id(account, client_id)
        details = _details(account, amount, destination)
        found = await self.database.read(
            lambda uow: uow.settlement.intents(reference=withdrawal_id)
        )
        if found:
            intent = _same_withdrawal(found[0][0], details)
            return _withdrawal(intent, account, amount, destination)
        hold_id = f"hold:{withdrawal_id}"

        def hold(uow: UnitOfWork, _intent: Intent) -> None:
            place_hold(
                uow.ledger,
                hold_id,
                user_account(account),
                amount.asset.symbol,
                amount.units,
                withdrawal_id,
            )

        spec = IntentSpec(
            key=withdrawal_id,
            kind=IntentKind.WITHDRAWAL,
            request=transfer_request(
                amount.asset, destination, amount.units, await self._gas_limit(amount, destination)
            ),
            reference=withdrawal_id,
            hold_id=hold_id,
            details=details,
        )
        intent = await self.sender.submit(spec, hold)
        return _withdrawal(intent, account, amount, destination)

    async def _gas_limit(self, amount: Amount, destination: str) -> int:
        draft = transfer_request(amount.asset, destination, amount.units, PLAIN_TRANSFER_GAS)
        async with asyncio.timeout(self.config.call_timeout_s):
            estimate = await self.audit.estimate_gas(self.sender.address, draft)
        return estimate * _GAS_MARGIN_PERCENT // 100


class WithdrawalSettlement:
    """Handler of withdrawals: the hold is spent when, and only when, the payment is final."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def settled(self, uow: UnitOfWork, outcome: Outcome) -> None:
        """Book the payment and its gas in one journal.

        Raises:
            FailureError: EVIDENCE_MISMATCH; a token that reports success and moves nothing, or
                another amount, is not a payment.
        """
        intent = outcome.intent
        details = json.loads(intent.details)
        asset, units = details["asset"], int(details["units"])
        nets = {m.asset.symbol: m.received_units - m.spent_units for m in outcome.movements}
        if nets != {asset: -units}:
            raise FailureError(
                "EVIDENCE_MISMATCH",
                f"{outcome.receipt.tx_hash} moved {nets} instead of {units} base units of {asset}.",
            )
        wallet = wallet_account(intent.sender)
        gas = gas_entries(wallet, outcome.gas_asset.symbol, outcome.receipt.gas_cost_wei)
        journal = Journal(
            key=settle_key(intent.intent_id),
            kind=JournalKind.WITHDRAWAL,
            entries=(
                Entry(account=user_account(details["account"]), asset=asset, units=units),
                Entry(account=wallet, asset=asset, units=-units),
                *gas,
            ),
            memo=outcome.receipt.tx_hash,
            reference=intent.reference,
        )
        post_hold(uow.ledger, intent.hold_id, journal, self._clock.now_ms())

    def reverted(self, uow: UnitOfWork, outcome: Outcome) -> None:
        """Return the hold; the gas is ours to bear."""
        void_hold(uow.ledger, outcome.intent.hold_id)
        journal = gas_journal(outcome)
        if journal is not None:
            post(uow.ledger, journal, self._clock.now_ms())


def _withdrawal_id(account: str, client_id: str) -> str:
    digest = hashlib.sha256(json.dumps([account, client_id]).encode()).hexdigest()
    return f"withdrawal-{digest[:24]}"


def _details(account: str, amount: Amount, destination: str) -> str:
    fields = {
        "account": account,
        "asset": amount.asset.symbol,
        "destination": destination,
        "units": str(amount.units),
    }
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def _same_withdrawal(intent: Intent, details: str) -> Intent:
    if intent.details != details:
        raise UsageError(
            "IDEMPOTENCY_CONFLICT", "The client id was used for another withdrawal before."
        )
    return intent


def _withdrawal(intent: Intent, account: str, amount: Amount, destination: str) -> Withdrawal:
    return Withdrawal(
        withdrawal_id=intent.reference,
        account=account,
        amount=amount,
        destination=destination,
        intent_id=intent.intent_id,
    )
