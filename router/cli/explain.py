"""A quote in the terminal: what goes where, at which marginal price, and how good it is."""

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from router.cli.output import counted, fitted, signed, table
from router.cli.route_flow import Band, flow_of, limit_word, share
from router.domain.amounts import BPS_ONE, Amount
from router.domain.market import Protocol
from router.domain.routes import Leg, Quote

BAR_CELLS = 24
STYLES = {
    Protocol.UNISWAP_V2: "blue",
    Protocol.UNISWAP_V3: "magenta",
    Protocol.UNISWAP_V4: "bright_magenta",
    Protocol.CURVE: "yellow",
    Protocol.BALANCER: "cyan",
    Protocol.BOOK: "green",
}
_WITH_TICKS = frozenset({Protocol.UNISWAP_V3, Protocol.UNISWAP_V4})


def in_one_line(quote: Quote) -> str:
    """Return the answer of a quote as one sentence, with the limit in the right direction."""
    limit = Amount(quote.limit_units, quote.optimised)
    return (
        f"{quote.amount_in} -> {quote.amount_out} ({limit_word(quote)} {limit}; "
        f"{counted(len(quote.legs), 'leg')}, gap {quote.gap_bps:.4f} bp{_unspent(quote)})"
    )


def _unspent(quote: Quote) -> str:
    """Say what stays with the client: too little for a lot and not worth a transaction's gas."""
    if not quote.unspent_in_units:
        return ""
    return f"; {Amount(quote.unspent_in_units, quote.asset_in)} stays unsold"


def print_explanation(console: Console, quote: Quote) -> None:
    console.print(summary(quote))
    console.print(fitted(console, split_table(quote)))
    console.print(quality_table(quote))
    if quote.alternatives:
        console.print(fitted(console, alternatives_table(quote)))
    for issue in quote.issues:
        console.print(Text(f"note: {issue}", style="yellow"))


def summary(quote: Quote) -> RenderableType:
    """Return the headline and the picture of the split as bars."""
    flow = flow_of(quote)
    lines = [_bar_line(band) for band in flow.bands]
    headline = Text(f"{quote.amount_in}  →  {quote.amount_out}")
    return Panel(Group(*lines), title=headline, title_align="left", padding=(1, 2), expand=False)


def _bar_line(band: Band) -> Text:
    filled = max(1, round(band.part * BAR_CELLS))
    leg = band.leg
    line = Text()
    line.append(f"{leg.asset_in.symbol:>5} ", style="bold")
    line.append("█" * filled, style=STYLES[leg.protocol])
    line.append("·" * (BAR_CELLS - filled), style="dim")
    line.append(f" {leg.asset_out.symbol:<5}", style="bold")
    line.append(f" {share(band.part):>7}  {leg.label}")
    return line


def split_table(quote: Quote) -> Table:
    right = frozenset({"in → out", "marginal price", "gas", "ticks"})
    made = table("split", "venue", "in → out", "marginal price", "gas", "ticks", right=right)
    for leg in quote.legs:
        paid = Amount(leg.amount_in_units, leg.asset_in)
        got = Amount(leg.amount_out_units, leg.asset_out)
        made.add_row(
            Text(leg.label, style=STYLES[leg.protocol]),
            f"{paid}\n→ {got}",
            marginal_price(leg),
            f"{leg.gas:,}" if leg.gas else "-",
            str(leg.ticks_crossed) if leg.protocol in _WITH_TICKS else "-",
        )
    return made


def alternatives_table(quote: Quote) -> Table:
    """Return the plans that lost, and by how much."""
    right = frozenset({"gross", "net", "worse by"})
    made = table("other plans", "plan", "gross", "net", "worse by", "legs", right=right)
    asset = quote.optimised
    for other in quote.alternatives:
        behind = abs(quote.net_units - other.net_units)
        worse_bps = behind * BPS_ONE / max(abs(quote.net_units), 1)
        made.add_row(
            Text(other.reason),
            str(Amount(other.gross_units, asset)),
            signed(other.net_units, asset),
            f"{worse_bps:.2f} bp",
            str(len(other.legs)),
        )
    return made


def marginal_price(leg: Leg) -> str:
    """Price of the next unit, in whole output per whole input token; "-" when none is left."""
    if not leg.marginal_price:
        return "-"
    scale = float(10 ** (leg.asset_in.decimals)) / float(10**leg.asset_out.decimals)
    return f"{leg.marginal_price * scale:.8g} {leg.asset_out}/{leg.asset_in}"


def quality_table(quote: Quote) -> Table:
    asset = quote.optimised
    made = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    made.add_column(style="dim")
    made.add_column()
    made.add_row(limit_word(quote), str(Amount(quote.limit_units, asset)))
    made.add_row("best possible", f"{Amount(quote.bound_units, asset)} (bound, before gas)")
    made.add_row("gap to it", f"{quote.gap_bps:.4f} bp")
    if quote.best_single_units:
        made.add_row("best single path", str(Amount(quote.best_single_units, asset)))
    gas = Amount(quote.gas_cost_units, asset)
    made.add_row("gas", f"{quote.gas:,} at {quote.gas_price_wei:,} wei = {gas}")
    made.add_row("price impact", f"{quote.price_impact_bps:.2f} bp")
    if quote.unspent_in_units:
        made.add_row("unspent", str(Amount(quote.unspent_in_units, quote.asset_in)))
    made.add_row("solved in", f"{quote.solve_us / 1000:.3f} ms at block {quote.block.number}")
    return made
