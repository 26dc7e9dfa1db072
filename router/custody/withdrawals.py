"""Withdrawals: a client's units to an address outside, exactly once."""

import asyncio
import hashlib
import json
from dataclasses import dataclass

from eth_utils.address import is_checksum_address

from router.custody.config import CustodyConfig
from router.custody.payments import require_paid
from router.domain.amounts import Amount
from router.domain.bookings import gas_journal, settle_key
from router.domain.custody import Withdrawal
from router.domain.errors import FailureError, OrderRejected, UsageError
from router.domain.ledger import (
    Entry,
    Journal,
    JournalKind,
    gas_entries,
    is_user,
    user_account,
    wallet_account,
)
from router.domain.settlement import Intent, IntentKind, IntentSpec, Outcome
from router.domain.transfers import (
    PLAIN_TRANSFER_GAS,
    RESERVED_ADDRESS_MAX,
    transfer_request,
)
from router.ledger import available_units, place_hold, post, post_hold, void_hold
from router.ports import ChainAudit, Clock, Database, TransactionSender, UnitOfWork

_GAS_MARGIN_PERCENT = 110
_MAX_CLIENT_ID = 128
# The gas is ours to bear, and a recipient's code could burn any amount of it.
_MAX_GAS = 500_000


def checked_destination(destination: str, config: CustodyConfig) -> str:
    """Return an address that may be paid to.

    Raises:
        UsageError: DESTINATION_INVALID; not EIP-55 checksummed, reserved (zero, precompiles, the
            burn address), one of our own wallets, a listed token, or a contract that cannot pay on.
    """
    if not is_checksum_address(destination):
        raise UsageError(
            "DESTINATION_INVALID",
            f"{destination[:60]!r} is not an address with a valid EIP-55 checksum.",
        )
    if int(destination, 16) <= RESERVED_ADDRESS_MAX:
        raise UsageError("DESTINATION_INVALID", f"The reserved address {destination} is nobody's.")
    if destination.lower() in {config.hot.lower(), config.cold.lower()}:
        raise UsageError("DESTINATION_INVALID", f"{destination} is one of our own wallets.")
    if config.registry.by_address(destination) is not None:
        raise UsageError("DESTINATION_INVALID", f"{destination} is a token, which cannot be paid.")
    if config.is_unpayable(destination):
        raise UsageError(
            "DESTINATION_INVALID", f"{destination} is a contract where the payment would be lost."
        )
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
            FailureError: INSUFFICIENT_BALANCE; HOT_WALLET_LOW, the client has it but the hot wallet
                does not; SIGNER_FROZEN, SIGNER_REFUSED; nothing is held.
            OrderRejected: the transfer would revert or burn gas; nothing is held.
            VenueUnavailable, TimeoutError: the node does not answer; nothing is held.
        """
        if not 0 < len(client_id) <= _MAX_CLIENT_ID:
            raise UsageError("ORDER_INVALID", "A client id has 1 to 128 characters.")
        if amount.units == 0:
            raise UsageError("AMOUNT_RANGE", "A withdrawal of nothing is not possible.")
        destination = checked_destination(destination, self.config)
        withdrawal_id = _withdrawal_id(account, client_id)
        details = _details(account, amount, destination)

        def look(uow: UnitOfWork) -> Intent | None:
            found = uow.settlement.intents(reference=withdrawal_id)
            if found:
                return _same_withdrawal(found[0][0], details)
            self._require_money(uow, account, amount)
            return None

        before = await self.database.read(look)
        if before is not None:
            return _withdrawal(before, account, amount, destination)
        hold_id = f"hold:{withdrawal_id}"

        def hold(uow: UnitOfWork, _intent: Intent) -> None:
            self._require_money(uow, account, amount)
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

    def _require_money(self, uow: UnitOfWork, account: str, amount: Amount) -> None:
        """Ask the client's balance first, then whether the hot wallet has as much to give.

        What open transactions set aside leaves the hot wallet too.
        """
        symbol, holder = amount.asset.symbol, user_account(account)
        available = available_units(uow.ledger, holder, symbol)
        if available < amount.units:
            raise FailureError(
                "INSUFFICIENT_BALANCE",
                f"{holder} has {available} base units of {symbol} available, needs {amount.units}.",
            )
        hot = available_units(uow.ledger, wallet_account(self.config.hot), symbol)
        for intent, _ in uow.settlement.intents(open_only=True):
            hold = uow.ledger.hold(intent.hold_id) if intent.hold_id else None
            if hold is not None and hold.asset == symbol and is_user(hold.account):
                hot -= hold.remaining_units
        if hot < amount.units:
            raise FailureError(
                "HOT_WALLET_LOW",
                f"The hot wallet has {max(0, hot)} base units of {symbol} to give, the withdrawal "
                f"needs {amount.units}.",
            )

    async def _gas_limit(self, amount: Amount, destination: str) -> int:
        draft = transfer_request(amount.asset, destination, amount.units, PLAIN_TRANSFER_GAS)
        async with asyncio.timeout(self.config.call_timeout_s):
            estimate = await self.audit.estimate_gas(self.sender.address, draft)
        if estimate > _MAX_GAS:
            raise OrderRejected(
                "ORDER_REJECTED",
                f"A payment to {destination} takes {estimate} gas, at most {_MAX_GAS} is paid for.",
            )
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
        came_back = require_paid(outcome, asset, units)
        wallet = wallet_account(intent.sender)
        gas = gas_entries(wallet, outcome.gas_asset.symbol, outcome.receipt.gas_cost_wei)
        journal = Journal(
            key=settle_key(intent.intent_id),
            kind=JournalKind.WITHDRAWAL,
            entries=(
                Entry(account=user_account(details["account"]), asset=asset, units=units),
                Entry(account=wallet, asset=asset, units=-units),
                *came_back,
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
