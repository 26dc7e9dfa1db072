"""Between ccxt's dictionaries and our types, exactly: decimal text to integers, never a float.

Rounding is always against us: what we pay is rounded up, what we receive down, a bid we could hit
is taken to be no better than it is.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from router.domain.assets import Asset
from router.domain.errors import OutcomeUnknown, UsageError
from router.domain.market import Instrument, Ladder, LadderLevel
from router.domain.orders import Side
from router.domain.taking import TakerFill

CcxtDict = Mapping[str, Any]
# What exchanges call the coins that we hold in wrapped form.
EXCHANGE_CODES: Final[Mapping[str, str]] = {"WETH": "ETH", "WBTC": "BTC"}
FINAL_STATUSES: Final = frozenset({"closed", "canceled", "expired", "rejected"})
CLIENT_ID_MAX: Final = 32


def exchange_code(asset: Asset) -> str:
    """Return the exchange's name of an asset."""
    return EXCHANGE_CODES.get(asset.symbol, asset.symbol)


def exchange_symbol(instrument: Instrument) -> str:
    """Return ccxt's unified symbol of a spot market, such as "ETH/USDC"."""
    return f"{exchange_code(instrument.base)}/{exchange_code(instrument.quote)}"


def whole_tokens(units: int, asset: Asset) -> str:
    """Return base units as plain decimal text of whole tokens, exactly."""
    whole, rest = divmod(units, asset.one_in_units)
    digits = f"{rest:0{asset.decimals}d}".rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)


def units_floor(tokens: Fraction, asset: Asset) -> int:
    return int(tokens * asset.one_in_units // 1)


def units_ceil(tokens: Fraction, asset: Asset) -> int:
    return -int(-tokens * asset.one_in_units // 1)


def price_per_tick(instrument: Instrument) -> Fraction:
    """Return one price tick in whole quote tokens per whole base token."""
    quote_per_lot = Fraction(instrument.tick_units, instrument.quote.one_in_units)
    return quote_per_lot / Fraction(instrument.lot_units, instrument.base.one_in_units)


def price_text(price_ticks: int, instrument: Instrument) -> str:
    """Return a price as plain decimal text of quote per base, exactly.

    Raises:
        UsageError: CONFIG_INVALID, the instrument's tick is no finite decimal.
    """
    price = price_ticks * price_per_tick(instrument)
    digits = 0
    while price.denominator != 1 and digits < 36:
        price *= 10
        digits += 1
    if price.denominator != 1:
        raise UsageError(
            "CONFIG_INVALID", f"A tick of {instrument.symbol} is not a finite decimal."
        )
    text = str(price.numerator).rjust(digits + 1, "0")
    return f"{text[:-digits]}.{text[-digits:]}" if digits else text


def check_steps(market: CcxtDict, precision_is_step: bool, instrument: Instrument) -> None:
    """Check that our lot and tick are whole multiples of the exchange's steps.

    Args:
        precision_is_step: whether the market states its precision as a step (ccxt's TICK_SIZE)
            or else as a number of decimals.

    Raises:
        UsageError: CONFIG_INVALID, naming the step.
    """
    ours = {
        "amount": Fraction(instrument.lot_units, instrument.base.one_in_units),
        "price": price_per_tick(instrument),
    }
    for name, size in ours.items():
        stated = market["precision"][name]
        if stated is None:
            raise UsageError("CONFIG_INVALID", f"{market['symbol']} states no {name} precision.")
        precision = Fraction(str(stated))
        step = precision if precision_is_step else 1 / Fraction(10) ** int(precision)
        if (size / step).denominator != 1:
            raise UsageError(
                "CONFIG_INVALID",
                f"{market['symbol']} has an {name} step of {stated}; that of "
                f"{instrument.symbol} must be a multiple of it.",
            )


def ladder_of(
    venue_id: str, instrument: Instrument, order_book: CcxtDict, sequence: int, depth: int
) -> Ladder:
    """Return an order book in ticks and lots; parts of a lot are left out."""
    return Ladder(
        venue_id=venue_id,
        instrument=instrument,
        sequence=sequence,
        bids=_levels(instrument, order_book["bids"], Side.BUY)[:depth],
        asks=_levels(instrument, order_book["asks"], Side.SELL)[:depth],
    )


def _levels(
    instrument: Instrument, levels: Sequence[Sequence[Any]], side: Side
) -> tuple[LadderLevel, ...]:
    tick = price_per_tick(instrument)
    units: defaultdict[int, Fraction] = defaultdict(Fraction)
    for price, amount, *_ in levels:
        ticks = Fraction(str(price)) / tick
        rounded = int(ticks // 1) if side is Side.BUY else -int(-ticks // 1)
        units[rounded] += Fraction(str(amount)) * instrument.base.one_in_units
    found = [
        LadderLevel(price_ticks=ticks, lots=int(total // instrument.lot_units))
        for ticks, total in units.items()
        if ticks > 0 and total >= instrument.lot_units
    ]
    found.sort(key=lambda level: level.price_ticks, reverse=side is Side.BUY)
    return tuple(found)


def is_final(order: CcxtDict) -> bool:
    """Whether nothing more can happen to an order and the exchange said how much was filled."""
    return order.get("status") in FINAL_STATUSES and order.get("filled") is not None


def states_fees(order: CcxtDict) -> bool:
    """Whether an order that traded says what it cost in fees."""
    return Fraction(str(order["filled"])) == 0 or bool(_fees(order))


def fill_of(order: CcxtDict, instrument: Instrument, side: Side) -> TakerFill:
    """Return what a final order did.

    A fee in a third asset, such as the exchange's own token, does not lessen what was received
    and is not in the result.

    Raises:
        OutcomeUnknown: the exchange did not say what the trade cost.
    """
    filled = Fraction(str(order["filled"]))
    if filled and order.get("cost") is None:
        raise OutcomeUnknown(
            "OUTCOME_UNKNOWN", f"The exchange does not say what order {order.get('id')} cost."
        )
    cost = Fraction(str(order.get("cost") or 0))
    received_asset = instrument.base if side is Side.BUY else instrument.quote
    fee_units = sum(
        units_ceil(paid, received_asset)
        for code, paid in _fees(order)
        if code == exchange_code(received_asset)
    )
    if side is Side.BUY:
        paid_units = units_ceil(cost, instrument.quote)
        gross_units = units_floor(filled, instrument.base)
    else:
        paid_units = units_ceil(filled, instrument.base)
        gross_units = units_floor(cost, instrument.quote)
    lot = Fraction(instrument.lot_units, instrument.base.one_in_units)
    return TakerFill(
        filled_lots=int(filled // lot),
        paid_units=paid_units,
        received_units=max(0, gross_units - fee_units),
        fee_units=min(fee_units, gross_units),
    )


def _fees(order: CcxtDict) -> list[tuple[str, Fraction]]:
    """Return (currency code, whole tokens) of each fee the exchange names."""
    entries = order.get("fees") or ([order["fee"]] if order.get("fee") else [])
    return [
        (entry["currency"], Fraction(str(entry["cost"])))
        for entry in entries
        if entry.get("currency") is not None and entry.get("cost") is not None
    ]


def with_fees_of(order: CcxtDict, trades: Sequence[CcxtDict]) -> dict[str, Any]:
    """Return the order with the fees of its trades."""
    fees = [{"currency": code, "cost": str(c)} for trade in trades for code, c in _fees(trade)]
    return {**order, "fees": fees}
