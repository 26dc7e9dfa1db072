"""The Rust book does what a naive book in Python does, command by command."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from router.core import Book, CoreError, Placement

SIDES = ("buy", "sell")
KINDS = ("limit", "market", "ioc", "fok", "post_only")


@dataclass
class Resting:
    order_id: int
    side: str
    price: int
    lots: int


@dataclass
class NaiveBook:
    """One list in order of arrival; sorting it by price (stably) is all the priority there is."""

    resting: list[Resting] = field(default_factory=list)

    def makers(self, side: str) -> list[Resting]:
        sign = 1 if side == "sell" else -1
        return sorted((r for r in self.resting if r.side == side), key=lambda r: sign * r.price)

    def place(self, order_id: int, side: str, kind: str, price: int, lots: int) -> str:
        """Match and rest; return status and fills as text, or why the order is no order."""
        if lots == 0 or (price == 0 and kind != "market"):
            return "ORDER_INVALID"
        if any(r.order_id == order_id for r in self.resting):
            return "ORDER_INVALID"
        makers = [
            maker
            for maker in self.makers("sell" if side == "buy" else "buy")
            if kind == "market" or (maker.price <= price if side == "buy" else maker.price >= price)
        ]
        if kind == "post_only" and makers:
            return "rejected WOULD_CROSS"
        if kind == "fok" and sum(maker.lots for maker in makers) < lots:
            return "rejected NOT_FILLABLE"
        left = lots
        trades = []
        for maker in makers:
            traded = min(left, maker.lots)
            if traded:
                maker.lots -= traded
                left -= traded
                trades.append((maker.order_id, maker.price, traded, maker.lots))
        self.resting = [r for r in self.resting if r.lots]
        rests = left if kind in ("limit", "post_only") else 0
        if rests:
            self.resting.append(Resting(order_id, side, price, rests))
        return f"{lots - left} {rests} {left - rests} {trades}"

    def cancel(self, order_id: int) -> int:
        canceled = sum(r.lots for r in self.resting if r.order_id == order_id)
        self.resting = [r for r in self.resting if r.order_id != order_id]
        return canceled

    def orders(self) -> list[tuple[int, str, int, int]]:
        return [(r.order_id, r.side, r.price, r.lots) for side in SIDES for r in self.makers(side)]


def told(placement: Placement) -> str:
    if placement.status == "rejected":
        return f"rejected {placement.reason}"
    trades = [
        (fill.maker_order_id, fill.price_ticks, fill.lots, fill.maker_remaining_lots)
        for fill in placement.fills
    ]
    return f"{placement.filled_lots} {placement.resting_lots} {placement.canceled_lots} {trades}"


def place(book: Book, command: tuple[int, str, str, int, int]) -> str:
    try:
        return told(book.place(*command))
    except CoreError as refused:
        return refused.code


placements = st.tuples(
    st.integers(0, 40),
    st.sampled_from(SIDES),
    st.sampled_from(KINDS),
    st.integers(0, 12),
    st.integers(0, 15),
)
commands = st.lists(st.one_of(placements, st.integers(0, 40)), max_size=80)


@given(commands)
def test_every_command_has_the_outcome_of_the_naive_book(
    script: list[tuple[int, str, str, int, int] | int],
) -> None:
    book, naive = Book(), NaiveBook()
    for command in script:
        if isinstance(command, int):
            assert book.cancel(command) == naive.cancel(command)
        else:
            assert place(book, command) == naive.place(*command)
        assert book.orders() == naive.orders()


@given(commands, placements)
def test_a_preview_says_what_the_placement_does(
    script: list[tuple[int, str, str, int, int] | int],
    last: tuple[int, str, str, int, int],
) -> None:
    book = Book()
    for command in script:
        if isinstance(command, int):
            book.cancel(command)
        else:
            place(book, command)
    before = (book.orders(), book.sequence)
    try:
        preview = told(book.preview(*last[1:]))
    except CoreError as refused:
        preview = refused.code
    assert (book.orders(), book.sequence) == before
    fresh_id = 1_000
    assert place(book, (fresh_id, *last[1:])) == preview
