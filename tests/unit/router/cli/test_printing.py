"""What is printed for people: exact, complete, and never obeyed as markup."""

import json
from dataclasses import dataclass, replace

import pytest
from rich.text import Text

from router.cli.accounts import balances_table, journals_table, short_account
from router.cli.book_view import ladder_table, resting_table
from router.cli.explain import in_one_line, print_explanation
from router.cli.operations import print_report
from router.cli.order_view import OrderProgress, orders_table, print_order
from router.cli.output import console, plain, print_json, print_table, signed, table
from router.domain.amounts import Amount
from router.domain.assets import AssetRegistry
from router.domain.custody import Break, BreakClass, Marks, ReconcileReport
from router.domain.ledger import Balance, Entry, Journal, JournalKind, PostedJournal
from router.domain.market import Instrument, Ladder, LadderLevel, Protocol
from router.domain.orders import (
    BookOrder,
    BookOrderStatus,
    OrderState,
    OrderStatus,
    Side,
    SwapMode,
    SwapOrder,
)
from router.execution.events import OrderEvent, OrderEventKind
from tests.unit.router.cli.cli_quotes import USDC, WBTC, WETH, leg, quote

TRAP = "[bold red]x[/] :warning: \x1b[31m"
SHOWN = "[bold red]x[/] :warning: "
ASSETS = AssetRegistry((WETH, replace(USDC, address="0x" + "2" * 40)))
PAIR = Instrument(
    symbol="WETH/USDC", base=WETH, quote=USDC, lot_units=10**14, tick_units=1, taker_fee_ppm=500
)
ORDER = SwapOrder(
    order_id="o1",
    client_order_id="c1",
    account="alice",
    mode=SwapMode.EXACT_IN,
    asset_in=WETH,
    asset_out=USDC,
    amount_units=10**18 + 1,
    limit_units=3_400 * 10**6,
    deadline_s=1,
    created_ms=1,
)
STATE = OrderState(order=ORDER, status=OrderStatus.SETTLED, hold_id="h")


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_texts_from_outside_are_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    balance = Balance(account=f"user/{TRAP}", asset="WETH", total=1, held=0)
    out = console()
    out.print(balances_table({TRAP: [balance]}, ASSETS))
    out.print(orders_table([replace(STATE, order=replace(ORDER, account=TRAP))]))
    print_order(out, replace(STATE, reason=TRAP))
    trap = leg(WETH, USDC, 10**18, 1, Protocol.BOOK, TRAP)
    print_explanation(out, replace(quote(Amount(1, WETH), Amount(1, USDC), trap), issues=(TRAP,)))
    progress = OrderProgress(out)
    progress.on_event(
        OrderEvent(order_id="o", kind=OrderEventKind.WAITING, at_ms=1, facts={"reason": TRAP})
    )
    entries = (
        Entry(account=TRAP, asset="WETH", units=1),
        Entry(account="y", asset="WETH", units=-1),
    )
    journal = Journal(key="k", kind=JournalKind.SWAP, entries=entries)
    posted = PostedJournal(sequence=1, journal=journal, posted_ms=1, chain_hash="")
    out.print(journals_table([posted], ASSETS))
    printed = capsys.readouterr().out
    assert printed.count(SHOWN) == 8, printed
    assert "\x1b" not in printed


def test_a_break_is_told_with_both_sides_and_the_freeze(capsys: pytest.CaptureFixture[str]) -> None:
    found = Break(
        break_class=BreakClass.UNKNOWN_OUTFLOW,
        chain_id=1,
        address="0xabc",
        asset="WETH",
        chain_units=1,
        ledger_units=3,
        block_number=7,
        detail=TRAP,
        freezes=True,
    )
    print_report(
        ReconcileReport(block_number=7, block_hash="0x", checked=2, breaks=(found,), frozen=True)
    )
    lines = capsys.readouterr().out.splitlines()
    assert any("unknown_outflow" in line and "-2" in line and SHOWN in line for line in lines)
    assert lines[-2].startswith("the signer is frozen; ")
    assert lines[-1] == "reconcile: 1 breaks (2 balances compared at block 7)"


def test_the_limit_of_an_exact_output_is_the_most_that_is_paid() -> None:
    bought = quote(
        Amount(65_000 * 10**6, USDC),
        Amount(10**8, WBTC),
        leg(USDC, WBTC, 65_000 * 10**6, 10**8, Protocol.UNISWAP_V3),
        mode=SwapMode.EXACT_OUT,
        limit=65_325 * 10**6,
    )
    line = in_one_line(bought)
    assert line == "65000 USDC -> 1 WBTC (at most 65325 USDC; 1 leg, gap 0.0001 bp)"
    sold = quote(Amount(10**18, WETH), Amount(3_500 * 10**6, USDC), *[
        leg(WETH, USDC, 1, 1, Protocol.BOOK), leg(WETH, USDC, 1, 1, Protocol.UNISWAP_V2)
    ])  # fmt: skip
    assert "(at least 3500 USDC; 2 legs, " in in_one_line(sold)


def test_an_exhausted_venue_has_no_price_for_the_next_unit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    used_up = replace(leg(WETH, USDC, 10**18, 1, Protocol.BOOK), marginal_price=0.0)
    print_explanation(console(), quote(Amount(10**18, WETH), Amount(1, USDC), used_up))
    assert "0 USDC/WETH" not in capsys.readouterr().out


def test_an_order_that_is_not_final_says_how_it_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    print_order(console(), replace(STATE, status=OrderStatus.EXECUTING))
    assert "the next command that writes goes on with it" in capsys.readouterr().out
    print_order(console(), STATE)
    assert capsys.readouterr().out.count("\n") == 1


def test_an_event_without_facts_leaves_no_empty_words(capsys: pytest.CaptureFixture[str]) -> None:
    facts = {"status": "settled", "reason": ""}
    progress = OrderProgress(console())
    progress.on_event(OrderEvent(order_id="o", kind=OrderEventKind.FINISHED, at_ms=1, facts=facts))
    assert capsys.readouterr().out == "    finished  status settled\n"


def test_every_order_that_was_asked_for_is_shown() -> None:
    assert orders_table([STATE] * 1000).row_count == 1000


def test_the_book_shows_prices_and_sizes_and_not_ticks_and_lots(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ladder = Ladder(
        venue_id="book:own",
        instrument=PAIR,
        sequence=1,
        bids=(LadderLevel(price_ticks=349_900, lots=1), LadderLevel(price_ticks=349_800, lots=2)),
        asks=(LadderLevel(price_ticks=350_100, lots=3), LadderLevel(price_ticks=350_200, lots=4)),
    )
    console().print(ladder_table(ladder))
    rows = [line.split("│")[1:4] for line in capsys.readouterr().out.splitlines() if "│" in line]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["ask", "3502 USDC", "0.0004 WETH"],
        ["ask", "3501 USDC", "0.0003 WETH"],
        ["bid", "3499 USDC", "0.0001 WETH"],
        ["bid", "3498 USDC", "0.0002 WETH"],
    ]
    resting = BookOrder(
        order_id=1,
        client_order_id="mine",
        account="user/maker",
        instrument=PAIR.symbol,
        side=Side.SELL,
        price_ticks=350_100,
        lots=30_000,
        remaining_lots=10_000,
        status=BookOrderStatus.OPEN,
        hold_id="h",
    )
    console().print(resting_table([resting], {PAIR.symbol: PAIR}))
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "mine" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == ["mine", "maker", "WETH/USDC", "sell", "3501 USDC", "1 WETH", "3 WETH"]


def test_a_table_without_rows_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(table("orders", "id"), "no orders")
    assert capsys.readouterr().out == "no orders\n"


def test_an_amount_is_folded_and_never_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    made = table("one", "amount", "other", right=frozenset({"amount"}))
    digits = "123456789012345678901234567890.987654321"
    made.add_row(digits, Text("a long text without a break"))
    print_table(made, "")
    printed = capsys.readouterr().out
    assert "".join(c for c in printed if c.isdigit() or c == ".") == digits
    assert max(map(len, printed.splitlines())) <= 30


def test_a_table_too_wide_for_the_terminal_becomes_a_line_per_cell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = table("orders", "id", "empty", "amount", right=frozenset({"amount"}))
    made.add_row("one", "", "0.000000000000000001 WETH")
    made.add_row("", "", "goes on")
    made.add_row("two", "", "2 WETH")
    monkeypatch.setenv("COLUMNS", "50")
    print_table(made, "")
    assert "│ one │" in capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "40")
    print_table(made, "")
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "orders",
        "id one",
        "amount 0.000000000000000001 WETH",
        "amount goes on",
        "",
        "id two",
        "amount 2 WETH",
    ]


@pytest.mark.parametrize(
    ("units", "expected"), [(0, "0"), (1, "+0.000001"), (-2_500_000, "-2.5"), (10**6, "+1")]
)
def test_a_difference_has_its_sign(units: int, expected: str) -> None:
    assert signed(units, USDC) == expected


def test_only_wallets_are_shortened() -> None:
    assert short_account("asset/wallet/0x" + "a" * 40) == "asset/wallet/0xaaaa..aaaa"
    assert short_account("user/alice") == "user/alice"
    assert short_account("equity/capital") == "equity/capital"


@dataclass(frozen=True)
class _Everything:
    units: int
    low: int
    fee_wei: int
    count: int
    ratio: float
    raw: bytes
    kinds: frozenset[Protocol]


def test_json_has_no_number_for_money_and_no_value_that_json_lacks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = _Everything(
        units=2**200,
        low=2**60,
        fee_wei=1,
        count=3,
        ratio=float("nan"),
        raw=b"\x01",
        kinds=frozenset({Protocol.UNISWAP_V3, Protocol.BOOK, Protocol.UNISWAP_V2}),
    )
    print_json(made)
    assert json.loads(capsys.readouterr().out) == {
        "units": str(2**200),
        "low": str(2**60),
        "fee_wei": "1",
        "count": 3,
        "ratio": None,
        "raw": "0x01",
        "kinds": ["book", "uniswap_v2", "uniswap_v3"],
    }
    marks = Marks(asset=WETH, low=1, target=2, high=3)
    assert plain(marks) == {"asset": "WETH", "low": "1", "target": "2", "high": "3"}
    with pytest.raises(TypeError):
        plain(object())


def test_progress_never_reaches_standard_output_with_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with OrderProgress(console(), silent=True) as progress:
        progress.on_event(OrderEvent(order_id="o", kind=OrderEventKind.MINED, at_ms=1))
        progress.on_step("stored", "swap-1")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")


def test_an_order_goes_on_when_nobody_can_read_its_progress(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = console()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(out, "print", full)
    progress = OrderProgress(out)
    event = OrderEvent(order_id="o", kind=OrderEventKind.MINED, at_ms=1)
    with pytest.raises(OSError, match="No space"):
        out.print("so it is")
    progress.on_event(event)
    monkeypatch.setattr(out, "print", lambda *_: pytest.fail("it tells again"))
    progress.on_event(event)
