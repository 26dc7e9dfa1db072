"""Types of the Rust extension. Only `router/core.py` imports it.

Token ids are dense ints, amounts are base units in 0..2^256-1, `zero_for_one` means token0 is
paid in. Every error is a `CoreError` whose `code` is one of: AMOUNT_RANGE, EMPTY_POOL,
INSUFFICIENT_LIQUIDITY, INVALID_POOL, OVERFLOW, NO_ROUTE, ORDER_INVALID, INVALID_REQUEST,
BATCH_INVALID, IMAGE_INVALID, ENGINE_BUSY, ENGINE_CLOSED, ENGINE_BROKEN (it failed in an earlier
call), JOURNAL_ABSENT, JOURNAL_CORRUPT, JOURNAL_DEADLINE, JOURNAL_FAILED, JOURNAL_LOCKED,
JOURNAL_OPTIONS, JOURNAL_SEMANTICS, FEED_OUT_OF_STEP.
"""

from collections.abc import Sequence
from os import PathLike
from typing import final

from numpy import int64, uint64, void
from numpy.typing import NDArray

__all__ = [
    "Ack",
    "BalancerStablePool",
    "CoreError",
    "CryptoPool",
    "DepthFollower",
    "Engine",
    "Market",
    "MarketBuilder",
    "OrdersFollower",
    "Plan",
    "PlanLeg",
    "PoolQuote",
    "Publisher",
    "Recovery",
    "SolidlyPool",
    "StableSwapPool",
    "UnderlyingPool",
    "V2Pool",
    "V3Pool",
    "V4Pool",
    "WeightedPool",
    "__version__",
]

__version__: str

class CoreError(Exception):
    code: str
    message: str

@final
class PoolQuote:
    """What a swap would do.

    `amount_in` is what the pool takes (less than asked when it runs dry), `fee_amount` the part of
    it that is the fee. `steps` are those of a V3 swap: each reads one word of the tick bitmap, and
    ends at a tick that is crossed, at the edge of the word, or where the swap ends. `gas` is an
    estimate of this leg alone, made of its kind, the ticks crossed and the steps; what a plan costs
    besides its legs is the `base_gas` of `Market.solve`. EMPTY_POOL is raised instead of a quote
    that exchanges nothing.
    """

    amount_in: int
    amount_out: int
    fee_amount: int
    ticks_crossed: int
    steps: int
    gas: int
    next: (
        V2Pool
        | V3Pool
        | V4Pool
        | WeightedPool
        | BalancerStablePool
        | SolidlyPool
        | StableSwapPool
        | UnderlyingPool
        | CryptoPool
    )

@final
class V2Pool:
    """Uniswap V2 pair: x*y=k with the fee taken from the input; reserves fit in 112 bits.

    Dust may buy an output of 0, as the router's `getAmountsOut` says; the pair would revert.
    """

    def __new__(cls, reserve0: int, reserve1: int, fee_ppm: int = 3000) -> V2Pool: ...
    reserve0: int
    reserve1: int
    fee_ppm: int
    def quote_exact_in(self, zero_for_one: bool, amount_in: int) -> PoolQuote: ...
    def quote_exact_out(self, zero_for_one: bool, amount_out: int) -> PoolQuote: ...

@final
class V3Pool:
    """Uniswap V3 pool with every initialised tick as (index, liquidity_gross, liquidity_net)."""

    def __new__(
        cls,
        fee_ppm: int,
        tick_spacing: int,
        sqrt_price_x96: int,
        tick: int,
        liquidity: int,
        ticks: Sequence[tuple[int, int, int]],
    ) -> V3Pool: ...
    fee_ppm: int
    tick_spacing: int
    sqrt_price_x96: int
    tick: int
    liquidity: int
    @property
    def ticks(self) -> list[tuple[int, int, int]]: ...
    def quote_exact_in(
        self, zero_for_one: bool, amount_in: int, sqrt_price_limit_x96: int = 0
    ) -> PoolQuote:
        """Quote; limit 0 means none. A pool that runs dry takes less than `amount_in`."""
    def quote_exact_out(
        self, zero_for_one: bool, amount_out: int, sqrt_price_limit_x96: int = 0
    ) -> PoolQuote:
        """Quote; without a limit a pool that cannot deliver raises INSUFFICIENT_LIQUIDITY."""
    def with_swap(self, sqrt_price_x96: int, liquidity: int, tick: int) -> V3Pool:
        """Return the pool after a Swap event."""
    def with_liquidity_change(self, tick_lower: int, tick_upper: int, delta: int) -> V3Pool:
        """Return the pool after a Mint (positive) or Burn (negative) event."""

@final
class V4Pool:
    """Uniswap V4 pool without hooks; ticks as in `V3Pool`.

    `protocol_fee` is as stored: token0's part in the low 12 bits, token1's in the next 12. A
    dynamic fee is the one stored now. The native coin is a token like any other.
    """

    def __new__(
        cls,
        lp_fee_ppm: int,
        protocol_fee: int,
        tick_spacing: int,
        sqrt_price_x96: int,
        tick: int,
        liquidity: int,
        ticks: Sequence[tuple[int, int, int]],
    ) -> V4Pool: ...
    lp_fee_ppm: int
    protocol_fee: int
    tick_spacing: int
    sqrt_price_x96: int
    tick: int
    liquidity: int
    @property
    def ticks(self) -> list[tuple[int, int, int]]: ...
    def swap_fee_ppm(self, zero_for_one: bool) -> int:
        """Return the whole fee of one direction in parts per million of the input, rounded up."""
    def quote_exact_in(
        self, zero_for_one: bool, amount_in: int, sqrt_price_limit_x96: int = 0
    ) -> PoolQuote:
        """Quote; limit 0 means none. A pool that runs dry takes less than `amount_in`."""
    def quote_exact_out(
        self, zero_for_one: bool, amount_out: int, sqrt_price_limit_x96: int = 0
    ) -> PoolQuote:
        """Quote; without a limit a pool that cannot deliver raises INSUFFICIENT_LIQUIDITY."""
    def with_swap(self, sqrt_price_x96: int, liquidity: int, tick: int) -> V4Pool:
        """Return the pool after a Swap event."""
    def with_liquidity_change(self, tick_lower: int, tick_upper: int, delta: int) -> V4Pool:
        """Return the pool after a ModifyLiquidity event."""
    def with_fees(self, lp_fee_ppm: int, protocol_fee: int) -> V4Pool:
        """Return the pool with other fees."""

@final
class WeightedPool:
    """Balancer V2 weighted pool of 2 to 8 coins, numbered as in the vault.

    Weights, scaling factors and fee have 18 decimals. `version` is how the contract computes
    powers: 1 always by logarithms (first factories), 2 with products for the exponents 1, 2 and 4.
    A swap of more than 30 % of a balance is refused, as by the contract, unless `capped` is
    False.
    """

    def __new__(
        cls,
        balances: Sequence[int],
        weights: Sequence[int],
        scaling_factors: Sequence[int],
        swap_fee: int,
        version: int,
        *,
        capped: bool = True,
    ) -> WeightedPool: ...
    @staticmethod
    def scaling_factor(decimals: int) -> int:
        """Return the factor that turns a coin's base units into 18 decimals."""
    balances: list[int]
    weights: list[int]
    scaling_factors: list[int]
    swap_fee: int
    version: int
    def quote_exact_in(self, coin_in: int, coin_out: int, amount_in: int) -> PoolQuote: ...
    def quote_exact_out(self, coin_in: int, coin_out: int, amount_out: int) -> PoolQuote: ...

@final
class StableSwapPool:
    """Curve StableSwap pool of 2 to 8 coins, numbered as in the contract.

    A coin's rate is 18-decimal units per base unit, with 18 decimals more: 10^(36 - decimals) for
    a plain coin, times the exchange rate for a lending one, the base pool's virtual price for the
    second coin of a metapool. `amp` has `amp_precision` in it (1 in the first pools, else 100).
    Fees are 10^-10 of the output. `era`: "original" (the lending pools of early 2020), "classic",
    "ng" (the fee rises off the peg; also the two-coin pools of the older factories) or "plain" (the
    pools of universe files, whose fee is rounded up in base units). A base pool needs the `supply`
    of its shares. The pool takes `amount_in` and its fee leaves the output; `fee_amount` is what
    that is worth of the input.
    """

    def __new__(
        cls,
        balances: Sequence[int],
        rates: Sequence[int],
        amp: int,
        fee: int,
        *,
        amp_precision: int = 100,
        admin_fee: int = 0,
        offpeg_fee_multiplier: int = 0,
        era: str = "classic",
        supply: int = 0,
    ) -> StableSwapPool: ...
    @staticmethod
    def amp_at(initial: tuple[int, int], future: tuple[int, int], time: int) -> int:
        """Return the amplification at a time (seconds) of a ramp between two (value, time)."""
    balances: list[int]
    rates: list[int]
    amp: int
    amp_precision: int
    fee: int
    admin_fee: int
    offpeg_fee_multiplier: int
    era: str
    supply: int
    def lent(self, precisions: Sequence[int]) -> UnderlyingPool:
        """Return a lending pool numbered in underlying coins; 10^(18 - decimals) for each."""
    def over(self, base: StableSwapPool) -> UnderlyingPool:
        """Return a metapool numbered in underlying coins: its first coin, then those of `base`."""
    def invariant(self) -> int:
        """Return D, with 18 decimals."""
    def virtual_price(self) -> int:
        """Return what a share is worth, with 18 decimals."""
    def shares_without_fee(self, coin: int, amount: int) -> int:
        """Return the contract's `calc_token_amount` for a deposit of one coin."""
    def withdrawn(self, coin: int, shares: int) -> int:
        """Return the contract's `calc_withdraw_one_coin`."""
    def get_dy(self, coin_in: int, coin_out: int, amount_in: int) -> int:
        """Return what the contract's `get_dy` says; an early `exchange` may pay a unit more."""
    def quote_exact_in(self, coin_in: int, coin_out: int, amount_in: int) -> PoolQuote: ...
    def quote_exact_out(self, coin_in: int, coin_out: int, amount_out: int) -> PoolQuote:
        """Return the least input that delivers at least `amount_out`."""

@final
class UnderlyingPool:
    """Curve lending pool or metapool, its coins numbered as in `exchange_underlying`."""

    own: StableSwapPool
    base: StableSwapPool | None
    precisions: list[int] | None
    def get_dy(self, coin_in: int, coin_out: int, amount_in: int) -> int:
        """Return what a metapool's `get_dy_underlying` says, which estimates a deposit's fee."""
    def quote_exact_in(self, coin_in: int, coin_out: int, amount_in: int) -> PoolQuote: ...
    def quote_exact_out(self, coin_in: int, coin_out: int, amount_out: int) -> PoolQuote:
        """Return the least input that delivers at least `amount_out`."""

@final
class BalancerStablePool:
    """Balancer V2 stable pool of 2 to 5 coins; a composable pool's own share is left out.

    Scaling factors have 18 decimals and include the rates, the amplification has 3 decimals, the
    fee 18. `version` is how the contract rounds its invariant: 1 up (`StablePool` and
    `MetaStablePool`), 2 down (`ComposableStablePool`).
    """

    def __new__(
        cls,
        balances: Sequence[int],
        scaling_factors: Sequence[int],
        amp: int,
        swap_fee: int,
        version: int,
    ) -> BalancerStablePool: ...
    @staticmethod
    def scaling_factor(decimals: int) -> int:
        """Return the factor of a coin with a rate of one."""
    balances: list[int]
    scaling_factors: list[int]
    amp: int
    swap_fee: int
    version: int
    def invariant(self) -> int:
        """Return the invariant that a swap would keep, with 18 decimals."""
    def quote_exact_in(self, coin_in: int, coin_out: int, amount_in: int) -> PoolQuote: ...
    def quote_exact_out(self, coin_in: int, coin_out: int, amount_out: int) -> PoolQuote: ...

@final
class CryptoPool:
    """Curve tricrypto pool.

    Prices, gamma and `fee_gamma` have 18 decimals, fees are in parts of 10^10, `ann` is
    `A_precise()`, `precisions` are 10^(18 - decimals), `invariant` is the contract's `D`. `version`
    1 is tricrypto of May 2021, 2 is tricrypto2. After a swap the price scale is as before: the
    contract may move it, by its oracle and the time.
    """

    def __new__(
        cls,
        balances: Sequence[int],
        precisions: Sequence[int],
        price_scale: Sequence[int],
        invariant: int,
        ann: int,
        gamma: int,
        mid_fee: int,
        out_fee: int,
        fee_gamma: int,
        version: int,
    ) -> CryptoPool: ...
    balances: list[int]
    precisions: list[int]
    price_scale: list[int]
    invariant: int
    ann: int
    gamma: int
    mid_fee: int
    out_fee: int
    fee_gamma: int
    version: int
    def fee(self) -> int:
        """Return the fee as it is now, in parts of 10^10."""
    def get_dy(self, coin_in: int, coin_out: int, amount_in: int) -> int:
        """Return the contract's `get_dy`, which is what its exchange pays."""
    def quote_exact_in(self, coin_in: int, coin_out: int, amount_in: int) -> PoolQuote: ...
    def quote_exact_out(self, coin_in: int, coin_out: int, amount_out: int) -> PoolQuote:
        """Return the least input that delivers at least `amount_out`."""

@final
class SolidlyPool:
    """Aerodrome or Velodrome V2 pair, volatile or stable; the fee is in parts of 10,000.

    The fee leaves the pair. Dust may buy an output of 0, as the pair's `getAmountOut` says.
    """

    def __new__(
        cls,
        reserves: tuple[int, int],
        decimals: tuple[int, int],
        fee_bps: int,
        stable: bool,
    ) -> SolidlyPool: ...
    balances: list[int]
    decimals: tuple[int, int]
    fee_bps: int
    stable: bool
    def quote_exact_in(self, coin_in: int, coin_out: int, amount_in: int) -> PoolQuote: ...
    def quote_exact_out(self, coin_in: int, coin_out: int, amount_out: int) -> PoolQuote:
        """Quote the least input that delivers `amount_out`; it may pay more than that."""

@final
class Ack:
    """What one command did, summed up from its events.

    `order_id` is the order it is about, 0 when there is none. `reason` is a `Reason`: why it was
    refused, or why its order was taken away. `filled_lots` and `fills` are trades as a taker.
    Of an order by quote amount, `open_lots` and `removed_lots` are in tick-lots.
    """

    sequence: int
    order_id: int
    is_rejected: bool
    is_duplicate: bool  # The client id was used before; `order_id` is the first order's.
    reason: int
    filled_lots: int
    open_lots: int  # afterwards
    removed_lots: int  # taken away without trading
    fills: list[tuple[int, int, int]]  # (maker's order id, price in ticks, lots)
    @property
    def events(self) -> NDArray[void]:
        """All events of the command, of `EVENT_DTYPE`."""

@final
class Engine:
    """The matching engine: `docs/specs/matching.md` has the rules.

    Numbers in records are those of `router.vocabulary`, arrays of the types in `router.records`.
    One caller at a time: a second thread gets ENGINE_BUSY.
    """

    def __new__(
        cls,
        *,
        max_accounts: int | None = None,
        max_assets: int | None = None,
        max_instruments: int | None = None,
        max_orders: int | None = None,
        max_client_ids: int | None = None,
        max_account_orders: int | None = None,
        max_account_client_ids: int | None = None,
        client_window_ns: int | None = None,
    ) -> Engine:
        """Return an empty engine; the caps bound its memory, which is taken as it is needed."""
    def submit(self, commands: NDArray[void], out: NDArray[void]) -> tuple[int, int]:
        """Match a batch; return (commands consumed, events written). The GIL is released.

        When `out` is full, matching stops before the next command: call again with the rest.
        Events that did not fit wait and come first in the next call. A list (OCO, bracket) has to
        be whole within `commands`. BATCH_INVALID is raised for arrays that are not contiguous, of
        another type, read-only (`out`), empty (`out`), or that share memory; nothing has changed.
        Where a journal fails within the batch, no event counts as written: those of commands on the
        disk wait for `drain`, and `sequence` tells how many commands were taken.
        """
    def drain(self, out: NDArray[void]) -> int:
        """Write events that wait; return how many."""
    waiting: int  # events that wait for room
    sequence: int  # of the next command: the number of records so far
    def place(
        self,
        instrument: int,
        account: int,
        side: int,
        price: int,
        qty: int,
        *,
        order_type: int = 0,
        tif: int = 0,
        flags: int = 0,
        stp: int = 0,
        peg: int = 0,
        client_id: int = 0,
        session: int = 0,
        trigger: int = 0,
        display: int = 0,
        expire_s: int = 0,
    ) -> Ack:
        """Send one order. A refusal is in the answer; numbers beyond their fields raise."""
    def cancel(self, instrument: int, account: int, order_id: int) -> Ack: ...
    def amend(
        self,
        instrument: int,
        account: int,
        order_id: int,
        *,
        price: int = 0,
        qty: int = 0,
        requeue: bool = False,
    ) -> Ack:
        """Give an order another price or total quantity; 0 keeps what it has."""
    def add_instrument(
        self,
        instrument: int,
        *,
        base_asset: int = 0,
        quote_asset: int = 1,
        lot_units: int = 1,
        tick_units: int = 1,
        max_qty: int = 0,
        mode: int = 0,
    ) -> Ack:
        """Add the next instrument; it starts closed."""
    def set_phase(self, instrument: int, phase: int) -> Ack: ...
    def command(
        self,
        kind: int,
        *,
        side: int = 0,
        order_type: int = 0,
        tif: int = 0,
        flags: int = 0,
        stp: int = 0,
        list_role: int = 0,
        instrument: int = 0,
        account: int = 0,
        client_id: int = 0,
        order_id: int = 0,
        price: int = 0,
        qty: int = 0,
        trigger: int = 0,
        display: int = 0,
        expire_s: int = 0,
    ) -> Ack:
        """Send one command of any kind, by the fields of its record."""
    def best(self, instrument: int) -> tuple[int, int]:
        """Return best bid and best ask in ticks; 0 where a side is empty."""
    def levels(self, instrument: int, side: int, depth: int = 0) -> list[tuple[int, int]]:
        """Return (price, displayed lots) of the best levels; depth 0 is all."""
    def depth(
        self, instrument: int, side: int, depth: int = 0
    ) -> tuple[NDArray[int64], NDArray[uint64]]:
        """Return prices and displayed lots of the best levels; depth 0 is all."""
    def orders(self, instrument: int, side: int | None = None) -> NDArray[void]:
        """Return resting orders in priority order, bids then asks, of `ORDER_DTYPE`."""
    def order_ids(self, instrument: int, side: int) -> list[int]:
        """Return the ids of one side's resting orders in priority order."""
    def makers(
        self, instrument: int, side: int, price: int, lots: int
    ) -> list[tuple[int, int, int]]:
        """Return (order id, price, open lots) of the orders that a taker of `lots` would meet.

        Icebergs count with all their lots, at the place of what they show.
        """
    def state_hash(self) -> int: ...
    def memory_bytes(self) -> int: ...
    def save(self) -> bytes:
        """Return the whole state; events that wait are no part of it."""
    @staticmethod
    def load(image: bytes) -> Engine:
        """Return an engine with a saved state. IMAGE_INVALID is raised for any other bytes."""
    @staticmethod
    def open(
        path: str | PathLike[str],
        *,
        create: bool = True,
        timeout_s: float = 10.0,
        segment_bytes: int | None = None,
        snapshot_every: int | None = None,
        max_accounts: int | None = None,
        max_assets: int | None = None,
        max_instruments: int | None = None,
        max_orders: int | None = None,
        max_client_ids: int | None = None,
        max_account_orders: int | None = None,
        max_account_client_ids: int | None = None,
        client_window_ns: int | None = None,
    ) -> Engine:
        """Return an engine whose commands are kept in a directory: recovered, or new.

        Every call that sends commands returns when they are synced to the disk, or raises
        JOURNAL_DEADLINE after `timeout_s`: they may become durable still, and `sequence` and
        `durable_end` tell. A batch is synced in groups of as many commands as `out` has room for,
        16,384 at most; events of the last group may have to wait. The caps count for a new
        journal; a recovered engine has those of its state.

        Args:
            segment_bytes: size of a file of the journal, a multiple of 4,096; 64 MiB.
            snapshot_every: saves the state after so many files, 0 never; 4.
        """
    @staticmethod
    def verify(path: str | PathLike[str]) -> Recovery:
        """Read a journal as recovery would and change nothing."""
    recovery: Recovery | None  # None without a journal, as the next one
    durable_end: int | None  # the sequence number behind the last command on the disk
    def snapshot(self) -> int:
        """Save the state beside the journal; return the sequence number that it stands for."""
    def close(self) -> None:
        """Let the journal go; `drain` still has the events that wait."""
    @staticmethod
    def vocabulary() -> dict[str, dict[str, int]]:
        """Return every word of the records with its number, by the class in `vocabulary`."""

@final
class Recovery:
    """What recovery found in a journal, and what it did."""

    is_new: bool
    is_clean: bool  # The last writer closed the journal and nothing came after.
    snapshot_end: int  # the sequence number behind the snapshot that was used
    snapshots_refused: int  # newer snapshots that were damaged and passed over
    replayed: int  # commands on top of the snapshot
    sequence: int  # of the next command
    state_hash: int
    epoch: int  # number of writers so far
    torn_at: int | None  # where a group that was never finished, so never acknowledged, was cut
    is_mark_damaged: bool
    elapsed_us: int

@final
class PlanLeg:
    """One venue's part of a plan. A venue is used once, in one direction; legs are in an order in
    which every leg's input is there before it runs."""

    venue: int
    token_in: int
    token_out: int
    amount_in: int
    amount_out: int
    fee_amount: int  # V2, V3: input units. Ladder: output units.
    ticks_crossed: int
    gas: int
    # It swaps whatever of token_in is left at this point, apart from what later ladder legs need.
    # At most one leg per token does; none where a pool ran dry or only books take the token.
    takes_rest: bool
    marginal_price: float  # output per input base unit after the leg, fee included; for ranking
    lots: int  # ladders only, else 0
    limit_price_ticks: int  # ladders only: the worst level touched, else 0

@final
class Plan:
    """The answer of the solver, replayed exactly in integers.

    Exact-in: maximises amount_out; bounds are on the output. Exact-out: minimises amount_in; bounds
    are lower bounds on the input. `unspent_in` is input that no venue took.
    """

    amount_in: int
    amount_out: int
    unspent_in: int
    gas: int
    gas_cost: int  # in units of token_out (exact-in) or token_in (exact-out)
    net: int  # exact-in: amount_out - gas_cost (may be negative); exact-out: amount_in + gas_cost
    bound: int  # gross: no plan over these venues delivers more (exact-in) or costs less
    bound_net: int  # the same after gas
    gap_bps: float  # distance of the gross value from `bound`, 0..10,000
    gap_net_bps: float  # the same after gas
    best_single: int  # gross value of the best single path: amount_out or amount_in; 0 when none
    spot_price: float  # output per input base unit at zero size over the best path, fees included
    dust: list[tuple[int, int]]  # (token, units) left over at intermediate tokens by lot sizes
    stopped_early: bool  # time or work ran out before the search ended; the bounds hold
    legs: list[PlanLeg]

@final
class Market:
    """An immutable set of venues over `token_count` dense token ids; `MarketBuilder` makes it."""

    token_count: int
    venue_count: int
    def solve(
        self,
        token_in: int,
        token_out: int,
        amount: int,
        *,
        exact_out: bool = False,
        max_hops: int = 3,
        max_legs: int = 8,
        gas_price_wei: int = 0,
        native_token: int | None = None,
        base_gas: int = 0,
        deadline_micros: int | None = None,
        limit: tuple[int, int] | None = None,
    ) -> Plan:
        """Split one order; the GIL is released meanwhile.

        After `deadline_micros` the best plan so far is returned with bounds that hold and
        `stopped_early` set; the work of a solve is limited in any case.

        `limit` is (output, input) for an exact input: it is sold only while a further unit brings
        at least that ratio before gas, the rest is `unspent_in`, and bounds are those of what is
        sold. INSUFFICIENT_LIQUIDITY when nothing reaches the limit.

        Every leg lies on some route of at most `max_hops` venues; where routes cross, a unit may
        pass through more. A plan has at most `max_legs` legs.

        Ladders take part only on edges that deliver `token_out`: book legs are run last.
        `native_token` is the token in which gas is priced (1:1 with the coin); `base_gas` is the
        fixed gas of a plan with at least one on-chain leg. Both it and the legs' own estimates
        are those of pools and wallets in use: what is written for the first time costs more.
        """

    def quote_many(
        self,
        orders: Sequence[tuple[int, int, int]],
        *,
        exact_out: bool = False,
        max_hops: int = 3,
        max_legs: int = 8,
        gas_price_wei: int = 0,
        native_token: int | None = None,
        base_gas: int = 0,
        deadline_micros: int | None = None,
        threads: int | None = None,
    ) -> list[Plan | CoreError]:
        """Solve orders (token_in, token_out, amount) by themselves, none after the others.

        Runs without the GIL on `threads` threads, by default one per core. A refused order has its
        error in the list; nothing is raised for it. The deadline is that of the whole call.
        """

@final
class MarketBuilder:
    """Collects venues; each add returns the venue's index in plans."""

    def __new__(cls, token_count: int) -> MarketBuilder: ...
    def add_v2(self, token0: int, token1: int, pool: V2Pool) -> int: ...
    def add_v3(self, token0: int, token1: int, pool: V3Pool) -> int: ...
    def add_v4(self, token0: int, token1: int, pool: V4Pool) -> int: ...
    def add_multi(
        self,
        tokens: Sequence[int],
        pool: WeightedPool | BalancerStablePool | StableSwapPool | SolidlyPool | CryptoPool,
    ) -> int:
        """Add a pool of two or more coins; `tokens` are its coins in their order.

        A plan uses one pair of coins of such a pool, in one direction. Where the fee of a pool
        rises off the peg the bound counts the lowest fee. A stable Solidly pair and a tricrypto
        pool have no closed form: they are drawn through exact quotes, and bounds over them rest on
        their being even between them.
        """
    def add_ladder(
        self,
        base: int,
        quote: int,
        lot_units: int,
        tick_units: int,
        taker_fee_ppm: int,
        bids: Sequence[tuple[int, int]],
        asks: Sequence[tuple[int, int]],
        *,
        tick_divisor: int = 1,
    ) -> int:
        """Add a book: levels are (price_ticks, lots), best first. One lot is `lot_units` of base
        and costs price_ticks * tick_units / tick_divisor of quote; fractions are rounded once per
        order, against the taker. The taker's fee is taken from the whole output of the order,
        rounded up."""
    def set_leg_gas(self, venue: int, gas: int, gas_per_tick: int) -> None:
        """Reckon legs over a venue with this gas instead of the pool's own estimate."""
    def build(self) -> Market: ...

@final
class Publisher:
    """Makes the public feed from an engine's events: `docs/specs/market-data.md` has the format.

    Arrays of the feed are of `FEED_DTYPE` and read-only. FEED_OUT_OF_STEP is raised for events that
    do not continue those before, and from then on; also for an instrument that does not exist.
    """

    def __new__(cls, epoch: int = 1) -> Publisher:
        """Return the publisher of an engine that has not seen a command."""
    @staticmethod
    def load(image: bytes, epoch: int) -> Publisher:
        """Return the publisher of an engine with this state, as `Engine.save` gave it.

        `epoch` must be higher than that of any publisher whose records may still be held.
        """
    def publish(self, events: NDArray[void]) -> tuple[NDArray[void], NDArray[void]]:
        """Publish all events of one or more commands as a batch; return (depth, orders).

        A command is never cut in two: where `Engine.submit` leaves events waiting, join them first.
        """
    def watch_orders(self, instrument: int, watched: bool) -> None:
        """Turn the order channel on or off; on leaves a gap in its sequence."""
    def depth_snapshot(self, instrument: int) -> NDArray[void]:
        """Return all levels as of the last batch, for `DepthFollower.load`."""
    def orders_snapshot(self, instrument: int) -> NDArray[void]:
        """Return all displayed orders as of the last batch, for `OrdersFollower.load`."""
    def indicative(self, instrument: int) -> NDArray[void]:
        """Return one record: where displayed lots would uncross now."""

@final
class DepthFollower:
    """Builds the levels of an instrument from the depth channel, or says that it cannot.

    `bound` caps the records of one batch and those kept while a snapshot is awaited.
    """

    def __new__(cls, instrument: int, *, bound: int = 65536) -> DepthFollower: ...
    def apply(self, records: NDArray[void]) -> str | None:
        """Take records in order. Where a snapshot is needed, return why and have no book: gap,
        epoch, checksum, mismatch, too_long. Records of other instruments and channels are left."""
    def load(self, snapshot: NDArray[void]) -> str | None:
        """Take a snapshot, then the records that came since; return why another is needed."""
    def levels(self, side: int, depth: int = 0) -> list[tuple[int, int, int]] | None:
        """Return (price, displayed lots, orders) best first, as of the last whole batch.

        None while a snapshot is needed. `depth` 0 is all.
        """
    position: tuple[int, int]  # epoch and sequence of the last record taken

@final
class OrdersFollower:
    """Builds the queues of an instrument from the order channel, as `DepthFollower` the levels."""

    def __new__(cls, instrument: int, *, bound: int = 65536) -> OrdersFollower: ...
    def apply(self, records: NDArray[void]) -> str | None: ...
    def load(self, snapshot: NDArray[void]) -> str | None: ...
    def orders(self, side: int) -> list[tuple[int, int, int]] | None:
        """Return (price, order id, displayed lots) in priority order, or None."""
    position: tuple[int, int]
