"""Sending through web3, against a real HTTP server that misbehaves in every way that matters."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from eth_utils.crypto import keccak

from connectors.chain.node import RpcChain
from connectors.chain.replies import ReplyClass, TransactionRefused
from connectors.chain.rpc import JsonRpc, RpcError
from connectors.chain.web3_sender import rpc_error_of
from router.domain.errors import OutcomeUnknown, VenueUnavailable

RAW = bytes.fromhex("02f86b") + bytes(range(100))
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Node:
    """A node that keeps what it was asked and answers as told."""

    answer: Answer
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        return await self.answer(request)


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Node]:
    node = Node(answer)
    app = web.Application()
    app.router.add_post("/", node.handle)
    server = TestServer(app)
    await server.start_server()
    node.url = str(server.make_url("/"))
    try:
        yield node
    finally:
        await server.close()


async def send_to(node: Node, *, timeout_s: float = 5.0) -> None:
    async with JsonRpc(node.url, timeout_s=timeout_s) as rpc:
        await RpcChain(rpc).send_raw(RAW)


def answering(*, status: int = 200, **members: object) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        asked = await request.json()
        return web.json_response({"jsonrpc": "2.0", "id": asked["id"], **members}, status=status)

    return answer


def refusing(text: object, *, code: object = -32000, status: int = 200) -> Answer:
    return answering(status=status, error={"code": code, "message": text})


def plain(status: int, text: str) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text, content_type="text/html")

    return answer


async def cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def hang(_: web.Request) -> web.Response:
    await asyncio.sleep(1)
    return web.Response()


async def test_a_send_is_one_request_that_carries_the_stored_bytes() -> None:
    taking = answering(result="0x" + keccak(RAW).hex())
    async with serving(taking) as node, JsonRpc(node.url) as rpc:
        chain = RpcChain(rpc)
        await chain.send_raw(RAW)
        await chain.send_raw(RAW)
    assert [(a["method"], a["params"]) for a in node.asked] == [
        ("eth_sendRawTransaction", ["0x" + RAW.hex()])
    ] * 2


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonce too low: next nonce 5, tx nonce 4", ReplyClass.NONCE_TOO_LOW),
        ("replacement transaction underpriced", ReplyClass.UNDERPRICED),
        ("insufficient funds for gas * price + value", ReplyClass.LOCAL),
    ],
)
async def test_a_refusal_is_read_from_the_nodes_words_whatever_the_http_status(
    text: str, reason: ReplyClass, status: int
) -> None:
    async with serving(refusing(text, status=status)) as node:
        with pytest.raises(TransactionRefused) as caught:
            await send_to(node)
    assert caught.value.reason is reason
    assert caught.value.message == f"{reason}: {text}"
    assert len(node.asked) == 1


async def test_what_the_node_already_has_is_no_error() -> None:
    async with serving(refusing("already known")) as node:
        await send_to(node)
    assert len(node.asked) == 1


async def test_a_busy_node_took_nothing() -> None:
    async with serving(refusing("txpool is full")) as node:
        with pytest.raises(VenueUnavailable):
            await send_to(node)


@pytest.mark.parametrize(
    "answer",
    [
        cut,
        hang,
        plain(502, "<html>bad gateway</html>"),
        plain(200, "<html>welcome</html>"),
        plain(500, ""),
        refusing("Internal error"),
        refusing("request timed out"),
        refusing("transaction not found"),
        refusing("the method does not exist", code=-32601),
        refusing("nonce too low", code="odd"),
        refusing(None),
        answering(error="nonce too low"),
        answering(error=None),
        answering(result=None),
        answering(result="0x"),
        answering(result="0x1234"),
        answering(result="welcome"),
        answering(result=7),
        answering(result=["0x"]),
        answering(result="0x" + keccak(b"another").hex()),
        answering(result="0x" + keccak(RAW).hex(), error={"code": 1, "message": "both"}),
        answering(),
    ],
    ids=lambda answer: getattr(answer, "__name__", "") if answer in (cut, hang) else None,
)
async def test_without_an_answer_that_makes_sense_the_outcome_is_unknown_and_asked_once(
    answer: Answer,
) -> None:
    async with serving(answer) as node:
        with pytest.raises(OutcomeUnknown) as caught:
            await send_to(node, timeout_s=0.5 if answer is hang else 5.0)
    assert caught.value.code == "OUTCOME_UNKNOWN"
    assert len(node.asked) == 1


async def test_a_connection_reset_before_the_request_was_read_leaves_the_outcome_unknown() -> None:
    accepted = 0

    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal accepted
        accepted += 1
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with JsonRpc(f"http://127.0.0.1:{port}") as rpc:
            with pytest.raises(OutcomeUnknown):
                await RpcChain(rpc).send_raw(RAW)
    assert accepted == 1


async def test_a_node_that_cannot_be_reached_was_sent_nothing() -> None:
    async with JsonRpc(f"http://127.0.0.1:{unused_port()}") as rpc:
        with pytest.raises(VenueUnavailable):
            await RpcChain(rpc).send_raw(RAW)


async def test_a_request_turned_away_with_http_4xx_was_not_passed_on() -> None:
    async with serving(plain(429, "<html>slow down</html>")) as node:
        with pytest.raises(VenueUnavailable):
            await send_to(node)
    assert len(node.asked) == 1


async def test_a_cancelled_send_is_cancelled_and_the_next_one_works() -> None:
    arrived = asyncio.Event()
    taking = answering(result="0x" + keccak(RAW).hex())

    async def slow_first(request: web.Request) -> web.StreamResponse:
        if arrived.is_set():
            return await taking(request)
        arrived.set()
        return await hang(request)

    async with serving(slow_first) as node, JsonRpc(node.url) as rpc:
        chain = RpcChain(rpc)
        task = asyncio.ensure_future(chain.send_raw(RAW))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await chain.send_raw(RAW)
    assert len(node.asked) == 2


@pytest.mark.parametrize(
    "raised",
    [
        ValueError({"code": 3, "message": "no", "data": "0x12"}),
        SimpleNamespace(
            args=("{'code': 3}",),
            rpc_response={"error": {"code": 3, "message": "no", "data": "0x12"}},
        ),
    ],
    ids=["web3 6", "web3 7 and later"],
)
def test_the_nodes_error_is_found_in_what_each_major_of_web3_raises(raised: Exception) -> None:
    found = rpc_error_of(raised)
    assert isinstance(found, RpcError)
    assert (found.rpc_code, found.rpc_message, found.data) == (3, "no", "0x12")


@pytest.mark.parametrize("raised", [ValueError(), ValueError("no"), ValueError({"message": "no"})])
def test_what_names_no_error_code_is_not_taken_for_the_nodes_answer(raised: Exception) -> None:
    assert rpc_error_of(raised) is None


def test_web3_is_imported_with_the_first_send_only() -> None:
    program = (
        "import sys, json, connectors.chain.node, router; "
        "print(json.dumps([m for m in sys.modules if m.split('.')[0] == 'web3']))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    assert json.loads(ran.stdout) == []
