"""Raw batched JSON-RPC over one keep-alive HTTP session.

Hot reads go through here: web3 costs 5 to 50 times more per read. Each failure is sorted by
what the caller may do next: a read can always be asked again, a transaction that may have left
this process cannot.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeAlias
from urllib.parse import urlsplit

import aiohttp

from router.domain.errors import FailureError, OutcomeUnknown, UsageError, VenueUnavailable

Json: TypeAlias = Any
"""A JSON value; the JSON-RPC method defines its shape."""

RpcCall: TypeAlias = tuple[str, Sequence[Json]]
"""A method name and its positional parameters."""

MAX_BATCH: Final = 500
MAX_CONNECTIONS: Final = 16
# The largest answer of ours, a batch of full blocks, takes some megabytes.
MAX_ANSWER_BYTES: Final = 128 * 2**20
SENDING_METHODS: Final = frozenset(
    {"eth_sendRawTransaction", "eth_sendRawTransactionSync", "eth_sendTransaction"}
)
_READ_PREFIXES: Final = ("eth_", "net_", "web3_")
_REVERT_RPC_CODE: Final = 3
# The connection was never up, so not one byte of the request has left.
_NEVER_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class RpcError(FailureError):
    """The node answered with a JSON-RPC error object.

    `rpc_code` and `rpc_message` are the node's own; `data` is its detail, for a reverted call
    the returned bytes as 0x-hex.
    """

    def __init__(self, method: str, rpc_code: int, rpc_message: str, data: Json = None) -> None:
        super().__init__("RPC_ERROR", f"{method} failed with {rpc_code}: {rpc_message[:500]}")
        self.method = method
        self.rpc_code = rpc_code
        self.rpc_message = rpc_message
        self.data = data

    @property
    def is_revert(self) -> bool:
        """Whether the EVM reverted, as opposed to the node refusing the request."""
        return self.rpc_code == _REVERT_RPC_CODE or "revert" in self.rpc_message.lower()

    @property
    def revert_bytes(self) -> bytes:
        """The ABI-encoded revert reason; empty when the node sent none."""
        if not isinstance(self.data, str) or not self.data.startswith("0x"):
            return b""
        try:
            return bytes.fromhex(self.data[2:])
        except ValueError:
            return b""


class JsonRpc:
    """A client of one node; create it inside the event loop that uses it, and close it there.

    Calls may run concurrently. A read whose kept-alive connection turns out to be closed by the
    node is asked once more; a sending method never is.
    """

    def __init__(self, url: str, timeout_s: float = 10.0) -> None:
        """Remember the node; nothing is connected before the first call.

        Args:
            url: http(s) address of the node; only its host appears in errors, since providers put
                keys into the path.
            timeout_s: deadline of one HTTP exchange.

        Raises:
            UsageError: CONFIG_INVALID, the address is not http(s).
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError("CONFIG_INVALID", "The node address must start with http(s)://.")
        assert timeout_s > 0, timeout_s
        self.url = url
        self._host = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._last_id = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; calling it again does nothing."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def call(self, method: str, params: Sequence[Json] = ()) -> Json:
        """Return the result of one method.

        Raises:
            RpcError: the node answered with an error.
            VenueUnavailable: CHAIN_UNAVAILABLE, nothing was sent or the method only reads.
            OutcomeUnknown: a sending method left and its answer did not come.
        """
        answer = await self.exchange(method, _encoded(self._request(method, params)))
        outcome = self._outcome(method, answer)
        if isinstance(outcome, RpcError):
            raise outcome
        return outcome

    async def exchange(self, method: str, payload: bytes) -> dict[str, Json]:
        """Return the node's whole answer to one encoded request of `method`; errors are in it.

        Raises:
            VenueUnavailable: CHAIN_UNAVAILABLE, see `call`.
            OutcomeUnknown: see `call`.
        """
        answer = await self._exchange([method], payload)
        if not isinstance(answer, dict):
            raise self._broken([method], "the answer is not a JSON-RPC object")
        return answer

    async def batch(self, calls: Sequence[RpcCall]) -> list[Json]:
        """Return the results in the order of `calls`; the first error is raised.

        Raises:
            RpcError: the node answered one of the calls with an error.
            VenueUnavailable: CHAIN_UNAVAILABLE, see `call`.
            OutcomeUnknown: see `call`; which of the sending calls arrived is not known.
        """
        outcomes = await self.batch_outcomes(calls)
        for outcome in outcomes:
            if isinstance(outcome, RpcError):
                raise outcome
        return outcomes

    async def batch_outcomes(self, calls: Sequence[RpcCall]) -> list[Json]:
        """Return, in the order of `calls`, each result or the `RpcError` in its place.

        Long lists go out in chunks of `MAX_BATCH`, one after the other. The items of one chunk
        run concurrently in the node: give transactions explicit nonces.

        Raises:
            VenueUnavailable: CHAIN_UNAVAILABLE, see `call`.
            OutcomeUnknown: see `call`.
        """
        outcomes: list[Json] = []
        for start in range(0, len(calls), MAX_BATCH):
            outcomes.extend(await self._batch_chunk(calls[start : start + MAX_BATCH]))
        return outcomes

    async def _batch_chunk(self, calls: Sequence[RpcCall]) -> list[Json]:
        methods = [method for method, _ in calls]
        requests = [self._request(method, params) for method, params in calls]
        answers = await self._exchange(methods, _encoded(requests))
        if isinstance(answers, dict):
            # A node that refuses the batch as a whole answers with one error object.
            refusal = self._outcome(f"batch of {len(calls)}", answers)
            if isinstance(refusal, RpcError):
                raise refusal
        if not isinstance(answers, list):
            raise self._broken(methods, "the answer to a batch is not a list")
        by_id = {
            answer["id"]: answer
            for answer in answers
            if isinstance(answer, dict) and isinstance(answer.get("id"), int)
        }
        outcomes = []
        for request in requests:
            answer = by_id.get(request["id"])
            if answer is None:
                raise self._broken(methods, "a call of the batch was not answered")
            outcomes.append(self._outcome(request["method"], answer))
        return outcomes

    def _request(self, method: str, params: Sequence[Json]) -> dict[str, Json]:
        self._last_id += 1
        return {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": list(params)}

    def _outcome(self, method: str, answer: Mapping[str, Json]) -> Json:
        error = answer.get("error")
        if error is None:
            if "result" not in answer:
                raise self._broken([method], "the answer has neither result nor error")
            return answer["result"]
        if not isinstance(error, dict):
            return RpcError(method, 0, str(error))
        code = error.get("code")
        return RpcError(
            method,
            code if isinstance(code, int) else 0,
            str(error.get("message", "no message")),
            error.get("data"),
        )

    async def _exchange(self, methods: Sequence[str], payload: bytes) -> Json:
        """Post and parse the answer; ask a read again if the idle connection was closed."""
        only_reads = all(
            method.startswith(_READ_PREFIXES) and method not in SENDING_METHODS
            for method in methods
        )
        try:
            return await self._post(methods, payload)
        except aiohttp.ServerDisconnectedError as error:
            if not only_reads:
                raise self._broken(methods, "the connection closed before the answer") from error
        try:
            return await self._post(methods, payload)
        except aiohttp.ServerDisconnectedError as error:
            raise self._broken(methods, "the connection closed before the answer") from error

    async def _post(self, methods: Sequence[str], payload: bytes) -> Json:
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                # A redirect would hand the request to somebody who was never configured, and its
                # refusal would pass for that of the node.
                self._open_session().post(
                    self.url, data=payload, allow_redirects=False
                ) as response,
            ):
                status = response.status
                text = await self._body(methods, response)
        except _NEVER_SENT as error:
            raise VenueUnavailable(
                "CHAIN_UNAVAILABLE", f"The node at {self._host} cannot be reached."
            ) from error
        except TimeoutError as error:
            raise self._broken(methods, f"no answer within {self._timeout_s:g} s") from error
        except aiohttp.ServerDisconnectedError:
            raise
        except aiohttp.ClientError as error:
            raise self._broken(methods, "the connection broke") from error
        return self._parse(methods, status, text)

    async def _body(self, methods: Sequence[str], response: aiohttp.ClientResponse) -> bytes:
        """Read the answer, up to `MAX_ANSWER_BYTES`."""
        body = bytearray()
        while chunk := await response.content.readany():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                response.close()
                raise self._broken(methods, f"the answer exceeds {MAX_ANSWER_BYTES} bytes")
        return bytes(body)

    def _parse(self, methods: Sequence[str], status: int, text: bytes) -> Json:
        try:
            answer = json.loads(text)
        except ValueError as error:
            if 400 <= status < 500:
                # A client error means that the request was turned away, not passed on.
                raise VenueUnavailable(
                    "CHAIN_UNAVAILABLE",
                    f"The node at {self._host} refused the request with HTTP {status}.",
                ) from error
            raise self._broken(methods, f"HTTP {status} without a JSON answer") from error
        if status >= 400 and not _is_rpc_answer(answer):
            raise self._broken(methods, f"HTTP {status} without a JSON-RPC answer")
        return answer

    def _broken(self, methods: Sequence[str], what: str) -> FailureError:
        """Sort a failure after the request may have left by whether it could change anything."""
        sending = sorted(SENDING_METHODS.intersection(methods))
        if sending:
            return OutcomeUnknown(
                "OUTCOME_UNKNOWN", f"{sending[0]} to {self._host} may have been accepted: {what}."
            )
        return VenueUnavailable(
            "CHAIN_UNAVAILABLE", f"The node at {self._host} did not answer: {what}."
        )

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._timeout_s / 2),
                headers={"Content-Type": "application/json"},
            )
        return self._session


def _encoded(body: Json) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _is_rpc_answer(answer: Json) -> bool:
    return isinstance(answer, list) or (
        isinstance(answer, dict) and ("error" in answer or "result" in answer)
    )


def to_quantity(value: int) -> str:
    """Return a non-negative integer as a JSON-RPC quantity: 0x-hex without leading zeros.

    Raises:
        ValueError: `value` is negative.
    """
    if value < 0:
        raise ValueError(f"a quantity is not negative, got {value}")
    return hex(value)


def from_quantity(text: str) -> int:
    """Return the integer of a 0x-hex quantity.

    Raises:
        ValueError: `text` is not 0x-hex.
    """
    if not isinstance(text, str) or not text.startswith("0x"):
        raise ValueError(f"{text!r} is not a 0x-hex quantity")
    return int(text, 16)


def to_hex(payload: bytes) -> str:
    """Return bytes as 0x-hex data."""
    return "0x" + payload.hex()


def from_hex(text: str) -> bytes:
    """Return the bytes of 0x-hex data.

    Raises:
        ValueError: `text` is not 0x-hex of whole bytes.
    """
    if not isinstance(text, str) or not text.startswith("0x"):
        raise ValueError(f"{text!r} is not 0x-hex data")
    return bytes.fromhex(text[2:])
