"""What the router sees at one moment: pools of one block and ladders of our books, immutable."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from router.core import (
    BalancerStablePool,
    CoreError,
    Market,
    MarketBuilder,
    StableSwapPool,
    V2Pool,
    V3Pool,
    V4Pool,
    WeightedPool,
)
from router.domain.assets import Asset
from router.domain.market import BlockRef, Ladder, Protocol
from router.domain.orders import RouteConstraints
from router.ports import PoolState
from router.telemetry import logger

_log = logger("routing")
COMPILED_MAX = 16


@dataclass(frozen=True, slots=True)
class VenueFilter:
    """Which venues a quote may use; ids, names and symbols are compared without case.

    An excluded or included id is a pool (`uniswap_v3:0x...`), its bare address, an instrument
    (`book:WETH/USDC` or `WETH/USDC`) or a whole venue (`book`). Nothing included means everything.
    `tokens` are all that a route may touch where it may not touch everything.
    """

    excluded: frozenset[str] = frozenset()
    protocols: frozenset[Protocol] = frozenset(Protocol)
    included: frozenset[str] = frozenset()
    excluded_tokens: frozenset[str] = frozenset()
    tokens: frozenset[str] | None = None

    @classmethod
    def of(cls, constraints: RouteConstraints, *ends: Asset) -> "VenueFilter":
        """Return the filter of an order between two assets, which may be passed in any case."""
        symbols = frozenset(asset.symbol for asset in ends)
        connectors = constraints.connector_tokens
        return cls(
            constraints.excluded_venues,
            constraints.included_protocols,
            constraints.included_venues,
            constraints.excluded_tokens - symbols,
            None if connectors is None else connectors | symbols,
        )

    def admits(self, venue_id: str, protocol: Protocol) -> bool:
        """Tell whether a venue may take part, whatever it trades."""
        if protocol not in self.protocols:
            return False
        names = names_of_venue(venue_id)
        return names.isdisjoint(_lower(self.excluded)) and (
            not self.included or not names.isdisjoint(_lower(self.included))
        )

    def admits_token(self, asset: Asset) -> bool:
        """Tell whether a route may touch an asset."""
        symbol = asset.symbol
        return symbol not in self.excluded_tokens and (self.tokens is None or symbol in self.tokens)


def names_of_venue(venue_id: str) -> frozenset[str]:
    """Return every name that a venue goes by, in lower case."""
    name, _, place = venue_id.lower().partition(":")
    return frozenset((venue_id.lower(), name, place))


def _lower(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


@dataclass(frozen=True, slots=True)
class CompiledMarket:
    """The core's market with the names of its dense ids: `venues[i]` is venue i of every plan."""

    market: Market
    token_ids: dict[Asset, int]
    assets: tuple[Asset, ...]
    venues: tuple[PoolState | Ladder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """Pools as of `block` and ladders as of their sequences.

    The market that the core solves over is built on first use and kept: a quote is then one call.
    """

    block: BlockRef
    pools: tuple[PoolState, ...]
    ladders: tuple[Ladder, ...] = ()
    _compiled: dict[VenueFilter, CompiledMarket] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def book_sequences(self) -> tuple[tuple[str, int], ...]:
        return tuple((ladder_id(ladder), ladder.sequence) for ladder in self.ladders)

    @property
    def identity(self) -> tuple[str, tuple[tuple[str, int], ...]]:
        """Two views of one identity give the same answers."""
        return self.block.hash, self.book_sequences

    def unknown_names(self, names: Iterable[str]) -> list[str]:
        """Return those of the names that no venue of the view goes by."""
        everything: Iterable[PoolState | Ladder] = (*self.pools, *self.ladders)
        known = frozenset[str]().union(*(names_of_venue(venue_key(v)[0]) for v in everything))
        return sorted(name for name in names if name.lower() not in known)

    def compiled(self, venues: VenueFilter) -> CompiledMarket:
        """Return the market of the admitted venues, compiled once per filter."""
        found = self._compiled.get(venues)
        if found is None:
            if len(self._compiled) >= COMPILED_MAX:
                self._compiled.clear()
            found = self._compiled[venues] = _compile(self, venues)
        return found


def ladder_id(ladder: Ladder) -> str:
    """Return the venue id of one book as legs and filters name it, such as `book:WETH/USDC`."""
    return f"{ladder.venue_id}:{ladder.instrument.symbol}"


def venue_key(venue: PoolState | Ladder) -> tuple[str, Protocol]:
    if isinstance(venue, Ladder):
        return ladder_id(venue), Protocol.BOOK
    return venue.ref.venue_id, venue.ref.protocol


def assets_of(venue: PoolState | Ladder) -> tuple[Asset, ...]:
    """Return a pool's tokens in the contract's order, base and quote of a ladder."""
    if isinstance(venue, Ladder):
        return venue.instrument.base, venue.instrument.quote
    return venue.ref.tokens


def is_routable(asset: Asset) -> bool:
    """Tell whether an order may sell or buy it: the coin itself is traded as its wrapped token."""
    return asset.routable and not asset.is_native


def _compile(view: MarketView, admitted: VenueFilter) -> CompiledMarket:
    """Build the core's market; a venue whose state the core refuses takes no other with it.

    A pool of several tokens takes part with all of them or not at all.
    """
    everything: Iterable[PoolState | Ladder] = (*view.pools, *view.ladders)
    candidates = [
        venue
        for venue in everything
        if admitted.admits(*venue_key(venue))
        and all(is_routable(asset) and admitted.admits_token(asset) for asset in assets_of(venue))
    ]
    assets = tuple(dict.fromkeys(asset for venue in candidates for asset in assets_of(venue)))
    token_ids = {asset: index for index, asset in enumerate(assets)}
    builder = MarketBuilder(len(assets))
    venues: list[PoolState | Ladder] = []
    for venue in candidates:
        try:
            added = _add(builder, venue, [token_ids[asset] for asset in assets_of(venue)])
        except CoreError as error:
            _log.warning("venue_left_out", venue=venue_key(venue)[0], code=error.code)
            continue
        assert added == len(venues), "the core numbers venues in the order they are added"
        venues.append(venue)
    return CompiledMarket(builder.build(), token_ids, assets, tuple(venues))


def _add(builder: MarketBuilder, venue: PoolState | Ladder, tokens: Sequence[int]) -> int:
    """Add a venue whose assets have these ids and return its index."""
    first, second, *_ = tokens
    if isinstance(venue, Ladder):
        instrument = venue.instrument
        return builder.add_ladder(
            first,
            second,
            instrument.lot_units,
            instrument.tick_units,
            instrument.taker_fee_ppm,
            [(level.price_ticks, level.lots) for level in venue.bids],
            [(level.price_ticks, level.lots) for level in venue.asks],
        )
    core = venue.core
    if isinstance(core, V2Pool):
        return builder.add_v2(first, second, core)
    if isinstance(core, V3Pool):
        return builder.add_v3(first, second, core)
    if isinstance(core, V4Pool):
        return builder.add_v4(first, second, core)
    assert isinstance(core, WeightedPool | BalancerStablePool | StableSwapPool), (
        f"{venue.ref.venue_id} has no value the core knows"
    )
    return builder.add_multi(tokens, core)
