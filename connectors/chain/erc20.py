"""The ERC-20 calls and the one event this program uses."""

from typing import Final

from connectors.chain.abi import AbiEvent, AbiFunction
from router.domain.settlement import Log

TRANSFER: Final = AbiFunction.declare("transfer", ["address", "uint256"], ["bool"])
APPROVE: Final = AbiFunction.declare("approve", ["address", "uint256"], ["bool"])
ALLOWANCE: Final = AbiFunction.declare("allowance", ["address", "address"], ["uint256"])
BALANCE_OF: Final = AbiFunction.declare("balanceOf", ["address"], ["uint256"])
TRANSFERRED: Final = AbiEvent.declare(
    "Transfer", ["address", "address", "uint256"], [True, True, False]
)
TRANSFER_TOPIC: Final = "0x" + TRANSFERRED.topic0.hex()


def address_topic(address: str) -> str:
    """Return an address as an indexed parameter stands in a topic: 32 bytes of lower-case hex."""
    return "0x" + address.removeprefix("0x").lower().rjust(64, "0")


def topic_address(topic: str) -> str:
    """Return the lower-case address in a topic."""
    return "0x" + topic[-40:].lower()


def is_transfer(log: Log) -> bool:
    """Whether the log is an ERC-20 Transfer; an ERC-721 one has the same name but four topics."""
    return len(log.topics) == 3 and log.topics[0] == TRANSFER_TOPIC and len(log.data) == 32
