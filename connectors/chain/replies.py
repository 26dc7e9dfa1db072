"""What a node's answer to a raw transaction means for whoever sent it.

Clients word the same refusal differently, so the answer is looked up in one table. A text that
no row knows is *unknown*: a gateway that fails after it passed the bytes on answers with an
error too, and taking that for a refusal would free money that may still move.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from connectors.chain.rpc import RpcError
from router.domain.errors import FailureError, OrderRejected, OutcomeUnknown, VenueUnavailable


class ReplyClass(StrEnum):
    """How a node's answer is to be read; each value but KNOWN and BUSY begins the error message."""

    KNOWN = "KNOWN"
    NONCE_TOO_LOW = "NONCE_TOO_LOW"
    NONCE_TOO_HIGH = "NONCE_TOO_HIGH"
    UNDERPRICED = "UNDERPRICED"
    LOCAL = "LOCAL"
    BUSY = "BUSY"


class TransactionRefused(OrderRejected):
    """The node refused the bytes; they are nowhere.

    `reason` says what to do: NONCE_TOO_LOW the nonce is spent, look up every attempt;
    NONCE_TOO_HIGH an earlier nonce is missing; UNDERPRICED raise the fees of this nonce; LOCAL
    the inputs are wrong, mend them and reuse the nonce. `message` begins with the same word.
    """

    def __init__(self, reason: ReplyClass, node_text: str) -> None:
        super().__init__("ORDER_REJECTED", f"{reason.value}: {node_text[:300]}")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRule:
    """A text (lower case) that a node's message contains, and what it means."""

    contains: str
    meaning: ReplyClass


def _rules(meaning: ReplyClass, *texts: str) -> tuple[ReplyRule, ...]:
    return tuple(ReplyRule(contains=text, meaning=meaning) for text in texts)


# The first row that matches decides: "replacement transaction underpriced" stands before
# "underpriced", and what the node already has before every refusal.
REPLY_RULES: Final[tuple[ReplyRule, ...]] = (
    *_rules(
        ReplyClass.KNOWN,
        "already known",  # geth
        "known transaction",  # geth before 1.10, Besu, Hardhat
        "already imported",  # Anvil, Parity
        "alreadyknown",  # Nethermind
        "existing tx with same hash",  # Erigon
        "transaction already exists",
    ),
    *_rules(
        ReplyClass.NONCE_TOO_LOW,
        "nonce too low",  # geth, Anvil, Hardhat, Besu, Erigon
        "oldnonce",  # Nethermind
        "nonce has already been used",
    ),
    *_rules(
        ReplyClass.NONCE_TOO_HIGH,
        "nonce too high",  # geth, Anvil, Hardhat
        "noncegap",  # Nethermind
        "nonce too distant",  # Besu
        "future transaction tries to replace pending",  # geth
    ),
    *_rules(
        ReplyClass.UNDERPRICED,
        "max fee per gas less than block base fee",  # geth, Anvil
        "too low for the next block",  # Hardhat
        "underpriced",  # geth, Anvil, Hardhat, Besu, Erigon
        "feetoolow",  # Nethermind
        "gas price below configured minimum",  # Besu
        "fee too low",
    ),
    *_rules(
        ReplyClass.LOCAL,
        "insufficient funds",  # geth, Anvil, Erigon
        "insufficientfunds",  # Nethermind
        "doesn't have enough funds",  # Hardhat
        "upfront cost exceeds account balance",  # Besu
        "intrinsic gas too low",  # geth, Anvil
        "requires at least",  # Hardhat
        "intrinsic gas too high",  # Anvil
        "exceeds block gas limit",  # geth, Hardhat
        "exceeds the configured cap",  # geth: the node's own fee cap
        "max priority fee per gas higher than max fee",  # geth
        "gas limit too high",
        "invalid chain id",  # Anvil
        "incompatible eip-155 transaction",  # Hardhat
        "only replay-protected",  # geth
        "invalid sender",  # geth
        "invalid signature",
        "oversized data",  # geth
        "max initcode size exceeded",
        "transaction type not supported",  # geth
        "failed to decode transaction",  # Anvil
        "empty transaction data",  # Anvil
        "rlp:",  # geth: the bytes are no transaction
        "invalid params",
    ),
    *_rules(
        ReplyClass.BUSY,
        "txpool is full",  # geth
        "transaction pool is full",
        "too many requests",
        "rate limit",
        "request limit",
    ),
)


def classify_send_error(error: RpcError) -> ReplyClass | None:
    """Return what the node's error means, None when no row of the table knows it."""
    text = error.rpc_message.lower()
    return next((rule.meaning for rule in REPLY_RULES if rule.contains in text), None)


def refusal_of_send(error: RpcError) -> FailureError | None:
    """Return the error that a refused send stands for, None when the node has the transaction.

    The result is a `TransactionRefused`, `VenueUnavailable` (nothing was taken, try again) or
    `OutcomeUnknown` (the text is not in the table).
    """
    meaning = classify_send_error(error)
    if meaning is ReplyClass.KNOWN:
        return None
    if meaning is ReplyClass.BUSY:
        return VenueUnavailable(
            "CHAIN_UNAVAILABLE", f"The node takes no transaction now: {error.rpc_message[:300]}"
        )
    if meaning is None:
        return OutcomeUnknown(
            "OUTCOME_UNKNOWN",
            f"The node answered a transaction with an unknown error: {error.rpc_message[:300]}",
        )
    return TransactionRefused(meaning, error.rpc_message)
