"""What the router sees at one moment: pools of one block and ladders of our books, immutable."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from router.core import CoreError, Market, MarketBuilder, V2Pool, V3Pool
from router.domain.assets import Asset
from router.domain.market import BlockRef, Ladder, Protocol
from router.domain.orders import RouteConstraints
from router.ports import PoolState
from router.telemetry import logger

_log = logger("routing")
COMPILED_MAX = 16


@dataclass(frozen=True, slots=True)
class VenueFilter:
    """Which venues a quote may use; ids and names are compared without case.

    An excluded id is a pool (`uniswap_v3:0x...`), its bare address, an instrument
    (`book:WETH/USDC` or `WETH/USDC`) or a whole venue (`book`).
    """

    excluded: frozenset[str] = frozenset()
    protocols: frozenset[Protocol] = frozenset(Protocol)

    @classmethod
    def of(cls, constraints: RouteConstraints) -> "VenueFilter":
        return cls(constraints.excluded_venues, constraints.included_protocols)

    def admits(self, venue_id: str, protocol: Protocol) -> bool:
        if protocol not in self.protocols:
            return False
        name, _, place = venue_id.lower().partition(":")
        unwanted = {item.lower() for item in self.excluded}
        return unwanted.isdisjoint((venue_id.lower(), name, place))


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
        default_factory=dict, repr=False, compare=False
    )

    @property
    def book_sequences(self) -> tuple[tuple[str, int], ...]:
        return tuple((ladder_id(ladder), ladder.sequence) for ladder in self.ladders)

    @property
    def identity(self) -> tuple[str, tuple[tuple[str, int], ...]]:
        """Two views of one identity give the same answers."""
        return self.block.hash, self.book_sequences

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


def pair_of(venue: PoolState | Ladder) -> tuple[Asset, Asset]:
    """Return token0 and token1 of a pool, base and quote of a ladder."""
    if isinstance(venue, Ladder):
        return venue.instrument.base, venue.instrument.quote
    return venue.ref.token0, venue.ref.token1


def is_routable(asset: Asset) -> bool:
    """Tell whether an order may sell or buy it: the coin itself is traded as its wrapped token."""
    return asset.routable and not asset.is_native


def _compile(view: MarketView, admitted: VenueFilter) -> CompiledMarket:
    """Build the core's market; a venue whose state the core refuses takes no other with it."""
    everything: Iterable[PoolState | Ladder] = (*view.pools, *view.ladders)
    candidates = [
        venue
        for venue in everything
        if _is_solvable(venue)
        and admitted.admits(*venue_key(venue))
        and all(map(is_routable, pair_of(venue)))
    ]
    assets = tuple(dict.fromkeys(asset for venue in candidates for asset in pair_of(venue)))
    token_ids = {asset: index for index, asset in enumerate(assets)}
    builder = MarketBuilder(len(assets))
    venues: list[PoolState | Ladder] = []
    for venue in candidates:
        first, second = pair_of(venue)
        try:
            added = _adder(builder, venue)(token_ids[first], token_ids[second])
        except CoreError as error:
            _log.warning("venue_left_out", venue=venue_key(venue)[0], code=error.code)
            continue
        assert added == len(venues), "the core numbers venues in the order they are added"
        venues.append(venue)
    return CompiledMarket(builder.build(), token_ids, assets, tuple(venues))


def _is_solvable(venue: PoolState | Ladder) -> bool:
    return isinstance(venue, Ladder) or isinstance(venue.core, V2Pool | V3Pool)


def _adder(builder: MarketBuilder, venue: PoolState | Ladder) -> Callable[[int, int], int]:
    if isinstance(venue, Ladder):
        instrument = venue.instrument
        return lambda base, quote: builder.add_ladder(
            base,
            quote,
            instrument.lot_units,
            instrument.tick_units,
            instrument.taker_fee_ppm,
            [(level.price_ticks, level.lots) for level in venue.bids],
            [(level.price_ticks, level.lots) for level in venue.asks],
        )
    core = venue.core
    if isinstance(core, V2Pool):
        return lambda token0, token1: builder.add_v2(token0, token1, core)
    assert isinstance(core, V3Pool), f"{venue.ref.venue_id} has no value the core knows"
    return lambda token0, token1: builder.add_v3(token0, token1, core)
