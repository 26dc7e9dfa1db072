"""The errors a caller can meet, split by what the caller may do next.

    RouterError
    +-- UsageError          the request is wrong: change it (exit code 2)
    +-- FailureError        the request was right, the world said no (exit code 1)
        +-- VenueUnavailable    never sent: trying again is safe
        +-- OrderRejected       refused: nothing rests there
        +-- OutcomeUnknown      may have happened: look it up, then decide

Every error has a stable `code` (`docs/reference/errors.md`) and one sentence for people.
"""

from typing import ClassVar, Final


class RouterError(Exception):
    """Base of every error this program raises on purpose."""

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, message: str) -> None:
        assert code in CODES, f"undeclared error code {code!r}"
        super().__init__(message)
        self.code = code
        self.message = message


class UsageError(RouterError):
    """The request itself is wrong; nothing was held, sent or changed."""

    exit_code: ClassVar[int] = 2


class FailureError(RouterError):
    """A correct request that could not be carried out."""


class VenueUnavailable(FailureError):
    """Never sent; trying again is safe."""


class OrderRejected(FailureError):
    """Refused; nothing rests at the venue."""


class OutcomeUnknown(FailureError):
    """May have happened: look it up by its client id, then decide. Never a reason to refund."""


# code -> what it means and what to do; the reference page is generated from this table.
CODES: Final[dict[str, str]] = {
    # usage: exit code 2
    "ASSET_MISMATCH": "Two amounts of different assets were combined.",
    "AMOUNT_INVALID": "The amount is not a plain positive decimal number.",
    "AMOUNT_PRECISION": "The amount has more decimals than the asset.",
    "AMOUNT_RANGE": "The amount in base units is zero or does not fit in 256 bits.",
    "ASSET_UNKNOWN": "No listed asset has this symbol or address.",
    "ASSET_NOT_ROUTABLE": "The asset is listed but cannot be routed (for example fee-on-transfer).",
    "BATCH_INVALID": "The arrays of commands or events are not as the matching engine takes them.",
    "CONFIG_INVALID": "A value in the configuration is not acceptable.",
    "CONFIG_NOT_FOUND": "The configuration file does not exist.",
    "CONFIG_UNKNOWN_KEY": "The configuration has a key that the program does not know.",
    "DESTINATION_INVALID": "The address is malformed, fails its checksum, or must not be paid.",
    "IMAGE_INVALID": "The bytes are no saved state of a matching engine.",
    "IDEMPOTENCY_CONFLICT": "The same key was used before with another payload.",
    "ORDER_INVALID": "The order is not well formed for its instrument.",
    "SAME_ASSET": "The asset to sell and the asset to buy are the same.",
    "UNIVERSE_INVALID": "A file of pools or orders is not as `docs/specs/universes.md` says.",
    "USAGE": "The command line is not correct.",
    # failures: exit code 1
    "BUSY": "Another process owns this data directory.",
    "CHAIN_MISMATCH": "The node serves another chain than the configured one.",
    "CHAIN_UNSTEADY": "The chain moved on each time it was read; try again.",
    "CHAIN_UNAVAILABLE": "The node does not answer; nothing was sent.",
    "CONTRACT_REVERTED": "The transaction was mined and reverted; nothing moved but gas.",
    "DEADLINE_EXPIRED": "The order's deadline passed before it was sent.",
    "DEVNET_DEAD": "The devnet process is gone; run `router devnet up`.",
    "DEVNET_NOT_RUNNING": "No devnet is running; run `router devnet up`.",
    "DEVNET_PORT_BUSY": "The port is in use by another program.",
    "DEVNET_START_FAILED": "Anvil did not start.",
    "DEVNET_TOOLS_MISSING": "Node.js or a pinned package could not be installed.",
    "ENGINE_BROKEN": "The matching engine failed in an earlier call; load its last saved state.",
    "ENGINE_BUSY": "Another thread is using this matching engine; give it one owner.",
    "ENGINE_CLOSED": "The matching engine was closed; open it again.",
    "EVIDENCE_MISMATCH": "The chain did something else than the intent says; an operator decides.",
    "FEED_OUT_OF_STEP": "The events do not continue the feed; build its publisher from an image.",
    "GAS_LIMIT": "Every route uses more gas than the order allows.",
    "HOT_WALLET_LOW": "The hot wallet holds too little of the asset until cold refills it.",
    "INCIDENT_OPEN": "The incident cannot be closed yet; the message says what comes first.",
    "INSUFFICIENT_BALANCE": "The account's available balance is too small.",
    "INSUFFICIENT_LIQUIDITY": "The venues cannot fill the amount.",
    "INTERRUPTED": "The command was interrupted; what it began is finished by the next start.",
    "IO_ERROR": "A file or the standard output could not be read or written.",
    "JOURNAL_CORRUPT": "The matching journal is damaged where it was whole; restore a copy of it.",
    "JOURNAL_FAILED": "The disk refused the matching journal; what was acknowledged is kept.",
    "KEY_FILE_MISSING": "The key file does not exist.",
    "KEY_FILE_INVALID": "The key file is not a keystore v3 file.",
    "KEY_PASSWORD_WRONG": "The password does not open the key file.",
    "KEY_REFUSED": "A well-known devnet key was used outside the devnet chain.",
    "LEDGER_UNBALANCED": "A journal does not sum to zero per asset.",
    "LIMIT_NOT_MET": "The route would deliver less than the limit.",
    "NO_ROUTE": "No route connects the two assets.",
    "NOT_FOUND": "No record has this id.",
    "ORDER_LIMIT_EXCEEDED": "The order sells more than the configured limit per order.",
    "ORDER_REJECTED": "The venue refused the order; nothing rests there.",
    "OUTCOME_UNKNOWN": "The venue did not answer; the order may exist and is being resolved.",
    "PRICE_GUARD": "The order would move the price too far, or gets much less than elsewhere.",
    "QUOTE_STALE": "The quote is older than its time to live or the market moved; quote again.",
    "REORG_TOO_DEEP": "The chain left a block on which the books rest; an operator decides.",
    "RPC_ERROR": "The node answered with an error.",
    "SCHEMA_UNSUPPORTED": "The database was written by another version of the program.",
    "SIGNER_FROZEN": "The signer is frozen after an unexplained movement; an operator thaws it.",
    "SIGNER_REFUSED": "The signer's policy does not allow this transaction.",
    "STORAGE_ERROR": "The database refused the operation.",
    "VENUE_UNAVAILABLE": "The venue cannot be reached; nothing was sent.",
    "WOULD_REVERT": "The chain would refuse the transaction as it stands; it was not sent.",
}
