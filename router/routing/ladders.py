"""Depth as the solver may count on it: external books made smaller, worse and shorter-lived.

What an exchange shows is not what an order gets there: it moves while the order travels, our
balance there is limited, and orders below a minimum are refused. A market maker's quote on request
is a book of one level that ends at a given time.
"""

from dataclasses import replace

from router.domain.amounts import BPS_ONE
from router.domain.market import Instrument, Ladder, LadderLevel


def with_haircut(ladder: Ladder, haircut_bps: int) -> Ladder:
    """Return the ladder with every price worse by `haircut_bps`, rounded against the order.

    Levels that come to the same price are joined. Raises ValueError beyond 0..9,999 bp.
    """
    if not 0 <= haircut_bps < BPS_ONE:
        raise ValueError(f"a haircut of {haircut_bps} bp is not 0 to 9,999")
    kept = BPS_ONE - haircut_bps
    bids = [(level.price_ticks * kept // BPS_ONE, level.lots) for level in ladder.bids]
    raised = BPS_ONE + haircut_bps
    asks = [(-(-level.price_ticks * raised // BPS_ONE), level.lots) for level in ladder.asks]
    return replace(ladder, bids=_joined(bids), asks=_joined(asks))


def within_balances(ladder: Ladder, base_units: int, quote_units: int) -> Ladder:
    """Return the part of a ladder that our balances there can pay for.

    Selling into the bids takes our base, buying from the asks our quote; fees are taken from what
    is received, so they need no balance.
    """
    instrument = ladder.instrument
    most_lots = max(base_units, 0) // instrument.lot_units
    bids, left = [], most_lots
    for level in ladder.bids:
        lots = min(level.lots, left)
        bids.append((level.price_ticks, lots))
        left -= lots
    asks, left = [], max(quote_units, 0)
    for level in ladder.asks:
        lots = min(level.lots, left // (level.price_ticks * instrument.tick_units))
        asks.append((level.price_ticks, lots))
        left -= instrument.quote_units(lots, level.price_ticks)
        if lots < level.lots:
            break
    return replace(ladder, bids=_joined(bids), asks=_joined(asks))


def above_minimum(ladder: Ladder, min_quote_units: int) -> Ladder:
    """Return the ladder without a side on which no order could reach the minimum notional."""

    def reaches(levels: tuple[LadderLevel, ...]) -> bool:
        notional = sum(ladder.instrument.quote_units(at.lots, at.price_ticks) for at in levels)
        return notional >= min_quote_units

    return replace(
        ladder,
        bids=ladder.bids if reaches(ladder.bids) else (),
        asks=ladder.asks if reaches(ladder.asks) else (),
    )


def quote_on_request(
    maker: str,
    instrument: Instrument,
    *,
    bid: LadderLevel | None,
    ask: LadderLevel | None,
    sequence: int,
    expires_ms: int,
) -> Ladder:
    """Return a market maker's firm quote as a ladder of one level per side."""
    return Ladder(
        venue_id=f"rfq-{maker}",
        instrument=instrument,
        sequence=sequence,
        bids=() if bid is None else (bid,),
        asks=() if ask is None else (ask,),
        expires_ms=expires_ms,
    )


def still_open(ladder: Ladder, now_ms: int, needed_ms: int) -> bool:
    """Tell whether a ladder stands for at least `needed_ms` more; a book always does."""
    return ladder.expires_ms is None or ladder.expires_ms >= now_ms + needed_ms


def _joined(levels: list[tuple[int, int]]) -> tuple[LadderLevel, ...]:
    lots_at: dict[int, int] = {}
    for price_ticks, lots in levels:
        if price_ticks > 0 and lots > 0:
            lots_at[price_ticks] = lots_at.get(price_ticks, 0) + lots
    return tuple(LadderLevel(price_ticks=price, lots=lots) for price, lots in lots_at.items())
