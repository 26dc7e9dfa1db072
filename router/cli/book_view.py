"""Our order book in the terminal: prices in quote per whole base, sizes in base."""

from collections.abc import Iterable, Mapping

from rich.table import Table
from rich.text import Text

from router.cli.output import table
from router.domain.amounts import Amount
from router.domain.market import Instrument, Ladder, LadderLevel
from router.domain.orders import BookOrder, Side

SIDE_STYLES = {Side.BUY: "green", Side.SELL: "red"}


def price_text(traded: Instrument, price_ticks: int) -> str:
    """Return the exact price of one whole base, for example "3500.5 USDC"."""
    lots_per_whole, rest = divmod(traded.base.one_in_units, traded.lot_units)
    assert rest == 0, traded.symbol
    return str(Amount(traded.quote_units(lots_per_whole, price_ticks), traded.quote))


def size_text(traded: Instrument, lots: int) -> str:
    return str(Amount(traded.base_units(lots), traded.base))


def ladder_table(ladder: Ladder) -> Table:
    """Show the asks above the bids, the best of both next to each other."""
    traded = ladder.instrument
    made = table(traded.symbol, "side", "price", "size", right=frozenset({"price", "size"}))
    for level in reversed(ladder.asks):
        made.add_row(Text("ask", style="red"), *_level_texts(traded, level))
    for level in ladder.bids:
        made.add_row(Text("bid", style="green"), *_level_texts(traded, level))
    return made


def _level_texts(traded: Instrument, level: LadderLevel) -> tuple[str, str]:
    return price_text(traded, level.price_ticks), size_text(traded, level.lots)


def instruments_table(ladders: Iterable[Ladder]) -> Table:
    """Show what is traded: the best prices, the steps and the fees."""
    right = frozenset({"best bid", "best ask", "lot", "tick", "taker fee", "maker fee"})
    made = table(
        "instruments", "instrument", "best bid", "best ask", "lot", "tick", "taker fee",
        "maker fee", right=right,
    )  # fmt: skip
    for ladder in ladders:
        traded = ladder.instrument
        made.add_row(
            traded.symbol,
            price_text(traded, ladder.bids[0].price_ticks) if ladder.bids else "-",
            price_text(traded, ladder.asks[0].price_ticks) if ladder.asks else "-",
            size_text(traded, 1),
            price_text(traded, 1),
            f"{traded.taker_fee_ppm / 10_000:g}%",
            f"{traded.maker_fee_ppm / 10_000:g}%",
        )
    return made


def resting_table(orders: Iterable[BookOrder], instruments: Mapping[str, Instrument]) -> Table:
    right = frozenset({"price", "open", "placed"})
    made = table(
        "resting orders", "client order id", "account", "instrument", "side", "price", "open",
        "placed", right=right,
    )  # fmt: skip
    for order in orders:
        traded = instruments[order.instrument]
        made.add_row(
            order.client_order_id,
            order.account.removeprefix("user/"),
            order.instrument,
            Text(str(order.side), style=SIDE_STYLES[order.side]),
            price_text(traded, order.price_ticks),
            size_text(traded, order.remaining_lots),
            size_text(traded, order.lots),
        )
    return made
