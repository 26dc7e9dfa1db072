"""The JSON-RPC client against a real HTTP server that misbehaves in every way that matters."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from hypothesis import given
from hypothesis import strategies as st

from connectors.chain import rpc as rpc_module
from connectors.chain.node import RpcChain, RpcChainAudit
from connectors.chain.rpc import JsonRpc, RpcError, from_hex, from_quantity, to_hex, to_quantity
from router.domain.errors import OutcomeUnknown, UsageError, VenueUnavailable

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def node(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/", handler)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("/"))
    finally:
        await server.close()


def answer_to(request: dict[str, Any]) -> dict[str, Any]:
    """Echo the first parameter; `eth_revert` answers with an error object."""
    if request["method"] == "eth_revert":
        error = {"code": 3, "message": "execution reverted: no", "data": "0x08c379a0"}
        return {"jsonrpc": "2.0", "id": request["id"], "error": error}
    return {"jsonrpc": "2.0", "id": request["id"], "result": request["params"][0]}


async def echo(request: web.Request) -> web.Response:
    body = await request.json()
    if isinstance(body, list):
        return web.json_response([answer_to(item) for item in reversed(body)])
    return web.json_response(answer_to(body))


async def cut_after_reading(request: web.Request) -> web.Response:
    await request.read()
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def hang(request: web.Request) -> web.Response:
    await request.read()
    await asyncio.sleep(5)
    return web.Response()


def plain_answer(status: int, text: str) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=status, text=text)

    return handler


async def test_a_call_returns_the_result() -> None:
    async with node(echo) as url, JsonRpc(url) as rpc:
        assert await rpc.call("eth_echo", ["0x1"]) == "0x1"


async def test_a_batch_keeps_the_order_of_the_calls_though_the_node_answers_in_another() -> None:
    async with node(echo) as url, JsonRpc(url) as rpc:
        assert await rpc.batch([("eth_echo", [n]) for n in range(20)]) == list(range(20))


async def test_a_long_batch_goes_out_in_bounded_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    async def counting(request: web.Request) -> web.Response:
        sizes.append(len(await request.json()))
        return await echo(request)

    monkeypatch.setattr(rpc_module, "MAX_BATCH", 7)
    async with node(counting) as url, JsonRpc(url) as rpc:
        assert await rpc.batch([("eth_echo", [n]) for n in range(20)]) == list(range(20))
    assert sizes == [7, 7, 6]


async def test_an_empty_batch_asks_nothing() -> None:
    async with JsonRpc(f"http://127.0.0.1:{unused_port()}") as rpc:
        assert await rpc.batch([]) == []


async def test_an_error_object_becomes_a_typed_error_with_the_revert_bytes() -> None:
    async with node(echo) as url, JsonRpc(url) as rpc:
        with pytest.raises(RpcError) as caught:
            await rpc.call("eth_revert")
    assert (caught.value.code, caught.value.rpc_code) == ("RPC_ERROR", 3)
    assert caught.value.is_revert
    assert caught.value.revert_bytes == bytes.fromhex("08c379a0")


async def test_a_batch_raises_the_first_error_and_batch_outcomes_keeps_it_in_place() -> None:
    calls = [("eth_echo", ["a"]), ("eth_revert", []), ("eth_echo", ["b"])]
    async with node(echo) as url, JsonRpc(url) as rpc:
        outcomes = await rpc.batch_outcomes(calls)
        with pytest.raises(RpcError):
            await rpc.batch(calls)
    assert [outcomes[0], outcomes[2]] == ["a", "b"]
    assert isinstance(outcomes[1], RpcError)


@pytest.mark.parametrize("method", ["eth_call", "eth_sendRawTransaction"])
async def test_an_unreachable_node_is_unavailable_because_nothing_was_sent(method: str) -> None:
    async with JsonRpc(f"http://127.0.0.1:{unused_port()}") as rpc:
        with pytest.raises(VenueUnavailable) as caught:
            await rpc.call(method, ["0x"])
    assert caught.value.code == "CHAIN_UNAVAILABLE"


@pytest.mark.parametrize(
    "handler",
    [cut_after_reading, hang, plain_answer(502, "bad gateway"), plain_answer(200, "not json")],
    ids=["cut", "hang", "gateway", "garbage"],
)
async def test_a_sent_transaction_without_an_answer_has_an_unknown_outcome(
    handler: Handler,
) -> None:
    async with node(handler) as url, JsonRpc(url, timeout_s=0.5) as rpc:
        with pytest.raises(OutcomeUnknown):
            await rpc.call("eth_sendRawTransaction", ["0x"])
        with pytest.raises(OutcomeUnknown):
            await rpc.batch([("eth_chainId", []), ("eth_sendRawTransaction", ["0x"])])


@pytest.mark.parametrize(
    "handler",
    [cut_after_reading, hang, plain_answer(502, "bad gateway"), plain_answer(200, "[1]")],
    ids=["cut", "hang", "gateway", "garbage"],
)
async def test_a_read_without_an_answer_is_only_unavailable(handler: Handler) -> None:
    async with node(handler) as url, JsonRpc(url, timeout_s=0.5) as rpc:
        with pytest.raises(VenueUnavailable):
            await rpc.call("eth_chainId")
        with pytest.raises(VenueUnavailable):
            await rpc.batch([("eth_chainId", [])])


@pytest.mark.parametrize(("method", "attempts"), [("eth_call", 2), ("eth_sendTransaction", 1)])
async def test_only_a_read_is_asked_again_after_a_closed_connection(
    method: str, attempts: int
) -> None:
    seen: list[str] = []

    async def cut(request: web.Request) -> web.Response:
        seen.append((await request.json())["method"])
        return await cut_after_reading(request)

    async with node(cut) as url, JsonRpc(url) as rpc:
        with pytest.raises((VenueUnavailable, OutcomeUnknown)):
            await rpc.call(method, ["0x"])
    assert seen == [method] * attempts


async def test_a_request_turned_away_with_http_4xx_was_not_passed_on() -> None:
    async with node(plain_answer(429, "slow down")) as url, JsonRpc(url) as rpc:
        with pytest.raises(VenueUnavailable):
            await rpc.call("eth_sendRawTransaction", ["0x"])


async def test_a_redirect_is_not_followed_and_leaves_a_transaction_in_doubt() -> None:
    """What a stranger answers, or that he does not, says nothing about the node."""
    asked: list[bytes] = []

    async def stranger(request: web.Request) -> web.Response:
        asked.append(await request.read())
        return web.Response(status=403, text="no")

    async with node(stranger) as elsewhere:

        async def redirect(request: web.Request) -> web.Response:
            await request.read()
            raise web.HTTPTemporaryRedirect(elsewhere)

        async with node(redirect) as url, JsonRpc(url) as rpc:
            with pytest.raises(OutcomeUnknown):
                await rpc.call("eth_sendRawTransaction", ["0x01"])
            with pytest.raises(VenueUnavailable):
                await rpc.call("eth_chainId")
    assert asked == []


async def test_an_endless_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc_module, "MAX_ANSWER_BYTES", 1_000)
    async with node(plain_answer(200, '"' + "x" * 5_000 + '"')) as url, JsonRpc(url) as rpc:
        with pytest.raises(VenueUnavailable, match="exceeds 1000 bytes"):
            await rpc.call("eth_chainId")


@pytest.mark.parametrize("identity", [None, [1], {"a": 1}, "1"])
async def test_an_answer_in_a_batch_with_an_odd_id_answers_nothing(identity: object) -> None:
    answer = json.dumps([{"jsonrpc": "2.0", "id": identity, "result": "0x1"}])
    async with node(plain_answer(200, answer)) as url, JsonRpc(url) as rpc:
        with pytest.raises(VenueUnavailable):
            await rpc.batch([("eth_chainId", [])])


@pytest.mark.parametrize("result", [[{}], [None], None, "0x", [{"address": None}], 5])
async def test_answers_without_the_shape_of_the_protocol_are_no_answers(result: object) -> None:
    async def odd(request: web.Request) -> web.Response:
        body = await request.json()
        many = body if isinstance(body, list) else [body]
        answers = [{"jsonrpc": "2.0", "id": item["id"], "result": result} for item in many]
        return web.json_response(answers if isinstance(body, list) else answers[0])

    async with node(odd) as url, JsonRpc(url) as rpc:
        audit, owner = RpcChainAudit(rpc), "0x" + "11" * 20
        with pytest.raises(VenueUnavailable):
            await audit.transfers([owner], 1, 1)
        with pytest.raises(VenueUnavailable):
            await audit.native_transfers(owner, 1, 1)
        with pytest.raises(VenueUnavailable):
            await RpcChain(rpc).head()


async def test_an_unanswered_item_of_a_batch_is_an_error_not_a_gap() -> None:
    async def forgetful(request: web.Request) -> web.Response:
        body = await request.json()
        return web.json_response([answer_to(item) for item in body[1:]])

    async with node(forgetful) as url, JsonRpc(url) as rpc:
        with pytest.raises(VenueUnavailable):
            await rpc.batch([("eth_echo", [1]), ("eth_echo", [2])])


async def test_cancelling_a_call_cancels_it_and_leaves_the_client_usable() -> None:
    arrived = asyncio.Event()

    async def slow_first(request: web.Request) -> web.Response:
        if (await request.json())["method"] == "eth_slow":
            arrived.set()
            return await hang(request)
        return await echo(request)

    async with node(slow_first) as url, JsonRpc(url) as rpc:
        task = asyncio.ensure_future(rpc.call("eth_slow"))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await rpc.call("eth_echo", [1]) == 1


async def test_errors_name_the_host_but_never_the_key_in_the_path() -> None:
    async with JsonRpc(f"http://127.0.0.1:{unused_port()}/v3/secret-key") as rpc:
        with pytest.raises(VenueUnavailable) as caught:
            await rpc.call("eth_chainId")
    assert "127.0.0.1" in caught.value.message
    assert "secret-key" not in caught.value.message


@pytest.mark.parametrize("url", ["", "127.0.0.1:8545", "ftp://host", "http://"])
def test_an_address_that_is_not_http_is_refused_at_once(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        JsonRpc(url)
    assert caught.value.code == "CONFIG_INVALID"


async def test_requests_carry_distinct_ids() -> None:
    ids: list[int] = []

    async def recording(request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        ids.extend(item["id"] for item in (body if isinstance(body, list) else [body]))
        return await echo(request)

    async with node(recording) as url, JsonRpc(url) as rpc:
        await rpc.call("eth_echo", [1])
        await rpc.batch([("eth_echo", [1])] * 3)
    assert len(set(ids)) == 4


@given(st.integers(min_value=0, max_value=2**256 - 1))
def test_a_quantity_survives_the_round_trip(value: int) -> None:
    assert from_quantity(to_quantity(value)) == value


@given(st.binary(max_size=100))
def test_data_survives_the_round_trip(payload: bytes) -> None:
    assert from_hex(to_hex(payload)) == payload


@pytest.mark.parametrize("text", ["", "12", "0xzz"])
def test_text_that_is_not_hex_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"hex|literal"):
        from_quantity(text)
    with pytest.raises(ValueError, match=r"hex"):
        from_hex(text)
