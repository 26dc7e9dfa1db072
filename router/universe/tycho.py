"""Real pools and orders in the formats of Tycho and Fynd (propeller-heads), as universes.

`pairs`: a message of the Tycho client with snapshots of Uniswap V2 pairs. `states`: a list of
serialised simulation states of Uniswap V2 and V3 pools. `orders`: a list of requests to Fynd.
"""

from pathlib import Path
from typing import Any

from router.domain.errors import UsageError
from router.universe.fields import Fields, object_of
from router.universe.reading import read_json
from router.universe.records import (
    OrderRecord,
    PairRecord,
    PoolRecord,
    RangesRecord,
    RefusedOrder,
    Token,
    Universe,
)

UNKNOWN_DECIMALS = 18
_FEES_PPM = {"Lowest": 100, "Low": 500, "MediumLow": 2500, "Medium": 3000, "High": 10_000}
_PAIR_FEE_PPM = 3000
_FEE_UNIT_PPM = 100  # of a V2 component, in basis points


class _Tokens:
    """Tokens by address, numbered as they are met."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self.listed: list[Token] = []

    def add(self, token: Token) -> int:
        found = self.ids.setdefault(token.address, len(self.listed))
        if found == len(self.listed):
            self.listed.append(token)
        return found


def pairs_universe(path: Path, tokens_path: Path | None = None) -> Universe:
    """Read the pairs of a Tycho message.

    It has no symbols and decimals: those of `tokens_path` (a page of the token list) are taken,
    else the first digits of the address and 18.

    Raises:
        UsageError: UNIVERSE_INVALID, a file is not of this format.
        OSError: a file cannot be read.
    """
    known = _token_list(tokens_path) if tokens_path else {}
    tokens, pools = _Tokens(), list[PoolRecord]()
    messages = Fields(object_of(read_json(path), path.name), path.name)
    for name, message in _members(messages, "state_msgs"):
        snapshots = Fields(_at(message, "snapshots"), f"{path.name}, {name}")
        for address, state in _members(snapshots, "states"):
            pools.append(_pair(Fields(object_of(state, address), address), tokens, known))
    if not pools:
        raise UsageError("UNIVERSE_INVALID", f"{path.name} has no snapshot of a pair.")
    return Universe(
        name=path.stem, seed=0, tokens=tuple(tokens.listed), pools=tuple(pools), orders=()
    )


def _pair(entry: Fields, tokens: _Tokens, known: dict[str, Token]) -> PairRecord:
    state = Fields(_at(_at(entry.members, "state"), "attributes"), entry.place)
    component = Fields(_at(entry.members, "component"), entry.place)
    fixed = Fields(_at(component.members, "static_attributes"), entry.place)
    if component.members.get("protocol_type_name") != "uniswap_v2_pool":
        raise component.refuse("protocol_type_name", "'uniswap_v2_pool'")
    coins = sorted(address.lower() for address in _two_texts(component))
    token0, token1 = (tokens.add(known.get(coin) or _unnamed(coin)) for coin in coins)
    address = component.text("id").lower()
    return PairRecord(
        pool_id=address,
        address=address,
        token0=token0,
        token1=token1,
        reserve0=_hex(state, "reserve0"),
        reserve1=_hex(state, "reserve1"),
        fee_ppm=_hex(fixed, "fee") * _FEE_UNIT_PPM,
    )


def states_universe(path: Path) -> Universe:
    """Read serialised states. They have no pool address: ids are the kind, symbols and place.

    Of a tick only the net liquidity is there; the gross, which no swap looks at, is taken as that.

    Raises:
        UsageError: UNIVERSE_INVALID, the file is not of this format.
        OSError: it cannot be read.
    """
    listed = read_json(path)
    if not isinstance(listed, list) or not listed:
        raise UsageError("UNIVERSE_INVALID", f"{path.name} is no list of states.")
    tokens = _Tokens()
    pools = tuple(
        _state(Fields(object_of(entry, f"state {index}"), f"state {index}"), tokens, index)
        for index, entry in enumerate(listed)
    )
    return Universe(name=path.stem, seed=0, tokens=tuple(tokens.listed), pools=pools)


def _state(entry: Fields, tokens: _Tokens, index: int) -> PoolRecord:
    coins = sorted((_token(found) for found in entry.objects("tokens", "token")), key=_address)
    if len(coins) != 2:
        raise entry.refuse("tokens", "two tokens")
    token0, token1 = (tokens.add(coin) for coin in coins)
    outer = Fields(_at(entry.members, "state"), entry.place)
    state = Fields(_at(outer.members, "state"), entry.place)
    symbols = "-".join(coin.symbol for coin in coins)
    match outer.text("protocol"):
        case "UniswapV2State":
            return PairRecord(
                pool_id=f"v2:{symbols}:{index}",
                address="",
                token0=token0,
                token1=token1,
                reserve0=_number(state, "reserve0"),
                reserve1=_number(state, "reserve1"),
                fee_ppm=_PAIR_FEE_PPM,
            )
        case "UniswapV3State":
            return _ranges(state, f"v3:{symbols}:{index}", token0, token1)
        case _:
            raise outer.refuse("protocol", "'UniswapV2State' or 'UniswapV3State'")


def _ranges(state: Fields, pool_id: str, token0: int, token1: int) -> RangesRecord:
    fee = _FEES_PPM.get(state.text("fee"))
    if fee is None:
        raise state.refuse("fee", f"one of {', '.join(_FEES_PPM)}")
    ticks = Fields(_at(state.members, "ticks"), state.place)
    changes = [
        (tick.integer("index", -887_272, 887_272), tick.signed("net_liquidity", 128))
        for tick in ticks.objects("ticks", "tick")
    ]
    return RangesRecord(
        pool_id=pool_id,
        address="",
        token0=token0,
        token1=token1,
        fee_ppm=fee,
        tick_spacing=ticks.integer("tick_spacing", 1, 16_384),
        sqrt_price_x96=_hex(state, "sqrt_price"),
        tick=state.integer("tick", -887_273, 887_272),
        liquidity=state.units("liquidity", 2**128 - 1),
        ticks=tuple((index, max(abs(net), 1), net) for index, net in sorted(changes)),
    )


def orders_onto(path: Path, universe: Universe) -> tuple[Universe, tuple[RefusedOrder, ...]]:
    """Return the universe with the sell orders of a file of requests, and those left out.

    Raises:
        UsageError: UNIVERSE_INVALID, the file is not of this format.
        OSError: it cannot be read.
    """
    listed = read_json(path)
    if not isinstance(listed, list):
        raise UsageError("UNIVERSE_INVALID", f"{path.name} is no list of requests.")
    ids = {token.address.lower(): index for index, token in enumerate(universe.tokens)}
    orders: list[OrderRecord] = []
    refused: list[RefusedOrder] = []
    for index, request in enumerate(listed):
        place = f"request {index}"
        entry = Fields(object_of(request, place), place)
        for number, order in enumerate(entry.objects("orders", f"{place}, order")):
            order_id = index if number == 0 else f"{index}.{number}"
            made = _order(order, order_id, ids)
            if isinstance(made, OrderRecord):
                orders.append(made)
            else:
                refused.append(made)
    merged = Universe(
        name=universe.name,
        seed=universe.seed,
        tokens=universe.tokens,
        pools=universe.pools,
        orders=(*universe.orders, *orders),
    )
    return merged, tuple(refused)


def _order(order: Fields, order_id: int | str, ids: dict[str, int]) -> OrderRecord | RefusedOrder:
    coins = [order.text(name).lower() for name in ("token_in", "token_out")]
    if order.text("side") != "sell":
        message = f"{order.place} buys an exact amount."
        return RefusedOrder(order_id=order_id, code="ORDER_INVALID", message=message)
    if unknown := [coin for coin in coins if coin not in ids]:
        message = f"{order.place}: the universe has no token {unknown[0]}."
        return RefusedOrder(order_id=order_id, code="ASSET_UNKNOWN", message=message)
    return OrderRecord(
        order_id=order_id,
        token_in=ids[coins[0]],
        token_out=ids[coins[1]],
        amount_in=order.units("amount"),
    )


def _token_list(path: Path) -> dict[str, Token]:
    document = Fields(object_of(read_json(path), path.name), path.name)
    return {token.address: token for token in map(_token, document.objects("tokens", "token"))}


def _unnamed(address: str) -> Token:
    return Token(symbol=address[:10], address=address, decimals=UNKNOWN_DECIMALS)


def _token(found: Fields) -> Token:
    return Token(
        symbol=found.text("symbol"),
        address=found.text("address").lower(),
        decimals=found.integer("decimals", 0, 36),
    )


def _address(token: Token) -> str:
    return token.address


def _members(fields: Fields, name: str) -> list[tuple[str, Any]]:
    return list(_at(fields.members, name).items())


def _at(members: Any, name: str) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    found = members.get(name) if isinstance(members, dict) else None
    if isinstance(found, dict):
        return found
    raise UsageError("UNIVERSE_INVALID", f"There is no object {name!r} where it should be.")


def _two_texts(component: Fields) -> list[str]:
    found = component.list_of("tokens")
    if len(found) != 2 or not all(isinstance(text, str) for text in found):
        raise component.refuse("tokens", "two addresses")
    return found


def _hex(fields: Fields, name: str) -> int:
    text = fields.text(name)
    try:
        return int(text, 16)
    except ValueError as error:
        raise fields.refuse(name, "a hexadecimal number") from error


def _number(fields: Fields, name: str) -> int:
    """Return a number that is written in hexadecimal, in decimals or as it is."""
    text = str(fields.members.get(name, ""))
    return _hex(fields, name) if text.startswith("0x") else fields.units(name)
