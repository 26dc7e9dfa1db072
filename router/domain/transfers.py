"""Token transfers as the chain shows them: the calls that make one and the logs that prove one."""

from collections.abc import Iterable
from dataclasses import dataclass

from router.domain.amounts import UINT256_MAX
from router.domain.assets import NATIVE_ADDRESS, Asset
from router.domain.settlement import Log, TxRequest

# The hash of the event Transfer with two addresses and an amount.
TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
# The hashes of the events by which an owner lets a spender move tokens: the token's own Approval,
# and the Approval and Permit of the permit contract.
APPROVAL_TOPIC = "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
PERMIT2_APPROVAL_TOPIC = "0xda9fa7c1b00402c17d0161b249b1ab8bbec047c5a52207b9c112deffd817036b"
PERMIT2_PERMIT_TOPIC = "0xc6a377bfc4eb120024a8ac08eef205be16b817020812c73223e81d1bdb9708ec"
_TRANSFER_SELECTOR = bytes.fromhex("a9059cbb")  # transfer(address,uint256)
_ALLOWANCE_SELECTOR = bytes.fromhex("dd62ed3e")  # allowance(address,address)
_PERMIT2_ALLOWANCE_SELECTOR = bytes.fromhex("927da105")  # allowance(address,address,address)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Somebody may move a token of ours, by word of `contract`: the token itself, or the permit
    contract. All are lower-case addresses."""

    contract: str
    token: str
    spender: str


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


def permit_allowance_call(owner: str, token: str, spender: str) -> bytes:
    """Return the call data by which the permit contract tells such an allowance: units, then the
    last second (Unix time) at which it holds."""
    return _PERMIT2_ALLOWANCE_SELECTOR + _word(owner) + _word(token) + _word(spender)


def read_approvals(logs: Iterable[Log]) -> list[Approval]:
    """Return what the logs of one owner's approvals name, each once; amounts change afterwards."""
    found = []
    for log in logs:
        parties = [_address(topic) for topic in log.topics[2:]]
        if len(parties) == 1 and log.topics[0] == APPROVAL_TOPIC:
            token = log.address.lower()
            found.append(Approval(contract=token, token=token, spender=parties[0]))
        elif len(parties) == 2 and log.topics[0] in {PERMIT2_APPROVAL_TOPIC, PERMIT2_PERMIT_TOPIC}:
            contract, (token, spender) = log.address.lower(), parties
            found.append(Approval(contract=contract, token=token, spender=spender))
    return list(dict.fromkeys(found))


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
