"""Quotes for the tests of what the command line prints."""

from router.domain.amounts import Amount
from router.domain.assets import Asset
from router.domain.market import BlockRef, Protocol
from router.domain.orders import SwapMode
from router.domain.routes import Leg, Quote


def asset(symbol: str, decimals: int) -> Asset:
    return Asset(symbol=symbol, decimals=decimals, chain_id=31337, address="0x" + "1" * 40)


WETH, USDC, WBTC = asset("WETH", 18), asset("USDC", 6), asset("WBTC", 8)
DAI, USDT, LINK = asset("DAI", 18), asset("USDT", 6), asset("LINK", 18)


def leg(
    asset_in: Asset, asset_out: Asset, paid: int, got: int, protocol: Protocol, name: str = ""
) -> Leg:
    return Leg(
        venue_id=f"{protocol}:{asset_in}{asset_out}{name}",
        protocol=protocol,
        label=f"{protocol} <{asset_in}/{asset_out}>{name}",
        asset_in=asset_in,
        asset_out=asset_out,
        amount_in_units=paid,
        amount_out_units=got,
        fee_units=1,
        fee_ppm=500,
        gas=0 if protocol is Protocol.BOOK else 120_000,
        ticks_crossed=2,
        share_bps=5_000,
        takes_rest=True,
        marginal_price=3.5e-9,
    )


def quote(
    paid: Amount, got: Amount, *legs: Leg, mode: SwapMode = SwapMode.EXACT_IN, limit: int = 0
) -> Quote:
    optimised = got if mode is SwapMode.EXACT_IN else paid
    return Quote(
        quote_id="q1",
        mode=mode,
        amount_in=paid,
        amount_out=got,
        limit_units=limit or optimised.units,
        unspent_in_units=0,
        legs=legs,
        gas=360_000,
        gas_price_wei=10**9,
        gas_cost_units=1_260_000,
        net_units=max(0, optimised.units - 1_260_000),
        bound_units=optimised.units + 1,
        gap_bps=0.0001,
        gap_net_bps=0.0002,
        best_single_units=optimised.units,
        price_impact_bps=12.5,
        block=BlockRef(number=7, hash="0x1", parent_hash="0x0", timestamp_s=1, base_fee_wei=7),
        book_sequences=(("book:own", 3),),
        created_ms=1,
        expires_ms=2,
        solve_us=80,
    )


QUOTE = quote(
    Amount(10 * 10**18, WETH),
    Amount(34_900 * 10**6, USDC),
    leg(WETH, USDC, 6 * 10**18, 20_940 * 10**6, Protocol.UNISWAP_V3),
    leg(WETH, WBTC, 3 * 10**18, 16_000_000, Protocol.UNISWAP_V2),
    leg(WBTC, USDC, 16_000_000, 10_460 * 10**6, Protocol.UNISWAP_V3),
    leg(WETH, USDC, 10**18, 3_500 * 10**6, Protocol.BOOK),
    limit=34_700 * 10**6,
)
