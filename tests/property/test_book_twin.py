"""The matching engine does with plain orders what a naive book in Python does, step by step.

All other orders and rules are compared with a second engine in Rust; this one shares no language,
no record and no line with either.
"""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from router.core import Ack, Engine
from router.vocabulary import BookSide, OrderFlag, OrderType, Phase, Reason, StpMode, Tif

SIDES = ("buy", "sell")
KINDS = ("limit", "market", "ioc", "fok", "post_only")
ACCOUNTS = 3
NUMBERS = {"buy": BookSide.BUY, "sell": BookSide.SELL}


@dataclass
class Resting:
    order_id: int
    account: int
    side: str
    price: int
    lots: int


@dataclass
class NaiveBook:
    """One list in order of arrival; sorting it by price (stably) is all the priority there is."""

    resting: list[Resting] = field(default_factory=list)
    last_id: int = 0

    def makers(self, side: str) -> list[Resting]:
        sign = 1 if side == "sell" else -1
        return sorted((r for r in self.resting if r.side == side), key=lambda r: sign * r.price)

    def place(self, account: int, side: str, kind: str, price: int, lots: int) -> str:
        """Match and rest; return what happened as text, or why the order is refused.

        A taker stops in front of an order of its own account, and what is left of it goes.
        """
        if lots == 0:
            return "INVALID_QUANTITY"
        if price == 0 and kind != "market":
            return "INVALID_PRICE"
        makers = [
            maker
            for maker in self.makers("sell" if side == "buy" else "buy")
            if kind == "market" or (maker.price <= price if side == "buy" else maker.price >= price)
        ]
        if kind == "post_only" and makers:
            return "WOULD_CROSS"
        own = next((n for n, m in enumerate(makers) if m.account == account), len(makers))
        in_front = makers[:own]
        if kind == "fok" and self.fillable(makers, own) < lots:
            return "NOT_FILLABLE"
        self.last_id += 1
        left = lots
        trades = []
        for maker in in_front:
            traded = min(left, maker.lots)
            if traded:
                maker.lots -= traded
                left -= traded
                trades.append((maker.order_id, maker.price, traded))
        met_itself = left > 0 and own < len(makers)
        self.resting = [r for r in self.resting if r.lots]
        rests = left if kind in ("limit", "post_only") and not met_itself else 0
        if rests:
            self.resting.append(Resting(self.last_id, account, side, price, rests))
        return f"{self.last_id}: {lots - left} {rests} {left - rests} {trades}"

    @staticmethod
    def fillable(makers: list[Resting], own: int) -> int:
        return sum(maker.lots for maker in makers[:own])

    def cancel(self, account: int, order_id: int) -> str:
        if not 0 < order_id <= self.last_id:
            return "UNKNOWN_ORDER"
        for order in self.resting:
            if order.order_id == order_id:
                if order.account != account:
                    return "NOT_OWNER"
                self.resting.remove(order)
                return str(order.lots)
        return "ORDER_CLOSED"

    def orders(self) -> list[tuple[int, int, int, int]]:
        return [
            (r.order_id, r.account, r.price, r.lots) for side in SIDES for r in self.makers(side)
        ]


def opened() -> Engine:
    engine = Engine(max_accounts=ACCOUNTS)
    engine.add_instrument(0)
    engine.set_phase(0, Phase.CONTINUOUS)
    return engine


def place(engine: Engine, account: int, side: str, kind: str, price: int, lots: int) -> str:
    is_market = kind == "market"
    ack = engine.place(
        0,
        account,
        NUMBERS[side],
        0 if is_market else price,
        lots,
        order_type=OrderType.MARKET if is_market else OrderType.LIMIT,
        tif={"market": Tif.IOC, "ioc": Tif.IOC, "fok": Tif.FOK}.get(kind, Tif.GTC),
        flags=OrderFlag.POST_ONLY if kind == "post_only" else 0,
        stp=StpMode.EXPIRE_TAKER,
    )
    return told(ack)


def told(ack: Ack) -> str:
    if ack.is_rejected:
        return Reason(ack.reason).name
    return f"{ack.order_id}: {ack.filled_lots} {ack.open_lots} {ack.removed_lots} {ack.fills}"


def cancel(engine: Engine, account: int, order_id: int) -> str:
    ack = engine.cancel(0, account, order_id)
    return Reason(ack.reason).name if ack.is_rejected else str(ack.removed_lots)


def orders(engine: Engine) -> list[tuple[int, int, int, int]]:
    book = engine.orders(0)
    columns = (book[name].tolist() for name in ("order_id", "account", "price", "open"))
    return list(zip(*columns, strict=True))


accounts = st.integers(0, ACCOUNTS - 1)
placements = st.tuples(
    accounts,
    st.sampled_from(SIDES),
    st.sampled_from(KINDS),
    st.integers(0, 12),
    st.integers(0, 15),
)
cancels = st.tuples(accounts, st.integers(0, 40))
scripts = st.lists(st.one_of(placements, cancels), max_size=80)


@given(scripts)
def test_every_command_has_the_outcome_of_the_naive_book(
    script: list[tuple[int, str, str, int, int] | tuple[int, int]],
) -> None:
    engine, naive = opened(), NaiveBook()
    for command in script:
        if len(command) == 2:
            assert cancel(engine, *command) == naive.cancel(*command)
        else:
            assert place(engine, *command) == naive.place(*command)
        assert orders(engine) == naive.orders()


@given(scripts, placements)
def test_the_makers_are_whom_a_taker_then_meets(
    script: list[tuple[int, str, str, int, int] | tuple[int, int]],
    last: tuple[int, str, str, int, int],
) -> None:
    engine = opened()
    for command in script:
        if len(command) == 2:
            cancel(engine, *command)
        else:
            place(engine, *command)
    _, side, _, price, lots = last
    before = engine.state_hash()
    met = engine.makers(0, NUMBERS[side], price, lots)
    assert engine.state_hash() == before
    ack = engine.place(0, 0, NUMBERS[side], price, lots, tif=Tif.IOC)
    left, expected = lots, []
    for order_id, maker_price, open_lots in met if price and lots else []:
        expected.append((order_id, maker_price, min(left, open_lots)))
        left -= expected[-1][2]
    assert ack.fills == expected
