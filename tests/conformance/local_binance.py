"""A spot exchange on 127.0.0.1 that speaks Binance's REST interface, for ccxt's own client.

One market, one account. Amounts are integers inside and decimal text on the wire. `next_fault`
makes the next order go wrong.
"""

import json
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.test_utils import TestServer

BASE_DECIMALS = 18
QUOTE_DECIMALS = 6
SYMBOL = "ETHUSDC"


def text(units: int, decimals: int) -> str:
    with localcontext(prec=100):
        return f"{Decimal(units).scaleb(-decimals):f}"


def units(number: str, decimals: int) -> int:
    with localcontext(prec=100):
        scaled = Decimal(number).scaleb(decimals)
        assert scaled == scaled.to_integral_value(), f"{number} has more than {decimals} decimals"
        return int(scaled)


@dataclass
class LocalBinance:
    """`bids` and `asks` are [price in cents of quote, quantity in base units], best first."""

    bids: list[list[int]]
    asks: list[list[int]]
    balances: dict[str, int]
    fee_ppm: int
    answer_style: str = "full"
    next_fault: str | None = None
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    trades: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    update_id: int = 100

    async def start(self) -> TestServer:
        app = web.Application()
        app.router.add_get("/api/exchangeInfo", self.exchange_info)
        app.router.add_get("/api/depth", self.depth)
        app.router.add_post("/api/order", self.place)
        app.router.add_get("/api/order", self.order)
        app.router.add_get("/api/myTrades", self.my_trades)
        app.router.add_get("/api/account", self.account)
        server = TestServer(app)
        await server.start_server()
        return server

    def point_at(self, exchange: Any, server: TestServer) -> None:
        """Send every request of a ccxt binance object here, without its pauses."""
        exchange.enableRateLimit = False
        exchange.timeout_on_exit = 0
        for name in exchange.urls["api"]:
            exchange.urls["api"][name] = str(server.make_url("/api"))

    async def exchange_info(self, _: web.Request) -> web.Response:
        market = {
            "symbol": SYMBOL,
            "status": "TRADING",
            "baseAsset": "ETH",
            "quoteAsset": "USDC",
            "baseAssetPrecision": BASE_DECIMALS,
            "quotePrecision": QUOTE_DECIMALS,
            "permissions": ["SPOT"],
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "orderTypes": ["LIMIT"],
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01", "tickSize": "0.01"},
                {"filterType": "LOT_SIZE", "minQty": "0.0001", "stepSize": "0.0001"},
            ],
        }
        return web.json_response({"symbols": [market]})

    async def depth(self, request: web.Request) -> web.Response:
        self.requests.append("depth")
        limit = int(request.query.get("limit", 100))
        sides = {
            name: [[text(price, 2), text(size, BASE_DECIMALS)] for price, size in levels[:limit]]
            for name, levels in (("bids", self.bids), ("asks", self.asks))
        }
        return web.json_response({"lastUpdateId": self.update_id, **sides})

    async def account(self, _: web.Request) -> web.Response:
        decimals = {"ETH": BASE_DECIMALS, "USDC": QUOTE_DECIMALS}
        held = [
            {"asset": code, "free": text(amount, decimals[code]), "locked": "0"}
            for code, amount in self.balances.items()
        ]
        return web.json_response({"balances": held})

    async def place(self, request: web.Request) -> web.StreamResponse:
        self.requests.append("place")
        fault, self.next_fault = self.next_fault, None
        if fault is not None and fault != "unanswered":
            return _fault_answer(request, fault)
        asked = dict(parse_qsl(await request.text()))
        assert asked["timeInForce"] == "IOC", asked
        assert asked["type"] == "LIMIT", asked
        client_id = asked["newClientOrderId"]
        if client_id in self.orders:
            return _error(400, -2010, "Duplicate order sent.")
        order = self.match(asked)
        if order is None:
            return _error(400, -2010, "Account has insufficient balance for requested action.")
        self.orders[client_id] = order
        if fault == "unanswered":
            return _fault_answer(request, "cut")
        if self.answer_style == "ack":
            named = ("symbol", "orderId", "clientOrderId", "transactTime")
            return web.json_response({name: order[name] for name in named})
        return web.json_response(order)

    def match(self, asked: dict[str, str]) -> dict[str, Any] | None:
        """Trade at the resting prices, best first; None when the balance is too small."""
        is_buy = asked["side"] == "BUY"
        levels = self.asks if is_buy else self.bids
        limit, left = units(asked["price"], 2), units(asked["quantity"], BASE_DECIMALS)
        taken = []
        for price, size in levels:
            within = price <= limit if is_buy else price >= limit
            if within and left:
                taken.append((price, min(size, left)))
                left -= taken[-1][1]
        cost = sum(_quote_units(price, size) for price, size in taken)
        base = sum(size for _, size in taken)
        pays, gets = ("USDC", "ETH") if is_buy else ("ETH", "USDC")
        if (cost if is_buy else base) > self.balances[pays]:
            return None
        fee = -(-(base if is_buy else cost) * self.fee_ppm // 1_000_000)
        self.balances[pays] -= cost if is_buy else base
        self.balances[gets] += (base if is_buy else cost) - fee
        for _, size in taken:
            levels[0][1] -= size
            if not levels[0][1]:
                del levels[0]
        self.update_id += 1
        return self._record(asked, taken, cost, base, fee)

    def _record(
        self, asked: dict[str, str], taken: list[tuple[int, int]], cost: int, base: int, fee: int
    ) -> dict[str, Any]:
        order_id = len(self.orders) + 1
        is_buy = asked["side"] == "BUY"
        fee_decimals = BASE_DECIMALS if is_buy else QUOTE_DECIMALS
        fills = [
            {
                "price": text(price, 2),
                "qty": text(size, BASE_DECIMALS),
                # The whole fee stands with the first trade; the exchange's sum is what counts.
                "commission": text(fee if index == 0 else 0, fee_decimals),
                "commissionAsset": "ETH" if is_buy else "USDC",
                "tradeId": 1000 * order_id + index,
            }
            for index, (price, size) in enumerate(taken)
        ]
        self.trades += [
            {
                **fill,
                "id": fill["tradeId"],
                "orderId": order_id,
                "symbol": SYMBOL,
                "time": 1,
                "isBuyer": is_buy,
            }
            for fill in fills
        ]
        filled_all = base == units(asked["quantity"], BASE_DECIMALS)
        return {
            "symbol": SYMBOL,
            "orderId": order_id,
            "clientOrderId": asked["newClientOrderId"],
            "transactTime": 1,
            "price": asked["price"],
            "origQty": asked["quantity"],
            "executedQty": text(base, BASE_DECIMALS),
            "cummulativeQuoteQty": text(cost, QUOTE_DECIMALS),
            "status": "FILLED" if filled_all else "EXPIRED",
            "timeInForce": "IOC",
            "type": "LIMIT",
            "side": asked["side"],
            "fills": fills,
        }

    async def order(self, request: web.Request) -> web.Response:
        self.requests.append("order")
        found = self.orders.get(request.query["origClientOrderId"])
        if found is None:
            return _error(400, -2013, "Order does not exist.")
        # The real query does not repeat the trades either.
        return web.json_response({k: v for k, v in found.items() if k != "fills"})

    async def my_trades(self, request: web.Request) -> web.Response:
        self.requests.append("myTrades")
        wanted = request.query.get("orderId")
        found = [t for t in self.trades if wanted in (None, str(t["orderId"]))]
        return web.json_response(found)


def _quote_units(price_cents: int, base_units: int) -> int:
    product = price_cents * base_units * 10**QUOTE_DECIMALS
    quote, rest = divmod(product, 100 * 10**BASE_DECIMALS)
    assert rest == 0, "lots and ticks make whole quote units"
    return quote


def _error(status: int, code: int, message: str) -> web.Response:
    return web.Response(
        status=status,
        text=json.dumps({"code": code, "msg": message}),
        content_type="application/json",
    )


# name -> (HTTP status, exchange code, exchange text)
_REFUSALS = {
    "rejected": (400, -1013, "Filter failure: PERCENT_PRICE"),
    "bad key": (401, -2015, "Invalid API-key, IP, or permissions for action."),
    "rate limited": (429, -1003, "Too many requests; current limit is 1200 per minute."),
    "clock is off": (400, -1021, "Timestamp for this request is outside of the recvWindow."),
    "timeout of the backend": (400, -1007, "Timeout waiting for response from backend server."),
    "unexpected": (400, -1006, "An unexpected response was received from the message bus."),
}
_PLAIN_ANSWERS = {
    "gateway": (502, "<html>bad gateway</html>"),
    "unavailable": (503, "Service Unavailable"),
    "garbage": (200, "{"),
}


def _fault_answer(request: web.Request, fault: str) -> web.StreamResponse:
    if fault in _REFUSALS:
        return _error(*_REFUSALS[fault])
    if fault in _PLAIN_ANSWERS:
        status, body = _PLAIN_ANSWERS[fault]
        return web.Response(status=status, text=body)
    assert fault == "cut", fault
    assert request.transport is not None
    request.transport.close()
    return web.Response()
