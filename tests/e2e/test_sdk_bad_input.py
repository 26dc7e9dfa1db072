"""Bad input: one sentence, a stable code, and nothing held or lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.chain.rpc import JsonRpc
from router.devnet import DevnetHandle
from router.domain.errors import RouterError
from router.domain.ledger import Balance
from router.domain.market import Protocol
from router.domain.routes import Quote
from router.sdk import Router
from tests.e2e.sdk_world import fund, overrides, send

FUNDS = {"alice": {"WETH": "20", "USDC": "50000"}}


@pytest.fixture
async def router(devnet: DevnetHandle, tmp_path: Path) -> AsyncIterator[Router]:
    async with Router.open(overrides=overrides(devnet, tmp_path)) as opened:
        await fund(opened, devnet, FUNDS)
        yield opened


async def everything(router: Router) -> list[Balance]:
    return await router.app.database.read(lambda uow: uow.ledger.balances(""))


async def refusal(work: Awaitable[object]) -> RouterError:
    with pytest.raises(RouterError) as caught:
        await work
    assert caught.value.message
    assert "\n" not in caught.value.message
    return caught.value


QUOTES: list[tuple[str, int, dict[str, object]]] = [
    ("ASSET_UNKNOWN", 2, {"sell": "DOGE"}),
    ("ASSET_UNKNOWN", 2, {"buy": "0x" + "9" * 40}),
    ("ASSET_NOT_ROUTABLE", 2, {"sell": "FOT"}),
    ("ASSET_NOT_ROUTABLE", 2, {"buy": "ETH"}),
    ("SAME_ASSET", 2, {"buy": "weth"}),
    ("AMOUNT_RANGE", 2, {"amount": "0"}),
    ("AMOUNT_RANGE", 2, {"amount": 0}),
    ("AMOUNT_RANGE", 2, {"amount": "9" * 78}),
    ("AMOUNT_RANGE", 2, {"amount": str(2**256)}),
    ("AMOUNT_INVALID", 2, {"amount": "-1"}),
    ("AMOUNT_INVALID", 2, {"amount": "NaN"}),
    ("AMOUNT_INVALID", 2, {"amount": Decimal("NaN")}),
    ("AMOUNT_INVALID", 2, {"amount": Decimal("Infinity")}),
    ("AMOUNT_INVALID", 2, {"amount": "1e3"}),
    ("AMOUNT_INVALID", 2, {"amount": "ten"}),
    ("AMOUNT_INVALID", 2, {"amount": ""}),
    ("AMOUNT_INVALID", 2, {"amount": 0.5}),
    ("AMOUNT_INVALID", 2, {"amount": None}),
    ("AMOUNT_INVALID", 2, {"amount": True}),
    ("AMOUNT_PRECISION", 2, {"amount": "1." + "1" * 19}),
    ("AMOUNT_PRECISION", 2, {"amount": "0.0000001", "exact_out": True}),
    ("ORDER_INVALID", 2, {"slippage_bps": -1}),
    ("ORDER_INVALID", 2, {"slippage_bps": 10_001}),
    ("ORDER_INVALID", 2, {"slippage_bps": 1_001}),
    ("ORDER_INVALID", 2, {"max_hops": 0}),
    ("ORDER_INVALID", 2, {"max_hops": 7}),
    ("ORDER_INVALID", 2, {"max_legs": 0}),
    ("ORDER_INVALID", 2, {"gas_price_wei": -1}),
    ("ORDER_INVALID", 2, {"protocols": ["sushi"]}),
    ("ORDER_INVALID", 2, {"sell": ""}),
    ("NO_ROUTE", 1, {"exclude": [*Protocol]}),
    ("INSUFFICIENT_LIQUIDITY", 1, {"amount": "1000000000000", "exact_out": True}),
]


async def test_no_bad_question_gets_an_answer_and_none_holds_anything(router: Router) -> None:
    before = await everything(router)
    for code, exit_code, change in QUOTES:
        asked = {"sell": "WETH", "buy": "USDC", "amount": "1", **change}
        error = await refusal(router.quote(**asked))  # type: ignore[arg-type]
        assert (error.code, error.exit_code) == (code, exit_code), (change, error.message)
    assert await everything(router) == before
    assert await router.orders() == []


async def test_a_refused_order_holds_nothing(router: Router) -> None:
    before = await everything(router)
    quote = await router.quote("WETH", "USDC", "1")
    too_large = await router.quote("WETH", "USDC", "20.000000000000000001")
    thin = await router.quote("WETH", "USDC", "20")
    stale = replace(quote, expires_ms=quote.created_ms - 1)
    moved = replace(quote, limit_units=quote.amount_out.units + 1)
    cases: list[tuple[str, Quote, dict[str, object]]] = [
        ("INSUFFICIENT_BALANCE", too_large, {"account": "alice"}),
        ("INSUFFICIENT_BALANCE", quote, {"account": "nobody"}),
        ("QUOTE_STALE", stale, {"account": "alice"}),
        ("QUOTE_STALE", moved, {"account": "alice"}),
        ("DEADLINE_EXPIRED", quote, {"account": "alice", "deadline_ms": -1_000}),
        ("DEADLINE_EXPIRED", quote, {"account": "alice", "deadline_ms": 0}),
        ("ORDER_INVALID", quote, {"account": ""}),
        ("ORDER_INVALID", quote, {"account": "../bob"}),
        ("ORDER_INVALID", quote, {"account": "alice", "client_order_id": "a b"}),
    ]
    for code, wanted, terms in cases:
        error = await refusal(router.route(wanted, **terms))  # type: ignore[arg-type]
        assert error.code == code, (terms, error.message)
    await router.app.database.write(lambda uow: uow.custody.freeze("a test"))
    error = await refusal(router.route(thin, account="alice"))
    assert error.code == "SIGNER_FROZEN"
    assert await router.thaw("the test is over") == "a test"
    assert await everything(router) == before
    assert await router.orders() == []


async def test_a_client_order_id_cannot_be_used_for_other_terms(router: Router) -> None:
    first = await router.quote("WETH", "USDC", "0.5")
    done = await router.route(first, account="alice", client_order_id="mine")
    before = await everything(router)
    other = await router.quote("WETH", "USDC", "0.6")
    error = await refusal(router.route(other, account="alice", client_order_id="mine"))
    assert error.code == "IDEMPOTENCY_CONFLICT"
    assert await router.route(first, account="alice", client_order_id="mine") == done
    assert await everything(router) == before


async def test_a_quote_is_refused_once_the_market_moved_beyond_its_limit(
    router: Router, devnet: DevnetHandle
) -> None:
    quote = await router.quote("WETH", "USDC", "5", slippage_bps=0, protocols=["uniswap_v2"])
    # Anyone may give a pool tokens and let it take them as reserves: that moves its price.
    pair = next(leg.venue_id.partition(":")[2] for leg in quote.legs)
    await send(devnet, devnet.deployment.roles["market_maker"], "WETH", pair, 10**20)
    await sync_pair(devnet, pair)
    before = await everything(router)
    error = await refusal(router.route(quote, account="alice"))
    assert error.code == "QUOTE_STALE"
    assert await everything(router) == before


async def sync_pair(devnet: DevnetHandle, pair: str) -> None:
    sender = devnet.deployment.roles["market_maker"]
    async with JsonRpc(devnet.url) as rpc, asyncio.timeout(10):
        await rpc.call("anvil_impersonateAccount", [sender])
        call = {"from": sender, "to": pair, "data": "0xfff6cae9"}  # sync()
        tx_hash = await rpc.call("eth_sendTransaction", [call])
        while await rpc.call("eth_getTransactionReceipt", [tx_hash]) is None:
            pass


async def test_a_limit_order_is_checked_before_it_holds(router: Router) -> None:
    before = await everything(router)
    cases: list[tuple[str, tuple[str, str, str, str]]] = [
        ("NOT_FOUND", ("WETH/DOGE", "buy", "1", "3500")),
        ("ORDER_INVALID", ("WETH/USDC", "hold", "1", "3500")),
        ("ORDER_INVALID", ("WETH/USDC", "buy", "0.00001", "3500")),
        ("ORDER_INVALID", ("WETH/USDC", "buy", "1", "3500.001")),
        ("AMOUNT_RANGE", ("WETH/USDC", "buy", "0", "3500")),
        ("AMOUNT_INVALID", ("WETH/USDC", "buy", "1", "-3500")),
        ("INSUFFICIENT_BALANCE", ("WETH/USDC", "buy", "100", "3500")),
    ]
    for code, arguments in cases:
        error = await refusal(router.place_limit(*arguments, account="alice"))
        assert error.code == code, (arguments, error.message)
    assert (await refusal(router.cancel("none", account="alice"))).code == "NOT_FOUND"
    assert await everything(router) == before


Opening = Callable[[Path, dict[str, object]], None]


def _unknown_key(_home: Path, settings: dict[str, object]) -> None:
    settings["chain"]["rpcurl"] = "x"  # type: ignore[index]


def _wrong_chain(home: Path, settings: dict[str, object]) -> None:
    path = home / "deployment.json"
    path.write_text(path.read_text().replace("31337", "31338"))
    settings["chain"]["chain_id"] = 31338  # type: ignore[index]


def _other_chain_configured(_home: Path, settings: dict[str, object]) -> None:
    settings["chain"]["chain_id"] = 1  # type: ignore[index]


def _no_key(home: Path, _settings: dict[str, object]) -> None:
    (home / "keys/hot.json").unlink()


def _no_password(home: Path, _settings: dict[str, object]) -> None:
    (home / "keys/hot.password").unlink()


def _wrong_password(home: Path, _settings: dict[str, object]) -> None:
    (home / "keys/hot.password").chmod(0o600)
    (home / "keys/hot.password").write_text("not it")


def _broken_key(home: Path, _settings: dict[str, object]) -> None:
    (home / "keys/hot.json").chmod(0o600)
    (home / "keys/hot.json").write_text("{}")


def _no_node(_home: Path, settings: dict[str, object]) -> None:
    settings["chain"]["rpc_url"] = "http://127.0.0.1:9"  # type: ignore[index]


def _no_devnet(_home: Path, settings: dict[str, object]) -> None:
    settings["chain"] = {"attach": "devnet"}


def _lot_without_ticks(_home: Path, settings: dict[str, object]) -> None:
    settings["book"] = {"instruments": [{"lot": "0.0001 WETH", "tick": "0.000001 USDC"}]}


def _unlisted_mark(_home: Path, settings: dict[str, object]) -> None:
    settings["wallets"] = {"marks": [{"low": "1 DOGE", "target": "2 DOGE", "high": "3 DOGE"}]}


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("CONFIG_UNKNOWN_KEY", _unknown_key),
        ("CHAIN_MISMATCH", _wrong_chain),
        ("CHAIN_MISMATCH", _other_chain_configured),
        ("KEY_FILE_MISSING", _no_key),
        ("KEY_FILE_MISSING", _no_password),
        ("KEY_PASSWORD_WRONG", _wrong_password),
        ("KEY_FILE_INVALID", _broken_key),
        ("CHAIN_UNAVAILABLE", _no_node),
        ("DEVNET_NOT_RUNNING", _no_devnet),
        ("CONFIG_INVALID", _lot_without_ticks),
        ("ASSET_UNKNOWN", _unlisted_mark),
    ],
)
async def test_a_router_that_cannot_open_says_why(
    devnet: DevnetHandle, tmp_path: Path, code: str, spoil: Opening
) -> None:
    settings = overrides(devnet, tmp_path)
    spoil(tmp_path, settings)

    async def open_it() -> None:
        async with Router.open(overrides=settings):
            raise AssertionError("it opened")

    error = await refusal(open_it())
    assert error.code == code, error.message
    # Nothing stays locked: a second try meets the same refusal, not a busy directory.
    assert (await refusal(open_it())).code == code


async def test_one_directory_has_one_owner_and_any_number_of_readers(
    router: Router, devnet: DevnetHandle, tmp_path: Path
) -> None:
    async def open_again() -> None:
        async with Router.open(overrides=overrides(devnet, tmp_path)):
            raise AssertionError("it opened")

    assert (await refusal(open_again())).code == "BUSY"
    async with Router.open(overrides=overrides(devnet, tmp_path), read_only=True) as reader:
        assert await reader.balances("alice") == await router.balances("alice")
        assert (await reader.wallets())[0].chain_units > 0
        quote = await reader.quote("WETH", "USDC", "1")
        assert (await refusal(reader.route(quote, account="alice"))).code == "SIGNER_REFUSED"


async def test_a_ledger_of_a_chain_that_is_gone_is_not_used(
    devnet: DevnetHandle, tmp_path: Path, rpc: JsonRpc
) -> None:
    await rpc.call("anvil_mine", ["0x3"])
    settings = overrides(devnet, tmp_path)
    async with Router.open(overrides=settings):
        pass
    await rpc.call("anvil_reorg", [2, []])

    async def open_again() -> None:
        async with Router.open(overrides=settings):
            raise AssertionError("it opened")

    error = await refusal(open_again())
    assert error.code == "CHAIN_MISMATCH"
    assert "ledger" in error.message
