"""The JSON-RPC client against a real node."""

import pytest
from eth_utils.crypto import keccak

from connectors.chain.rpc import MAX_BATCH, JsonRpc, RpcError, from_quantity
from router.devnet import Deployment


async def test_a_batch_above_the_chunk_size_is_answered_in_order(rpc: JsonRpc) -> None:
    slots = range(2 * MAX_BATCH + 7)
    await rpc.batch(
        [("anvil_setStorageAt", ["0x" + "11" * 20, hex(n), f"0x{n:064x}"]) for n in slots]
    )
    answers = await rpc.batch(
        [("eth_getStorageAt", ["0x" + "11" * 20, hex(n), "latest"]) for n in slots]
    )
    assert [from_quantity(answer) for answer in answers] == list(slots)


async def test_a_reverted_call_carries_the_reason_of_the_contract(
    rpc: JsonRpc, deployment: Deployment
) -> None:
    swap = keccak(text="transfer(address,uint256)")[:4] + bytes(12) + b"\x01" * 20
    request = {
        "to": deployment.contracts["WETH9"],
        "data": "0x" + (swap + (10**30).to_bytes(32, "big")).hex(),
        "from": "0x" + "22" * 20,
    }
    with pytest.raises(RpcError) as caught:
        await rpc.call("eth_call", [request, "latest"])
    assert caught.value.is_revert


async def test_bytes_that_are_no_transaction_are_refused_not_unknown(rpc: JsonRpc) -> None:
    with pytest.raises(RpcError) as caught:
        await rpc.call("eth_sendRawTransaction", ["0x1234"])
    assert not caught.value.is_revert
    assert caught.value.rpc_code < 0


async def test_a_method_that_does_not_exist_is_an_error_of_the_node(rpc: JsonRpc) -> None:
    with pytest.raises(RpcError) as caught:
        await rpc.call("eth_nothing")
    assert caught.value.rpc_code == -32601
