"""A gateway before a node that passes every request on and spoils some of the answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web


@dataclass(slots=True)
class LossyProxy:
    """`spoil` names, per request that sends a transaction, what happens to the answer: "drop" the
    connection, "502" with HTML, "half" of the JSON. When it is empty answers arrive."""

    target: str
    url: str = ""
    spoil: list[str] = field(default_factory=list)
    sends: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                self.target, data=body, headers={"Content-Type": "application/json"}
            ) as answer,
        ):
            content = await answer.read()
        if b"eth_sendRawTransaction" in body:
            self.sends += 1
            if self.spoil:
                return self._spoiled(request, self.spoil.pop(0), content)
        return web.Response(body=content, content_type="application/json")

    def _spoiled(self, request: web.Request, how: str, content: bytes) -> web.Response:
        if how == "502":
            return web.Response(status=502, text="<html>Bad Gateway</html>")
        if how == "half":
            return web.Response(body=content[: len(content) // 2], content_type="application/json")
        assert how == "drop", how
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


@asynccontextmanager
async def lossy_proxy(target: str) -> AsyncIterator[LossyProxy]:
    proxy = LossyProxy(target)
    application = web.Application()
    application.router.add_post("/", proxy.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]
    proxy.url = f"http://127.0.0.1:{port}"
    try:
        yield proxy
    finally:
        await runner.cleanup()
