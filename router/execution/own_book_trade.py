"""The money of a trade in our own book: what each side pays and receives, to the unit. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from router.domain.amounts import PPM_ONE
from router.domain.assets import Asset
from router.domain.ledger import FEE_REVENUE, Entry
from router.domain.market import Instrument
from router.domain.orders import BookOrder, Side
from router.domain.taking import TakerFill
from router.ledger import HoldSpend


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A taker meets one resting order: `lots` at the maker's own price."""

    maker: BookOrder
    lots: int
    maker_remaining_lots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """What a taker order did: its fill, the entries of its one journal, the makers' holds spent."""

    fill: TakerFill
    entries: tuple[Entry, ...]
    maker_spends: tuple[HoldSpend, ...]


def fee_ceil(units: int, fee_ppm: int) -> int:
    """Return the fee on received base units, rounded up in the house's favour."""
    return -(-units * fee_ppm // PPM_ONE)


def pay_asset(instrument: Instrument, side: Side) -> Asset:
    return instrument.quote if side is Side.BUY else instrument.base


def receive_asset(instrument: Instrument, side: Side) -> Asset:
    return pay_asset(instrument, side.opposite)


def pay_units(instrument: Instrument, side: Side, lots: int, price_ticks: int) -> int:
    """Return the base units that a side pays for `lots` at a price; exact, fees are extra.

    A buy pays quote and a sell base. It is what a resting order needs to be held, because it
    trades at its own price only.
    """
    if side is Side.BUY:
        return instrument.quote_units(lots, price_ticks)
    return instrument.base_units(lots)


def no_fill() -> TakerFill:
    return TakerFill(filled_lots=0, paid_units=0, received_units=0, fee_units=0)


def trade_of(instrument: Instrument, side: Side, account: str, matches: Sequence[Match]) -> Trade:
    """Return the money of a taker order that met these makers; `matches` is not empty.

    The taker's fee is taken once from all it receives, each maker's from what that maker receives
    in this trade; both are rounded up. Buyer, sellers and fee sum to zero per asset.
    """
    pays, receives = pay_asset(instrument, side), receive_asset(instrument, side)
    flows: dict[tuple[str, str], int] = {}  # what each account gets, negative: gives

    def move(to: str, asset: Asset, units: int) -> None:
        place = (to, asset.symbol)
        flows[place] = flows.get(place, 0) + units

    paid = gross = 0
    spends = []
    for match in matches:
        maker, price = match.maker, match.maker.price_ticks
        given = pay_units(instrument, side, match.lots, price)
        taken = pay_units(instrument, side.opposite, match.lots, price)
        maker_fee = fee_ceil(given, instrument.maker_fee_ppm)
        paid += given
        gross += taken
        move(maker.account, receives, -taken)
        move(maker.account, pays, given - maker_fee)
        move(FEE_REVENUE, pays, maker_fee)
        ends = match.maker_remaining_lots == 0
        spends.append(HoldSpend(hold_id=maker.hold_id, units=taken, ends=ends))
    fee = fee_ceil(gross, instrument.taker_fee_ppm)
    move(account, pays, -paid)
    move(account, receives, gross - fee)
    move(FEE_REVENUE, receives, fee)
    fill = TakerFill(
        filled_lots=sum(match.lots for match in matches),
        paid_units=paid,
        received_units=gross - fee,
        fee_units=fee,
    )
    # A credit is negative: all these accounts are of the kind that grows by credits.
    entries = tuple(
        Entry(account=to, asset=asset, units=-units)
        for (to, asset), units in flows.items()
        if units != 0
    )
    return Trade(fill=fill, entries=entries, maker_spends=tuple(spends))
