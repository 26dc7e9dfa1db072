"""Token transfers as the chain shows them: the calls that make one and the logs that prove one."""

from collections.abc import Iterable
from dataclasses import dataclass

from router.domain.amounts import UINT256_MAX
from router.domain.assets import NATIVE_ADDRESS, Asset
from router.domain.settlement import Log, TxRequest

# The hash of the event Transfer with two addresses and an amount.
TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_TRANSFER_SELECTOR = bytes.fromhex("a9059cbb")  # transfer(address,uint256)
_ALLOWANCE_SELECTOR = bytes.fromhex("dd62ed3e")  # allowance(address,address)
PLAIN_TRANSFER_GAS = 21_000
# Addresses up to here are the zero address, precompiles, system contracts and the usual burn
# address: money sent to one is lost.
RESERVED_ADDRESS_MAX = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One movement of a token or of the coin. Addresses are lower case; `token` is
    `NATIVE_ADDRESS` (lower case) for the coin. `ordinal` is -1 for the coin: a transaction moves it
    once in plain sight."""

    token: str
    sender: str
    recipient: str
    units: int
    tx_hash: str
    ordinal: int
    block_number: int
    block_hash: str


def _word(address: str) -> bytes:
    return bytes.fromhex(address[2:]).rjust(32, b"\0")


def _address(topic: str) -> str:
    return "0x" + topic[-40:].lower()


def transfer_request(asset: Asset, to: str, units: int, gas_limit: int) -> TxRequest:
    """Return the call that sends `units` base units of a token or of the coin to an address."""
    assert 0 < units <= UINT256_MAX, units
    if asset.is_native:
        return TxRequest(to=to, data=b"", value_wei=units, gas_limit=gas_limit)
    call = _TRANSFER_SELECTOR + _word(to) + units.to_bytes(32)
    return TxRequest(to=asset.address, data=call, value_wei=0, gas_limit=gas_limit)


def allowance_call(owner: str, spender: str) -> bytes:
    """Return the call data that reads how much of `owner`'s tokens `spender` may move."""
    return _ALLOWANCE_SELECTOR + _word(owner) + _word(spender)


def read_transfer(log: Log) -> Transfer | None:
    """Return the ERC-20 transfer that a log shows; None when it shows something else.

    An ERC-721 transfer has the same first topic and four topics in all: it is not one.
    """
    if len(log.topics) != 3 or log.topics[0].lower() != TRANSFER_TOPIC or len(log.data) != 32:
        return None
    return Transfer(
        token=log.address.lower(),
        sender=_address(log.topics[1]),
        recipient=_address(log.topics[2]),
        units=int.from_bytes(log.data),
        tx_hash=log.tx_hash,
        ordinal=log.ordinal,
        block_number=log.block_number,
        block_hash=log.block_hash,
    )


def read_transfers(logs: Iterable[Log]) -> list[Transfer]:
    found = (read_transfer(log) for log in logs)
    return [transfer for transfer in found if transfer is not None and transfer.units > 0]


def read_native_transfers(owner: str, logs: Iterable[Log]) -> list[Transfer]:
    """Return what `ChainAudit.native_transfers` of `owner` tells; plain transfers of nothing are
    kept, since they show that `owner`'s key was used."""
    transfers = []
    for log in logs:
        outgoing = log.ordinal < 0
        ours, other = owner.lower(), log.address.lower()
        transfers.append(
            Transfer(
                token=NATIVE_ADDRESS.lower(),
                sender=ours if outgoing else other,
                recipient=other if outgoing else ours,
                units=int.from_bytes(log.data),
                tx_hash=log.tx_hash,
                ordinal=-1,
                block_number=log.block_number,
                block_hash=log.block_hash,
            )
        )
    return transfers


def net_units(owner: str, asset: Asset, transfers: Iterable[Transfer]) -> int:
    """Return what transfers add up to for an address, in base units; negative is an outflow."""
    wallet, token = owner.lower(), asset.address.lower()
    net = 0
    for transfer in transfers:
        if transfer.token == token:
            net += transfer.units * ((transfer.recipient == wallet) - (transfer.sender == wallet))
    return net
