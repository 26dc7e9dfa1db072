"""What a route over a universe delivers, in exact integers: the judge of every router in the bench.

It is written from the published definitions of the pools and shares no code with the Rust core: a
mistake that both make would have to be made twice. A route that spends what it does not hold, asks
a pool for more than it has, or claims more than comes out is refused with `Infeasible`.

- v2: constant product, the fee kept from the input, output rounded down.
- v3: Uniswap's swap steps in Q64.96; square-root prices of ticks from 2^128 / 1.0001^(2^i / 2).
- weighted: out = R_out (1 - (R_in / (R_in + in (1 - fee)))^(w_in / w_out)), with 80 digits, down.
- stable: the StableSwap invariant by Newton in integers of 18 decimals, one unit kept by the pool,
  the fee taken from the output and rounded up.
- clob: levels swept in fractions, the fee taken from the output, rounded down once per order.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Context, Decimal, localcontext
from fractions import Fraction
from functools import cache
from typing import Any, Protocol

PPM = 1_000_000
Q96 = 1 << 96
TICK_MAX = 887_272
SQRT_MIN = 4_295_128_739
SQRT_MAX = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342


class Infeasible(Exception):
    """The route cannot be executed as it is written."""


@dataclass(frozen=True, slots=True)
class RunLeg:
    """A swap that was run: the kind of its pool, ticks crossed, and whether it pays the order."""

    kind: str
    crossed: int
    is_first: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What counts: the output, the input that no pool took, and the swaps, for their gas."""

    amount_out: int
    unspent_in: int
    legs: tuple[RunLeg, ...]


class Pool(Protocol):
    """A pool that changes with each swap. Returns (output, input that was not taken)."""

    kind: str
    crossed: int

    def swap(self, token_in: int, token_out: int, amount_in: int) -> tuple[int, int]: ...


class ConstantProduct:
    kind = "v2"
    crossed = 0

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._tokens = (record["token0"], record["token1"])
        self._reserves = [int(record["reserve0"]), int(record["reserve1"])]
        self._fee = record["feePpm"]

    def swap(self, token_in: int, token_out: int, amount_in: int) -> tuple[int, int]:
        i, o = _places(self._tokens, token_in, token_out)
        kept = amount_in * (PPM - self._fee)
        below = self._reserves[i] * PPM + kept
        out = kept * self._reserves[o] // below if below else 0
        self._reserves[i] += amount_in
        self._reserves[o] -= out
        return out, 0


@cache
def _tick_factors() -> list[int]:
    """Return 2^128 / 1.0001^(2^i / 2) for each bit of a tick, as the contract's constants are."""
    with localcontext(Context(prec=120)):
        root = Decimal("1.0001").sqrt()
        return [
            int((Decimal(1 << 128) / root ** (1 << bit)).to_integral_value(ROUND_FLOOR))
            for bit in range(20)
        ]


class Ranges:
    """A V3 pool; its ticks do not change while swaps go through it."""

    kind = "v3"

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.crossed = 0
        self._tokens = (record["token0"], record["token1"])
        self._fee = record["feePpm"]
        self._spacing = record["tickSpacing"]
        self._sqrt = int(record["sqrtPriceX96"])
        self._tick = record["tick"]
        self._liquidity = int(record["liquidity"])
        ticks = sorted(record["ticks"], key=lambda tick: int(tick["index"]))
        self._indices = [tick["index"] for tick in ticks]
        self._nets = [int(tick["liquidityNet"]) for tick in ticks]

    def swap(self, token_in: int, token_out: int, amount_in: int) -> tuple[int, int]:
        """Take the contract's steps: each ends at a tick, at the edge of a word, or the swap."""
        down = _places(self._tokens, token_in, token_out)[0] == 0
        limit = SQRT_MIN + 1 if down else SQRT_MAX - 1
        left, out, tick = amount_in, 0, self._tick
        while left > 0 and self._sqrt != limit:
            ahead, is_initialised = self._ahead(tick, down)
            edge = sqrt_at_tick(ahead)
            target = max(edge, limit) if down else min(edge, limit)
            self._sqrt, taken, given = self._step(target, left, down)
            left -= taken
            out += given
            if self._sqrt != edge:
                break
            if is_initialised:
                net = self._nets[bisect_left(self._indices, ahead)]
                self._liquidity += -net if down else net
                self.crossed += 1
            tick = ahead - 1 if down else ahead
        self._tick = tick if self._sqrt == sqrt_at_tick(tick) else tick_at_sqrt(self._sqrt)
        return out, left

    def _ahead(self, tick: int, down: bool) -> tuple[int, bool]:
        """Return the next tick within the word of the bitmap, and whether it is initialised."""
        spaces = tick // self._spacing
        if down:
            edge = (spaces // 256 * 256) * self._spacing
            at = bisect_right(self._indices, tick) - 1
            found = self._indices[at] if at >= 0 else edge - 1
            return (found, True) if found >= edge else (max(edge, -TICK_MAX), False)
        edge = ((spaces + 1) // 256 * 256 + 255) * self._spacing
        at = bisect_right(self._indices, tick)
        found = self._indices[at] if at < len(self._indices) else edge + 1
        return (found, True) if found <= edge else (min(edge, TICK_MAX), False)

    def _step(self, target: int, left: int, down: bool) -> tuple[int, int, int]:
        """Return (price after, input taken with its fee, output) of one range."""
        kept = left * (PPM - self._fee) // PPM
        liquidity, sqrt = self._liquidity, self._sqrt
        needed = _amount(sqrt, target, liquidity, token0=down, up=True)
        after = target if kept >= needed else _next_sqrt(sqrt, liquidity, kept, down)
        given = _amount(sqrt, after, liquidity, token0=not down, up=False)
        if after == target:
            return after, needed + -(-needed * self._fee // (PPM - self._fee)), given
        return after, left, given


def tick_at_sqrt(sqrt: int) -> int:
    """Return the greatest tick whose price is not above this one."""
    low, high = -TICK_MAX, TICK_MAX
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if sqrt_at_tick(middle) <= sqrt else (low, middle - 1)
    return low


@cache
def sqrt_at_tick(tick: int) -> int:
    """Return the square root of 1.0001^tick in Q64.96, rounded up, as the contract has it."""
    ratio = 1 << 128
    for bit, factor in enumerate(_tick_factors()):
        if abs(tick) >> bit & 1:
            ratio = ratio * factor >> 128
    if tick > 0:
        ratio = ((1 << 256) - 1) // ratio
    return -(-ratio >> 32)


def _amount(a: int, b: int, liquidity: int, *, token0: bool, up: bool) -> int:
    low, high = min(a, b), max(a, b)
    if not token0:
        product = liquidity * (high - low)
        return -(-product // Q96) if up else product // Q96
    product = (liquidity << 96) * (high - low)
    if up:
        return -(-product // (high * low))
    return product // high // low


def _next_sqrt(sqrt: int, liquidity: int, amount: int, down: bool) -> int:
    if down:
        if not amount:
            return sqrt
        scaled = liquidity << 96
        if scaled + amount * sqrt < 1 << 256:
            return -(-scaled * sqrt // (scaled + amount * sqrt))
        return -(-scaled // (scaled // sqrt + amount))
    return sqrt + (amount << 96) // liquidity


class Weighted:
    kind = "weighted"
    crossed = 0

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._tokens = tuple(record["tokens"])
        self._reserves = [int(units) for units in record["reserves"]]
        self._weights = [Decimal(weight) for weight in record["weights"]]
        self._fee = record["feePpm"]

    def swap(self, token_in: int, token_out: int, amount_in: int) -> tuple[int, int]:
        i, o = _places(self._tokens, token_in, token_out)
        with localcontext(Context(prec=80, rounding=ROUND_FLOOR)):
            before = Decimal(self._reserves[i]) * PPM
            base = before / (before + Decimal(amount_in) * (PPM - self._fee))
            left = (base.ln() * self._weights[i] / self._weights[o]).exp()
            out = int(self._reserves[o] * (1 - left) * (1 - Decimal("1e-60")))
        self._reserves[i] += amount_in
        self._reserves[o] -= out
        return out, 0


class Stable:
    kind = "stable"
    crossed = 0

    def __init__(self, record: Mapping[str, Any], decimals: Sequence[int]) -> None:
        self._tokens = tuple(record["tokens"])
        self._reserves = [int(units) for units in record["reserves"]]
        self._scales = [10 ** (18 - decimals[token]) for token in self._tokens]
        self._fee = record["feePpm"]
        self._slope = record["amp"] * len(self._tokens)

    def swap(self, token_in: int, token_out: int, amount_in: int) -> tuple[int, int]:
        i, o = _places(self._tokens, token_in, token_out)
        scaled = [units * scale for units, scale in zip(self._reserves, self._scales, strict=True)]
        invariant = self._invariant(scaled)
        scaled[i] += amount_in * self._scales[i]
        gross = (scaled[o] - self._balance(scaled, o, invariant) - 1) // self._scales[o]
        out = max(0, gross - -(-gross * self._fee // PPM))
        self._reserves[i] += amount_in
        self._reserves[o] -= out
        return out, 0

    def _invariant(self, scaled: list[int]) -> int:
        count, total = len(scaled), sum(scaled)
        found = total
        for _ in range(255):
            product = found
            for units in scaled:
                product = product * found // (units * count)
            above = (self._slope * total + product * count) * found
            last, found = found, above // ((self._slope - 1) * found + (count + 1) * product)
            if abs(found - last) <= 1:
                return found
        raise Infeasible("the invariant of a stable pool does not converge")

    def _balance(self, scaled: list[int], o: int, invariant: int) -> int:
        """Return the balance of coin `o` that keeps the invariant with the other balances."""
        count, product, total = len(scaled), invariant, 0
        for place, units in enumerate(scaled):
            if place != o:
                product = product * invariant // (units * count)
                total += units
        product = product * invariant // (self._slope * count)
        linear = total + invariant // self._slope
        found = invariant
        for _ in range(255):
            above = found * found + product
            last, found = found, above // (2 * found + linear - invariant)
            if abs(found - last) <= 1:
                return found
        raise Infeasible("the balance of a stable pool does not converge")


class Book:
    kind = "clob"
    crossed = 0

    def __init__(self, record: Mapping[str, Any], decimals: Sequence[int]) -> None:
        self._base, self._quote = record["base"], record["quote"]
        self._fee = record["takerFeePpm"]
        unit = Fraction(10 ** decimals[self._quote], 10 ** decimals[self._base])
        one = 10 ** decimals[self._base]

        def side(name: str) -> list[list[Fraction]]:
            return [[Fraction(price) * unit, Fraction(size) * one] for price, size in record[name]]

        self._bids, self._asks = side("bids"), side("asks")

    def swap(self, token_in: int, token_out: int, amount_in: int) -> tuple[int, int]:
        sells_base = _places((self._base, self._quote), token_in, token_out)[0] == 0
        left, gross = Fraction(amount_in), Fraction(0)
        for level in self._bids if sells_base else self._asks:
            price, size = level
            base = min(left if sells_base else left / price, size)
            level[1] -= base
            left -= base if sells_base else base * price
            gross += base * price if sells_base else base
            if left <= 0:
                break
        return int(gross * (PPM - self._fee) / PPM), int(left)


def _places(tokens: Sequence[int], token_in: int, token_out: int) -> tuple[int, int]:
    if token_in == token_out or token_in not in tokens or token_out not in tokens:
        raise Infeasible(f"a pool of {tokens} cannot swap {token_in} for {token_out}")
    return tokens.index(token_in), tokens.index(token_out)


@dataclass(slots=True)
class Replay:
    """The pools and the balances of one order's execution."""

    universe: "ReplayUniverse"
    order: Mapping[str, Any]
    held: dict[int, int] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)
    legs: list[RunLeg] = field(default_factory=list)
    lost: int = 0

    def __post_init__(self) -> None:
        self.held[self.order["tokenIn"]] = int(self.order["amountIn"])

    def run(self, pool_id: str, token_in: int, token_out: int, amount_in: int) -> int:
        """Swap what is held and return the output."""
        if amount_in <= 0 or amount_in > self.held.get(token_in, 0):
            raise Infeasible(f"{pool_id}: spends {amount_in} of {self.held.get(token_in, 0)}")
        if pool_id not in self.pools:
            self.pools[pool_id] = self.universe.pool(pool_id)
        pool = self.pools[pool_id]
        crossed = pool.crossed
        out, left = pool.swap(token_in, token_out, amount_in)
        is_first = token_in == self.order["tokenIn"]
        self.legs.append(RunLeg(pool.kind, pool.crossed - crossed, is_first))
        self.held[token_in] -= amount_in
        self.held[token_out] = self.held.get(token_out, 0) + out
        self.lost += left
        return out

    def outcome(self) -> Outcome:
        return Outcome(
            amount_out=self.held.get(self.order["tokenOut"], 0),
            unspent_in=self.held.get(self.order["tokenIn"], 0),
            legs=tuple(self.legs),
        )


class ReplayUniverse:
    """A universe document whose pools are made anew for each order."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._records = {record["id"]: record for record in document["pools"]}
        self._decimals = [token["decimals"] for token in document["tokens"]]

    def pool(self, pool_id: str) -> Pool:
        record = self._records.get(pool_id)
        if record is None:
            raise Infeasible(f"there is no pool {pool_id!r}")
        match record["type"]:
            case "v2":
                return ConstantProduct(record)
            case "v3":
                return Ranges(record)
            case "weighted":
                return Weighted(record)
            case "stable":
                return Stable(record, self._decimals)
            case _:
                return Book(record, self._decimals)

    def fills(self, order: Mapping[str, Any], fills: Iterable[Mapping[str, Any]]) -> Outcome:
        """Replay fills with claimed outputs; only what is claimed is passed on and counts.

        Raises:
            Infeasible: a fill spends too much, is not taken whole, or delivers less than it says.
        """
        replay = Replay(self, order)
        for fill in fills:
            claimed, asked = int(fill["amountOut"]), int(fill["amountIn"])
            out = replay.run(fill["pool"], fill["tokenIn"], fill["tokenOut"], asked)
            if replay.lost:
                raise Infeasible(f"{fill['pool']} does not take {replay.lost} of {asked}")
            if claimed > out:
                raise Infeasible(f"{fill['pool']} delivers {out}, not {claimed}")
            replay.held[fill["tokenOut"]] -= out - claimed
        return replay.outcome()

    def paths(self, order: Mapping[str, Any], paths: Iterable[Mapping[str, Any]]) -> Outcome:
        """Replay paths one after the other; what a pool does not take on the way is lost."""
        replay = Replay(self, order)
        for path in paths:
            amount = int(path["amountIn"])
            for hop in path["hops"]:
                if amount <= 0:
                    break
                amount = replay.run(hop["pool"], hop["tokenIn"], hop["tokenOut"], amount)
        return replay.outcome()

    def shares(self, order: Mapping[str, Any], legs: Iterable[Mapping[str, Any]]) -> Outcome:
        """Replay legs that each swap a share of what is held of their token when they run."""
        replay = Replay(self, order)
        for leg in legs:
            held = replay.held.get(leg["tokenIn"], 0)
            share = Fraction(leg["portion"])
            amount = held if share >= 1 else int(held * share)
            if amount > 0:
                replay.run(leg["pool"], leg["tokenIn"], leg["tokenOut"], amount)
        return replay.outcome()
