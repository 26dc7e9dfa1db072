"""Random small markets for the solver's tests, and slow, obvious twins of what it computes."""

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from router.core import CoreError, Market, MarketBuilder, Plan, PlanLeg, V2Pool, V3Pool

PPM_ONE = 1_000_000


@dataclass(frozen=True, slots=True)
class Trade:
    """What a venue takes and gives."""

    amount_in: int = 0
    amount_out: int = 0
    fee: int = 0
    gas: int = 0


@dataclass(frozen=True, slots=True)
class PoolVenue:
    """A V2 or V3 pool."""

    token0: int
    token1: int
    pool: V2Pool | V3Pool
    on_chain: bool = True

    def add_to(self, builder: MarketBuilder) -> int:
        if isinstance(self.pool, V2Pool):
            return builder.add_v2(self.token0, self.token1, self.pool)
        return builder.add_v3(self.token0, self.token1, self.pool)

    def trade(self, token_in: int, amount_in: int) -> Trade:
        """Return the exact trade; a refusal is the empty trade."""
        try:
            quote = self.pool.quote_exact_in(token_in == self.token0, amount_in)
        except CoreError:
            return Trade()
        return Trade(quote.amount_in, quote.amount_out, quote.fee_amount, quote.gas)

    def cost(self, token_in: int, amount_out: int) -> int | None:
        """Return the input for an exact output."""
        try:
            return self.pool.quote_exact_out(token_in == self.token0, amount_out).amount_in
        except CoreError:
            return None


@dataclass(frozen=True, slots=True)
class LadderVenue:
    """A book: levels are (price_ticks, lots), best first."""

    token0: int
    token1: int
    lot_units: int
    tick_units: int
    fee_ppm: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    on_chain: bool = False

    def add_to(self, builder: MarketBuilder) -> int:
        return builder.add_ladder(
            self.token0,
            self.token1,
            self.lot_units,
            self.tick_units,
            self.fee_ppm,
            self.bids,
            self.asks,
        )

    def trade(self, token_in: int, amount_in: int) -> Trade:
        """Sweep whole lots, best level first; the fee is taken from the output, rounded up."""
        selling = token_in == self.token0
        left, paid, gross = amount_in, 0, 0
        for price, lots in self.bids if selling else self.asks:
            lot_quote = price * self.tick_units
            lot_in, lot_out = (
                (self.lot_units, lot_quote) if selling else (lot_quote, self.lot_units)
            )
            taken = min(lots, left // lot_in)
            left -= taken * lot_in
            paid += taken * lot_in
            gross += taken * lot_out
            if taken < lots:
                break
        fee = -(-gross * self.fee_ppm // PPM_ONE)
        return Trade(paid, gross - fee, fee, 0) if gross > fee else Trade()

    def cost(self, token_in: int, amount_out: int) -> int | None:
        """Return the input of the fewest lots that deliver `amount_out`."""
        selling = token_in == self.token0
        paid = gross = 0
        for price, lots in self.bids if selling else self.asks:
            lot_quote = price * self.tick_units
            lot_in, lot_out = (
                (self.lot_units, lot_quote) if selling else (lot_quote, self.lot_units)
            )
            missing = -(-amount_out * PPM_ONE // (PPM_ONE - self.fee_ppm)) - gross
            taken = min(lots, -(-missing // lot_out))
            paid += taken * lot_in
            gross += taken * lot_out
            if gross - -(-gross * self.fee_ppm // PPM_ONE) >= amount_out:
                return paid
        return None


Venue = PoolVenue | LadderVenue


@dataclass(frozen=True, slots=True)
class World:
    """Venues over tokens with prices; `unit_price` is the value of one base unit."""

    unit_price: tuple[float, ...]
    venues: tuple[Venue, ...]
    depth: float

    @property
    def token_count(self) -> int:
        return len(self.unit_price)

    def market(self, subset: Sequence[int] | None = None) -> Market:
        builder = MarketBuilder(self.token_count)
        chosen = range(len(self.venues)) if subset is None else subset
        for index in chosen:
            self.venues[index].add_to(builder)
        return builder.build()

    def units(self, token: int, value: float) -> int:
        """Return the amount of a token worth `value`, at least one unit."""
        return max(1, int(value / self.unit_price[token]))


def v3_pool(
    rng: random.Random, price: float, liquidity: float, fee_ppm: int, ranges: int
) -> V3Pool | None:
    """Return a pool at `price` (token1 per token0) with overlapping ranges around it."""
    spacing = {100: 1, 500: 10, 3000: 60, 10_000: 200}[fee_ppm]
    sqrt_price = math.isqrt(int(price * 2**192)) if price < 1e18 else int(price**0.5 * 2**96)
    tick = math.floor(math.log(price) / math.log(1.0001))
    if abs(tick) > 800_000:
        return None
    net: defaultdict[int, int] = defaultdict(int)
    gross: defaultdict[int, int] = defaultdict(int)
    active = 0
    positions = [
        (-rng.randint(1, 60), rng.randint(1, 60), rng.uniform(0.2, 1.0)) for _ in range(ranges)
    ]
    positions.append((rng.randint(1, 30), rng.randint(31, 60), rng.uniform(0.2, 1.0)))
    for below, above, weight in positions:
        lower = (tick // spacing + below) * spacing
        upper = (tick // spacing + above) * spacing
        amount = max(1, int(liquidity * weight))
        net[lower] += amount
        net[upper] -= amount
        gross[lower] += amount
        gross[upper] += amount
        if lower <= tick < upper:
            active += amount
    ticks = [(index, gross[index], net[index]) for index in sorted(gross)]
    for guess in (tick, tick - 1, tick + 1):
        now = sum(change for index, change in net.items() if index <= guess)
        try:
            return V3Pool(fee_ppm, spacing, sqrt_price, guess, now, ticks)
        except CoreError:
            continue
    return None


def ladder(
    rng: random.Random, world: World, base: int, quote: int, price: float, *, fine: bool
) -> LadderVenue:
    """Return a book around `price` (quote units per base unit), levels a few basis points apart."""
    lot_units = world.units(base, world.depth * 10 ** (-7 if fine else rng.uniform(-6, -3)))
    lot_quote = max(1.0, price * lot_units)
    tick_units = max(1, int(lot_quote / 10**5))
    best = max(2, int(lot_quote / tick_units))
    gap = max(1, best // 5000)
    lots = [max(1, int(10 ** rng.uniform(4 if fine else 0, 6 if fine else 4))) for _ in range(12)]
    bids = tuple((best - gap * i, lots[i]) for i in range(6) if best - gap * i > 0)
    asks = tuple((best + gap * (i + 1), lots[i + 6]) for i in range(6))
    return LadderVenue(base, quote, lot_units, tick_units, rng.choice([0, 400, 1000]), bids, asks)


def world_of(seed: int, *, arbitrage: bool = False, fine: bool = False, venues: int = 0) -> World:
    """Return the random market of a seed.

    Without `arbitrage` no cycle pays at the start. In a `fine` market units and lots are so small
    that rounding them is not the question.
    """
    rng = random.Random(seed)
    count = rng.randint(2, 5)
    depth = 10 ** rng.uniform(3, 8)
    decimals = [15, 18] if fine else [6, 8, 18]
    prices = [10 ** rng.uniform(-4, 4) / 10 ** rng.choice(decimals) for _ in range(count)]
    world = World(tuple(prices), (), depth)
    made: list[Venue] = []
    wanted = venues or rng.randint(1, 8)
    while len(made) < wanted:
        token0, token1 = rng.sample(range(count), 2)
        fee = rng.choice([100, 500, 3000, 10_000])
        noise = rng.uniform(-0.05, 0.05) if arbitrage else rng.uniform(-0.4, 0.4) * fee / 1e6
        price = prices[token0] / prices[token1] * (1 + noise)
        value = depth * 10 ** rng.uniform(-1, 1)
        kind = rng.random()
        if kind < 0.45:
            reserves = value / prices[token0], value / prices[token0] * price
            if max(reserves) < 2**111:
                pool = V2Pool(int(reserves[0]) + 1, int(reserves[1]) + 1, fee)
                made.append(PoolVenue(token0, token1, pool))
        elif kind < 0.85:
            liquidity = value / prices[token0] * price**0.5
            pool3 = v3_pool(rng, price, liquidity, fee, rng.randint(1, 5))
            if pool3 is not None:
                made.append(PoolVenue(token0, token1, pool3))
        else:
            made.append(ladder(rng, world, token0, token1, price, fine=fine))
    return World(tuple(prices), tuple(made), depth)


def replay(
    world: World, plan: Plan, token_in: int, token_out: int, amount: int, max_hops: int = 3
) -> None:
    """Run a plan leg by leg on untouched venues and assert that every figure of it is right."""
    balances: defaultdict[int, int] = defaultdict(int)
    balances[token_in] = amount
    spent: set[int] = set()
    assert len({leg.venue for leg in plan.legs}) == len(plan.legs), "a venue is used twice"
    for position, leg in enumerate(plan.legs):
        venue = world.venues[leg.venue]
        assert {leg.token_in, leg.token_out} == {venue.token0, venue.token1}
        assert leg.token_out not in spent, "a token is paid into after it was paid out of"
        spent.add(leg.token_in)
        trade = venue.trade(leg.token_in, leg.amount_in)
        assert trade == Trade(leg.amount_in, leg.amount_out, leg.fee_amount, leg.gas)
        balances[leg.token_in] -= leg.amount_in
        assert balances[leg.token_in] >= 0, "a leg spends what is not there"
        balances[leg.token_out] += leg.amount_out
        if leg.takes_rest:
            assert balances[leg.token_in] == reserved(world, plan.legs[position + 1 :], leg)
        if not venue.on_chain:
            assert leg.token_out == token_out
            assert all(not world.venues[later.venue].on_chain for later in plan.legs[position:])
    on_routes = {hop for path in paths(world, token_in, token_out, max_hops) for hop in path}
    assert {(leg.venue, leg.token_in) for leg in plan.legs} <= on_routes, "beyond the hop limit"
    assert balances.pop(token_out) == plan.amount_out
    assert balances.pop(token_in) == amount - plan.amount_in
    assert {token: units for token, units in balances.items() if units} == dict(plan.dust)


def reserved(world: World, later: Sequence[PlanLeg], leg: PlanLeg) -> int:
    """Return what later book legs need of the token; no pool leg may follow the rest-taker."""
    after = [other for other in later if other.token_in == leg.token_in]
    assert all(not world.venues[other.venue].on_chain for other in after)
    return sum(other.amount_in for other in after)


def paths(
    world: World, token_in: int, token_out: int, max_hops: int = 3
) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield every simple path as ((venue, token_in), ...); books only as the last hop."""

    def extend(
        token: int, seen: frozenset[int], trail: tuple[tuple[int, int], ...]
    ) -> Iterator[tuple[tuple[int, int], ...]]:
        if token == token_out:
            yield trail
            return
        if len(trail) == max_hops:
            return
        for index, venue in enumerate(world.venues):
            if token not in (venue.token0, venue.token1):
                continue
            other = venue.token1 if token == venue.token0 else venue.token0
            if other in seen or (not venue.on_chain and other != token_out):
                continue
            yield from extend(other, seen | {other}, (*trail, (index, token)))

    yield from extend(token_in, frozenset({token_in}), ())


def path_out(world: World, path: Sequence[tuple[int, int]], amount: int) -> tuple[int, int]:
    """Return (output, gas) of a single path."""
    gas = 0
    for index, token in path:
        if amount == 0:
            return 0, gas
        trade = world.venues[index].trade(token, amount)
        amount, gas = trade.amount_out, gas + trade.gas
    return amount, gas


def path_cost(world: World, path: Sequence[tuple[int, int]], amount_out: int) -> int | None:
    """Return the input of a single path for an exact output."""
    needed: int | None = amount_out
    for index, token in reversed(path):
        if needed is None or needed == 0:
            return None
        needed = world.venues[index].cost(token, needed)
    return needed


def grid_best(
    world: World, token_in: int, token_out: int, amount: int, *, steps: int = 20, width: int = 3
) -> int:
    """Return the best output of splits over up to `width` paths without a common venue, whose
    tokens stay free of cycles, in whole steps of the amount."""
    parts = [amount * step // steps for step in range(steps + 1)]
    curves = [
        (path, [path_out(world, path, part)[0] for part in parts])
        for path in paths(world, token_in, token_out)
        if path_out(world, path, amount)[0]
    ]
    best = max((curve[-1] for _, curve in curves), default=0)
    for size in range(2, width + 1):
        for group in itertools.combinations(curves, size):
            if not is_plan(world, [path for path, _ in group]):
                continue
            for split in compositions(steps, size):
                best = max(best, sum(curve[s] for (_, curve), s in zip(group, split, strict=True)))
    return best


def is_plan(world: World, group: Sequence[Sequence[tuple[int, int]]]) -> bool:
    used = [index for path in group for index, _ in path]
    if len(set(used)) < len(used):
        return False
    arcs = set()
    for path in group:
        for index, token in path:
            venue = world.venues[index]
            arcs.add((token, venue.token1 if token == venue.token0 else venue.token0))
    while arcs:
        targets = {to for _, to in arcs}
        kept = {arc for arc in arcs if arc[0] in targets}
        if kept == arcs:
            return False
        arcs = kept
    return True


def compositions(total: int, size: int) -> Iterator[tuple[int, ...]]:
    if size == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in compositions(total - first, size - 1):
            yield (first, *rest)
