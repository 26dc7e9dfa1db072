"""A universe: tokens, venues and orders of one moment, as values that need no chain.

Tokens are named by dense ids, their place in the file. Amounts are base units.
"""

from dataclasses import dataclass
from typing import TypeAlias

TokenId: TypeAlias = int


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    symbol: str
    address: str
    decimals: int
    price_usd: float = 0.0  # for orientation only; 0 when it is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRecord:
    """Constant product of two tokens, the fee taken from the input (`v2`)."""

    pool_id: str
    address: str
    token0: TokenId
    token1: TokenId
    reserve0: int
    reserve1: int
    fee_ppm: int
    tvl_usd: float = 0.0

    @property
    def tokens(self) -> tuple[TokenId, ...]:
        return self.token0, self.token1


@dataclass(frozen=True, slots=True, kw_only=True)
class RangesRecord:
    """Concentrated liquidity with every initialised tick (`v3`).

    `ticks` are (index, liquidity gross, liquidity net). The reserves are for orientation only.
    """

    pool_id: str
    address: str
    token0: TokenId
    token1: TokenId
    fee_ppm: int
    tick_spacing: int
    sqrt_price_x96: int
    tick: int
    liquidity: int
    ticks: tuple[tuple[int, int, int], ...]
    reserve0: int = 0
    reserve1: int = 0
    tvl_usd: float = 0.0

    @property
    def tokens(self) -> tuple[TokenId, ...]:
        return self.token0, self.token1


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedRecord:
    """Balancer's weighted pool; `weights` are decimal strings as the file has them (sum 1)."""

    pool_id: str
    address: str
    tokens: tuple[TokenId, ...]
    reserves: tuple[int, ...]
    weights: tuple[str, ...]
    fee_ppm: int
    tvl_usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StableRecord:
    """Curve's StableSwap; `amp` is its A, the fee is taken from the output."""

    pool_id: str
    address: str
    tokens: tuple[TokenId, ...]
    reserves: tuple[int, ...]
    amp: int
    fee_ppm: int
    tvl_usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRecord:
    """A ladder of orders, best first: (price, size) as decimal strings in whole tokens (`clob`)."""

    pool_id: str
    base: TokenId
    quote: TokenId
    taker_fee_ppm: int
    bids: tuple[tuple[str, str], ...]
    asks: tuple[tuple[str, str], ...]

    @property
    def tokens(self) -> tuple[TokenId, ...]:
        return self.base, self.quote


PoolRecord: TypeAlias = PairRecord | RangesRecord | WeightedRecord | StableRecord | BookRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """Sell exactly `amount_in`. At a gas price above zero what counts is the output after gas."""

    order_id: int | str
    token_in: TokenId
    token_out: TokenId
    amount_in: int
    gas_price_wei: int = 0
    size_frac: float = 0.0  # of the depth between the two tokens; for orientation only
    direct: bool = False  # some pool trades the two tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedOrder:
    """An order of a file that cannot be read, and why; the others are not held up by it."""

    order_id: int | str | None
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Universe:
    name: str
    seed: int
    tokens: tuple[Token, ...]
    pools: tuple[PoolRecord, ...]
    orders: tuple[OrderRecord | RefusedOrder, ...] = ()
