"""What can be traded where: instruments of the book, pools on chain, and the identity of a view."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from router.domain.assets import Asset


class Protocol(StrEnum):
    """The maths a venue follows."""

    UNISWAP_V2 = "uniswap_v2"
    UNISWAP_V3 = "uniswap_v3"
    UNISWAP_V4 = "uniswap_v4"
    CURVE = "curve"
    BALANCER = "balancer_v2"
    BOOK = "book"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A pair traded on an order book in whole lots and ticks.

    One lot is `lot_units` base units of `base`; at a price of p ticks it costs p * `tick_units`
    base units of `quote`. Fees in parts per million are taken from what a side receives and
    rounded up.
    """

    symbol: str
    base: Asset
    quote: Asset
    lot_units: int
    tick_units: int
    taker_fee_ppm: int
    maker_fee_ppm: int = 0

    def __post_init__(self) -> None:
        assert self.base != self.quote, self.symbol
        assert self.lot_units > 0, self.symbol
        assert self.tick_units > 0, self.symbol
        assert 0 <= self.maker_fee_ppm <= self.taker_fee_ppm < 1_000_000, self.symbol

    def base_units(self, lots: int) -> int:
        return lots * self.lot_units

    def quote_units(self, lots: int, price_ticks: int) -> int:
        return lots * price_ticks * self.tick_units


_PROTOCOL_NAMES: Final[Mapping[Protocol, str]] = {
    Protocol.UNISWAP_V2: "V2",
    Protocol.UNISWAP_V3: "V3",
    Protocol.UNISWAP_V4: "V4",
    Protocol.CURVE: "Curve",
    Protocol.BALANCER: "Balancer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRef:
    """Where a pool is: the contract that swaps and the tokens in the contract's own order.

    `further_tokens` are those of a pool of more than two; a pool's own share is not among them.
    `pool_id` (lower-case hex) tells the pools of one shared contract apart: the address is then
    that of Uniswap V4's pool manager or of Balancer's vault. `tick_spacing` is part of the key of a
    V4 pool. `variant` is the kind of a Curve or Balancer pool, in its connector's words. `fee_ppm`
    is rounded down where the contract's fee is finer.
    """

    protocol: Protocol
    address: str
    token0: Asset
    token1: Asset
    fee_ppm: int
    further_tokens: tuple[Asset, ...] = ()
    pool_id: str = ""
    tick_spacing: int = 0
    variant: str = ""

    @property
    def tokens(self) -> tuple[Asset, ...]:
        return self.token0, self.token1, *self.further_tokens

    @property
    def venue_id(self) -> str:
        return f"{self.protocol}:{self.pool_id or self.address}"

    @property
    def label(self) -> str:
        tokens = "/".join(map(str, self.tokens))
        return f"{_PROTOCOL_NAMES[self.protocol]} {tokens} {self.fee_ppm / 10_000:g}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRef:
    """A block as a reorganisation can be told from: number, hash, parent and time (seconds)."""

    number: int
    hash: str
    parent_hash: str
    timestamp_s: int
    base_fee_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderLevel:
    price_ticks: int
    lots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Depth of one book, best level first, as it stood at `sequence`.

    `expires_ms` is when an offer that nobody has to keep open ends (Unix milliseconds), such as a
    market maker's quote on request; a book has none.
    """

    venue_id: str
    instrument: Instrument
    sequence: int
    bids: tuple[LadderLevel, ...]
    asks: tuple[LadderLevel, ...]
    expires_ms: int | None = None
