"""Sends signed bytes through web3: exactly one request for each send, whatever comes back.

Imported with the first send, since web3 costs readers time that they have no use for.
"""

from typing import Final, cast

from eth_utils.crypto import keccak
from web3 import AsyncWeb3
from web3.exceptions import Web3Exception
from web3.providers.async_base import AsyncJSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from connectors.chain.rpc import Json, JsonRpc, RpcError
from router.domain.errors import OutcomeUnknown

SEND_METHOD: Final = "eth_sendRawTransaction"


class OneRequestProvider(AsyncJSONBaseProvider):
    """web3's provider over the session, the deadline and the sorting of failures of a `JsonRpc`.

    web3's own HTTP provider sends a transaction five times when the connection breaks, drops the
    node's words when they come with an HTTP error, and in web3 6 shares sessions between threads.
    """

    def __init__(self, rpc: JsonRpc) -> None:
        super().__init__()
        self._rpc = rpc

    async def make_request(self, method: RPCEndpoint, params: object) -> RPCResponse:
        """Return the node's whole answer to one request of web3's.

        Raises:
            VenueUnavailable: CHAIN_UNAVAILABLE, nothing was sent.
            OutcomeUnknown: it may have been sent.
        """
        payload = self.encode_rpc_request(method, params)
        return cast("RPCResponse", await self._rpc.exchange(method, payload))


class Web3Sender:
    """Broadcasts raw transactions to one node. It owns nothing: the `JsonRpc` is the caller's."""

    def __init__(self, rpc: JsonRpc) -> None:
        self._web3 = AsyncWeb3(OneRequestProvider(rpc))
        # Its defaults fill in and check what is not signed yet, some with requests of their own;
        # signed bytes leave nothing to fill in.
        self._web3.middleware_onion.clear()

    async def send(self, raw: bytes) -> None:
        """Return when the node has taken the bytes and named them by their own hash.

        Raises:
            RpcError: the node answered with an error; `refusal_of_send` reads it.
            VenueUnavailable: CHAIN_UNAVAILABLE, nothing was sent.
            OutcomeUnknown: no answer, or none that makes sense.
        """
        try:
            tx_hash = bytes(await self._web3.eth.send_raw_transaction(raw))
        except (Web3Exception, ValueError, TypeError) as error:
            answered = rpc_error_of(error)
            if answered is None:
                raise _senseless(type(error).__name__) from error
            raise answered from error
        if tx_hash != keccak(raw):
            raise _senseless("another transaction's hash")


def rpc_error_of(error: Exception) -> RpcError | None:
    """Return the node's error object that web3 raised, None when it complains of something else.

    web3 6 raises `ValueError(error)` or an exception of its own with the object as its argument;
    from 7 on it is a `Web3RPCError` that carries the whole answer.
    """
    answer = getattr(error, "rpc_response", None)
    detail: Json = error.args[0] if error.args else None
    if isinstance(answer, dict):
        detail = answer.get("error")
    if not isinstance(detail, dict) or not isinstance(detail.get("code"), int):
        return None
    return RpcError(SEND_METHOD, detail["code"], str(detail.get("message")), detail.get("data"))


def _senseless(what: str) -> OutcomeUnknown:
    return OutcomeUnknown("OUTCOME_UNKNOWN", f"The node answered a transaction with {what}.")
