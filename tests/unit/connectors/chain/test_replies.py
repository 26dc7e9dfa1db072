"""Every text a known client answers a raw transaction with, and what it must mean."""

import pytest

from connectors.chain.replies import (
    REPLY_RULES,
    ReplyClass,
    TransactionRefused,
    classify_send_error,
    refusal_of_send,
)
from connectors.chain.rpc import RpcError
from router.domain.errors import OutcomeUnknown, VenueUnavailable

# (client, text as sent, meaning); Anvil's and Hardhat's were recorded, the others are from source.
TEXTS = [
    ("anvil", "transaction already imported", ReplyClass.KNOWN),
    ("geth", "already known", ReplyClass.KNOWN),
    ("besu", "Known transaction", ReplyClass.KNOWN),
    ("hardhat", "Known transaction: 0x12ab", ReplyClass.KNOWN),
    ("nethermind", "AlreadyKnown", ReplyClass.KNOWN),
    ("erigon", "existing tx with same hash", ReplyClass.KNOWN),
    ("anvil", "nonce too low", ReplyClass.NONCE_TOO_LOW),
    ("geth", "nonce too low: next nonce 5, tx nonce 4", ReplyClass.NONCE_TOO_LOW),
    ("hardhat", "Nonce too low. Expected nonce to be 2 but got 1.", ReplyClass.NONCE_TOO_LOW),
    ("nethermind", "OldNonce, Current nonce: 3", ReplyClass.NONCE_TOO_LOW),
    ("geth", "nonce too high", ReplyClass.NONCE_TOO_HIGH),
    ("hardhat", "Nonce too high. Expected nonce to be 0 but got 9.", ReplyClass.NONCE_TOO_HIGH),
    ("nethermind", "NonceGap, Future nonce", ReplyClass.NONCE_TOO_HIGH),
    ("anvil", "replacement transaction underpriced", ReplyClass.UNDERPRICED),
    ("geth", "transaction underpriced: tip needed 1, tip permitted 0", ReplyClass.UNDERPRICED),
    (
        "hardhat",
        "Replacement transaction underpriced. A gasPrice/maxFeePerGas of at least 2 is necessary",
        ReplyClass.UNDERPRICED,
    ),
    ("anvil", "max fee per gas less than block base fee", ReplyClass.UNDERPRICED),
    (
        "hardhat",
        "Transaction maxFeePerGas (1) is too low for the next block, with baseFeePerGas 7",
        ReplyClass.UNDERPRICED,
    ),
    ("nethermind", "FeeTooLow, MaxFeePerGas too low", ReplyClass.UNDERPRICED),
    ("anvil", "Insufficient funds for gas * price + value", ReplyClass.LOCAL),
    ("geth", "insufficient funds for gas * price + value: balance 0", ReplyClass.LOCAL),
    ("hardhat", "Sender doesn't have enough funds to send tx.", ReplyClass.LOCAL),
    ("besu", "Upfront cost exceeds account balance", ReplyClass.LOCAL),
    ("nethermind", "InsufficientFunds, Account balance: 0", ReplyClass.LOCAL),
    ("anvil", "intrinsic gas too low", ReplyClass.LOCAL),
    ("geth", "intrinsic gas too low: gas 1, minimum needed 21000", ReplyClass.LOCAL),
    (
        "anvil",
        "intrinsic gas too high -- tx.gas_limit > env.block.gas_limit",
        ReplyClass.LOCAL,
    ),
    ("geth", "exceeds block gas limit", ReplyClass.LOCAL),
    ("hardhat", "Transaction gas limit is 9 and exceeds block gas limit of 3", ReplyClass.LOCAL),
    ("geth", "tx fee (2.00 ether) exceeds the configured cap (1.00 ether)", ReplyClass.LOCAL),
    ("anvil", "max priority fee per gas higher than max fee per gas", ReplyClass.LOCAL),
    ("anvil", "invalid chain id for signer", ReplyClass.LOCAL),
    ("anvil", "Failed to decode transaction", ReplyClass.LOCAL),
    ("anvil", "Empty transaction data", ReplyClass.LOCAL),
    ("anvil", "max initcode size exceeded", ReplyClass.LOCAL),
    ("geth", "rlp: expected input list for types.LegacyTx", ReplyClass.LOCAL),
    ("geth", "txpool is full", ReplyClass.BUSY),
    ("provider", "Too Many Requests", ReplyClass.BUSY),
    ("provider", "daily request limit reached", ReplyClass.BUSY),
]
UNKNOWN_TEXTS = ["Internal error", "upstream timed out", "header not found", "", "gateway decode"]


def answered(text: str) -> RpcError:
    return RpcError("eth_sendRawTransaction", -32000, text)


@pytest.mark.parametrize(
    ("client", "text", "meaning"), TEXTS, ids=[f"{c}: {t}" for c, t, _ in TEXTS]
)
def test_each_known_text_has_its_meaning(client: str, text: str, meaning: ReplyClass) -> None:
    assert classify_send_error(answered(text)) is meaning


def test_every_class_of_the_table_is_met_by_a_known_text() -> None:
    assert {rule.meaning for rule in REPLY_RULES} == {meaning for _, _, meaning in TEXTS}


def test_what_the_node_already_has_is_no_error() -> None:
    assert refusal_of_send(answered("transaction already imported")) is None


@pytest.mark.parametrize(
    "reason",
    [ReplyClass.NONCE_TOO_LOW, ReplyClass.NONCE_TOO_HIGH, ReplyClass.UNDERPRICED, ReplyClass.LOCAL],
)
def test_a_refusal_carries_its_reason_and_the_nodes_own_words(reason: ReplyClass) -> None:
    text = next(text for _, text, meaning in TEXTS if meaning is reason)
    refusal = refusal_of_send(answered(text))
    assert isinstance(refusal, TransactionRefused)
    assert refusal.reason is reason
    assert refusal.code == "ORDER_REJECTED"
    assert refusal.message == f"{reason}: {text}"


def test_a_busy_node_took_nothing() -> None:
    assert isinstance(refusal_of_send(answered("txpool is full")), VenueUnavailable)


@pytest.mark.parametrize("text", UNKNOWN_TEXTS)
def test_a_text_in_no_table_may_have_been_sent(text: str) -> None:
    assert isinstance(refusal_of_send(answered(text)), OutcomeUnknown)
