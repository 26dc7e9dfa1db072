"""Laws of our own book: a random market against a naive twin that sorts a list for every order."""

import asyncio
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from router.domain.assets import Asset
from router.domain.errors import RouterError
from router.domain.ledger import FEE_REVENUE, Entry, Journal, JournalKind, wallet_account
from router.domain.market import Instrument
from router.domain.orders import BookOrderStatus, Side
from router.domain.taking import TakerFill, TakerOrder
from router.execution.own_book import LimitOrder, OwnBook
from router.ledger import place_hold, post, verify
from router.storage import open_database

BASE = Asset(symbol="WETH", decimals=18, chain_id=31337, address="0x" + "1" * 40)
QUOTE = Asset(symbol="USDC", decimals=6, chain_id=31337, address="0x" + "2" * 40)
OTHER = Asset(symbol="DAI", decimals=18, chain_id=31337, address="0x" + "3" * 40)
PAIRS = {
    "WETH/USDC": Instrument(
        symbol="WETH/USDC", base=BASE, quote=QUOTE, lot_units=1_000_003, tick_units=7,
        taker_fee_ppm=1_111, maker_fee_ppm=333,
    ),
    "DAI/USDC": Instrument(
        symbol="DAI/USDC", base=OTHER, quote=QUOTE, lot_units=10, tick_units=1,
        taker_fee_ppm=0,
    ),
}  # fmt: skip
USERS = ["user/ann", "user/bob", "user/cyd"]
FUNDS = {"WETH": 60_000_000, "USDC": 3_000, "DAI": 500}

users = st.sampled_from(USERS)
pairs = st.sampled_from(["WETH/USDC", "WETH/USDC", "DAI/USDC"])
sides = st.sampled_from(list(Side))
prices = st.integers(9, 12)
lots_asked = st.one_of(st.integers(1, 9), st.just(30))
kinds = st.sampled_from(
    ["limit", "limit", "limit", "post_only", "from_balance", "from_hold", "from_small_hold"]
)


class StoppedClock:
    def now_ms(self) -> int:
        return 1_000

    async def sleep_s(self, _seconds: float) -> None:
        raise AssertionError("the book never sleeps")


@dataclass
class TwinOrder:
    number: int
    client_id: str
    account: str
    pair: str
    side: Side
    price: int
    left: int


class OwnBookMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = open_database("sqlite://")
        self.venue = OwnBook(self.database, PAIRS.values(), StoppedClock())
        self.open: list[TwinOrder] = []
        self.money: dict[tuple[str, str], int] = {}
        self.hold_left: dict[str, int] = {}
        self.takes: list[tuple[TakerOrder, str, TakerFill]] = []
        self.limits: list[tuple[LimitOrder, TakerFill]] = []
        self.names = 0

    @initialize()
    def fund(self) -> None:
        wallet = wallet_account("0x01")
        for user in USERS:
            for asset, units in FUNDS.items():
                journal = Journal(
                    key=f"{user}{asset}",
                    kind=JournalKind.DEPOSIT,
                    entries=(
                        Entry(account=wallet, asset=asset, units=units),
                        Entry(account=user, asset=asset, units=-units),
                    ),
                )
                self.run(self.database.write(lambda uow, j=journal: post(uow.ledger, j, 1)))
                self.money[user, asset] = units

    def teardown(self) -> None:
        audit = self.run(self.database.read(lambda uow: verify(uow.ledger)))
        assert audit.is_sound, audit.problems
        self.run(self.database.close())
        self.runner.close()

    # -- the twin ---------------------------------------------------------------------------

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def attempt(self, expected: str | None, work: Any) -> Any:
        caught: str | None = None
        result = None
        try:
            result = self.run(work)
        except RouterError as error:
            caught = error.code
        assert caught == expected, result
        return result

    def name(self) -> str:
        self.names += 1
        return f"c{self.names}"

    def needs(self, order: TwinOrder) -> tuple[str, int]:
        pair = PAIRS[order.pair]
        if order.side is Side.BUY:
            return pair.quote.symbol, order.left * order.price * pair.tick_units
        return pair.base.symbol, order.left * pair.lot_units

    def held(self, account: str, asset: str) -> int:
        needs = [self.needs(order) for order in self.open if order.account == account]
        own = sum(units for symbol, units in needs if symbol == asset)
        return own + sum(
            left for hold_id, left in self.hold_left.items() if hold_id.endswith(account + asset)
        )

    def available(self, account: str, asset: str) -> int:
        return self.money[account, asset] - self.held(account, asset)

    def in_front(self, pair: str, side: Side, limit: int) -> list[TwinOrder]:
        """The resting orders that a taker meets, best price first, then the oldest."""
        sign = 1 if side is Side.BUY else -1
        facing = [
            order
            for order in self.open
            if order.pair == pair and order.side is not side and sign * order.price <= sign * limit
        ]
        return sorted(facing, key=lambda order: (sign * order.price, order.number))

    def matches(
        self, account: str, pair: str, side: Side, limit: int, lots: int
    ) -> tuple[list[tuple[TwinOrder, int]], int, bool]:
        found = []
        for maker in self.in_front(pair, side, limit):
            if lots == 0:
                break
            if maker.account == account:
                return found, lots, True
            found.append((maker, min(lots, maker.left)))
            lots -= found[-1][1]
        return found, lots, False

    def paid(self, pair: str, side: Side, matches: list[tuple[TwinOrder, int]]) -> int:
        pays = PAIRS[pair]
        if side is Side.SELL:
            return sum(lots for _, lots in matches) * pays.lot_units
        return sum(lots * maker.price * pays.tick_units for maker, lots in matches)

    def give(self, account: str, asset: str, units: int) -> None:
        self.money[account, asset] = self.money.get((account, asset), 0) + units

    def trade(
        self, account: str, pair: str, side: Side, matches: list[tuple[TwinOrder, int]]
    ) -> TakerFill:
        """Move the money of each match by itself: nothing is aggregated but the taker's fee."""
        terms = PAIRS[pair]
        gross = {Side.BUY: 0, Side.SELL: 0}
        received_asset = terms.base.symbol if side is Side.BUY else terms.quote.symbol
        for maker, lots in matches:
            base, quote = lots * terms.lot_units, lots * maker.price * terms.tick_units
            buyer, seller = (
                (account, maker.account) if side is Side.BUY else (maker.account, account)
            )
            self.give(buyer, terms.quote.symbol, -quote)
            self.give(buyer, terms.base.symbol, base)
            self.give(seller, terms.base.symbol, -base)
            self.give(seller, terms.quote.symbol, quote)
            maker_gets = quote if side is Side.BUY else base
            maker_asset = terms.quote.symbol if side is Side.BUY else terms.base.symbol
            maker_fee = (maker_gets * terms.maker_fee_ppm + 999_999) // 1_000_000
            self.give(maker.account, maker_asset, -maker_fee)
            self.give(FEE_REVENUE, maker_asset, maker_fee)
            gross[Side.BUY] += base
            gross[Side.SELL] += quote
            maker.left -= lots
        self.open = [order for order in self.open if order.left]
        fee = (gross[side] * terms.taker_fee_ppm + 999_999) // 1_000_000
        self.give(account, received_asset, -fee)
        self.give(FEE_REVENUE, received_asset, fee)
        return TakerFill(
            filled_lots=sum(lots for _, lots in matches),
            paid_units=gross[side.opposite],
            received_units=gross[side] - fee,
            fee_units=fee,
        )

    # -- orders -----------------------------------------------------------------------------

    @rule(orders=st.lists(st.tuples(users, pairs, sides, prices, lots_asked, kinds), max_size=8))
    def trade_for_a_while(self, orders: list[tuple[str, str, Side, int, int, str]]) -> None:
        for user, pair, side, price, lots, kind in orders:
            if kind in {"limit", "post_only"}:
                self.place_limit(user, pair, side, price, lots, kind == "post_only")
            else:
                self.take(user, pair, side, price, lots, kind)

    def place_limit(
        self, user: str, pair: str, side: Side, price: int, lots: int, post_only: bool
    ) -> None:
        order = LimitOrder(
            client_order_id=self.name(), account=user, instrument=pair, side=side,
            price_ticks=price, lots=lots, post_only=post_only,
        )  # fmt: skip
        twin = TwinOrder(self.names, order.client_order_id, user, pair, side, price, lots)
        asset, worst = self.needs(twin)
        matches, left, met_itself = self.matches(user, pair, side, price, lots)
        expected = None
        if post_only and self.in_front(pair, side, price):
            expected = "ORDER_REJECTED"
        elif self.available(user, asset) < worst:
            expected = "INSUFFICIENT_BALANCE"
        result = self.attempt(expected, self.venue.place_limit(order))
        if expected:
            return
        assert result.fill == self.trade(user, pair, side, matches)
        twin.left = left
        assert result.order.remaining_lots == left
        if left and not met_itself:
            assert result.order.status is BookOrderStatus.OPEN
            self.open.append(twin)
        else:
            done = BookOrderStatus.CANCELED if met_itself else BookOrderStatus.FILLED
            assert result.order.status is done
        self.limits.append((order, result.fill))

    def take(self, user: str, pair: str, side: Side, price: int, lots: int, kind: str) -> None:
        order = TakerOrder(
            client_order_id=self.name(), account=user, instrument=pair, side=side,
            lots=lots, limit_price_ticks=price,
        )  # fmt: skip
        matches, _, _ = self.matches(user, pair, side, price, lots)
        paid = self.paid(pair, side, matches)
        asset = (PAIRS[pair].quote if side is Side.BUY else PAIRS[pair].base).symbol
        hold_id = ""
        budget_units = self.available(user, asset)
        if kind != "from_balance" and budget_units:
            hold_id = f"{order.client_order_id}{user}{asset}"
            budget_units = min(budget_units, max(1, paid + (3 if kind == "from_hold" else -1)))
            self.run(
                self.database.write(
                    lambda uow: place_hold(uow.ledger, hold_id, user, asset, budget_units, "r")
                )
            )
            self.hold_left[hold_id] = budget_units
        expected = "INSUFFICIENT_BALANCE" if paid > budget_units else None
        fill = self.attempt(expected, self.venue.place(order, hold_id=hold_id, reference="r"))
        if expected:
            assert self.run(self.venue.lookup(order.client_order_id)) is None
            return
        assert fill == self.trade(user, pair, side, matches)
        if hold_id:
            self.hold_left[hold_id] -= paid
        self.takes.append((order, hold_id, fill))

    @precondition(lambda self: self.open)
    @rule(choice=st.integers(0, 1_000))
    def cancel(self, choice: int) -> None:
        order = self.open.pop(choice % len(self.open))
        for _ in range(2):
            canceled = self.run(self.venue.cancel(order.account, order.client_id))
            assert canceled.status is BookOrderStatus.CANCELED
            assert canceled.remaining_lots == order.left

    @precondition(lambda self: self.takes)
    @rule(choice=st.integers(0, 1_000), changed=st.booleans())
    def take_again(self, choice: int, changed: bool) -> None:
        order, hold_id, fill = self.takes[choice % len(self.takes)]
        if changed:
            hold_id += "x"
        again = self.attempt(
            "IDEMPOTENCY_CONFLICT" if changed else None,
            self.venue.place(order, hold_id=hold_id, reference="other"),
        )
        assert changed or again == fill
        assert self.run(self.venue.lookup(order.client_order_id)) == fill

    @precondition(lambda self: self.limits)
    @rule(choice=st.integers(0, 1_000))
    def place_limit_again(self, choice: int) -> None:
        order, fill = self.limits[choice % len(self.limits)]
        assert self.run(self.venue.place_limit(order)).fill == fill

    @rule()
    def restart(self) -> None:
        """Whatever was in memory is gone; storage gives the same book."""
        before = self.run(self.venue.open_orders())
        self.venue = OwnBook(self.database, PAIRS.values(), StoppedClock())
        assert self.run(self.venue.open_orders()) == before

    # -- invariants -------------------------------------------------------------------------

    @invariant()
    def the_book_is_the_twins_in_the_same_priority(self) -> None:
        for pair in PAIRS:
            found = [
                (o.client_order_id, o.remaining_lots, o.price_ticks)
                for o in self.run(self.venue.open_orders(instrument=pair))
            ]
            mine = [o for o in self.open if o.pair == pair]
            bids = [o for o in mine if o.side is Side.BUY]
            asks = [o for o in mine if o.side is Side.SELL]
            bids.sort(key=lambda o: (-o.price, o.number))
            asks.sort(key=lambda o: (o.price, o.number))
            assert found == [(o.client_id, o.left, o.price) for o in [*bids, *asks]]
            self.check_ladder(pair)

    def check_ladder(self, pair: str) -> None:
        ladder = self.run(self.venue.ladder(pair, 0))
        for side, levels in ((Side.BUY, ladder.bids), (Side.SELL, ladder.asks)):
            depth: dict[int, int] = {}
            for order in self.open:
                if order.pair == pair and order.side is side:
                    depth[order.price] = depth.get(order.price, 0) + order.left
            best_first = sorted(depth.items(), reverse=side is Side.BUY)
            assert [(level.price_ticks, level.lots) for level in levels] == best_first
        assert not (ladder.bids and ladder.asks) or (
            ladder.bids[0].price_ticks < ladder.asks[0].price_ticks
        )

    @invariant()
    def money_is_the_twins_to_the_unit_and_holds_are_what_orders_need(self) -> None:
        balances = self.run(self.database.read(lambda uow: uow.ledger.balances("")))
        found = {(b.account, b.asset): (b.total, b.held) for b in balances}
        for (account, asset), units in self.money.items():
            held = self.held(account, asset) if account in USERS else 0
            assert found.get((account, asset), (0, 0)) == (units, held), (account, asset)
        for asset, units in FUNDS.items():
            shares = [u for (_, symbol), u in self.money.items() if symbol == asset]
            assert not shares or sum(shares) == units * len(USERS), "value is conserved"

    @invariant()
    def balances_are_the_needs_of_all_open_orders(self) -> None:
        needs: dict[str, int] = {}
        for order in self.open:
            asset, units = self.needs(order)
            needs[asset] = needs.get(asset, 0) + units
        assert self.run(self.venue.balances()) == needs

    @invariant()
    def every_open_order_has_one_pending_hold_and_no_other_has(self) -> None:
        holds = self.run(self.database.read(lambda uow: uow.ledger.holds("user")))
        pending = sorted(hold.hold_id for hold in holds if hold.hold_id not in self.hold_left)
        assert pending == sorted(order.hold_id for order in self.run(self.venue.open_orders()))


OwnBookMachine.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestOwnBookLaws = OwnBookMachine.TestCase
