"""The devnet's clients: accounts outside the exchange whose keys the node itself holds."""

import asyncio

from connectors.chain.erc20 import TRANSFER
from connectors.chain.rpc import JsonRpc, to_hex, to_quantity
from router.devnet.keys import ACCOUNTS, DEVNET_CHAIN_ID, address_of
from router.domain.amounts import Amount
from router.domain.errors import FailureError, UsageError

_RECEIPT_DEADLINE_S = 20.0
_POLL_S = 0.02
# client account of the exchange -> role of the outside address that pays in for it
CLIENT_ROLES = {"alice": "alice", "bob": "bob", "maker": "market_maker"}
assert set(CLIENT_ROLES.values()) <= set(ACCOUNTS)


async def pay_in(rpc_url: str, account: str, amount: Amount, recipient: str) -> str:
    """Send `amount` from a client's outside address to `recipient`; return the transaction hash.

    Raises:
        UsageError: USAGE, the devnet has no outside address for `account`.
        FailureError: CHAIN_MISMATCH when the node is not a devnet, CONTRACT_REVERTED, or
            CHAIN_UNAVAILABLE when the node does not mine it in time.
    """
    role = CLIENT_ROLES.get(account)
    if role is None:
        known = ", ".join(CLIENT_ROLES)
        raise UsageError("USAGE", f"The devnet's clients are {known}; {account!r} is none.")
    async with JsonRpc(rpc_url) as rpc:
        if int(await rpc.call("eth_chainId"), 16) != DEVNET_CHAIN_ID:
            raise FailureError("CHAIN_MISMATCH", "Paying in this way works on the devnet only.")
        return await _send(rpc, _transfer(address_of(role), amount, recipient))


def _transfer(sender: str, amount: Amount, recipient: str) -> dict[str, str]:
    if amount.asset.is_native:
        return {"from": sender, "to": recipient, "value": to_quantity(amount.units)}
    data = TRANSFER.encode_call(recipient, amount.units)
    return {"from": sender, "to": amount.asset.address, "data": to_hex(data)}


async def _send(rpc: JsonRpc, transaction: dict[str, str]) -> str:
    tx_hash = str(await rpc.call("eth_sendTransaction", [transaction]))
    try:
        async with asyncio.timeout(_RECEIPT_DEADLINE_S):
            receipt = await rpc.call("eth_getTransactionReceipt", [tx_hash])
            while receipt is None:
                await asyncio.sleep(_POLL_S)
                receipt = await rpc.call("eth_getTransactionReceipt", [tx_hash])
    except TimeoutError as error:
        raise FailureError("CHAIN_UNAVAILABLE", f"{tx_hash} was not mined in time.") from error
    if int(receipt["status"], 16) != 1:
        raise FailureError("CONTRACT_REVERTED", f"The transfer {tx_hash} was reverted.")
    return tx_hash
