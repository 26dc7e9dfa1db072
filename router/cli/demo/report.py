"""The demo's report: one HTML page that opens without a network."""

from collections.abc import Iterable, Sequence
from html import escape

from router.cli.demo.chapters import Chapters
from router.domain.amounts import Amount
from router.domain.custody import WalletLine
from router.domain.ledger import PostedJournal
from router.domain.orders import OrderState
from router.domain.routes import Quote

STYLE = """
body { font: 15px/1.5 Helvetica, Arial, sans-serif; margin: 2rem auto; max-width: 76rem;
  color: #222; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.2rem; font-size: 1.15rem; }
table { border-collapse: collapse; margin: .6rem 0; }
th, td { padding: .25rem .8rem; border-bottom: 1px solid #ddd; text-align: left; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
tr.first td { border-top: 2px solid #bbb; }
.ok { color: #1c7c43; font-weight: bold; } .bad { color: #b3261e; font-weight: bold; }
figure { margin: 1rem 0; border: 1px solid #ddd; padding: .5rem; } svg { width: 100%; }
p.note { color: #555; }
"""


def report_html(chapters: Chapters, picture: str) -> str:
    """Return the page; `picture` is the SVG of the first order's route."""
    assert chapters.quote is not None
    assert chapters.order is not None
    assert chapters.resumed is not None
    assert chapters.report is not None
    verdict = (
        '<p class="ok">reconcile: 0 breaks</p>'
        if not chapters.report.breaks
        else f'<p class="bad">reconcile: {len(chapters.report.breaks)} breaks</p>'
    )
    parts = [
        "<h1>One order, from quote to reconciled</h1>",
        verdict,
        f'<p class="note">{chapters.pool_count} Uniswap pools on a local chain, our own order '
        f"book beside them. Clients paid in {_listed(chapters.deposits)}.</p>",
        "<h2>The route</h2>",
        f"<figure>{picture}</figure>",
        _legs(chapters.quote),
        _quality(chapters.quote),
        "<h2>What was booked</h2>",
        _order(chapters.order),
        _journals(chapters.journals, chapters.quote),
        "<h2>Killed and resumed</h2>",
        f"<p>A second order's process was killed (signal {chapters.killed_with_signal}) after its "
        f"transaction was signed and stored and before it was sent. On disk the order was "
        f"<b>{escape(chapters.state_after_kill)}</b> with its input held. The next start sent the "
        f"stored bytes: {chapters.payments_of_resumed} swap transaction in all.</p>",
        _order(chapters.resumed),
        "<h2>Wallets</h2>",
        _wallets(chapters.wallets),
        f'<p class="note">{chapters.report.checked} balances compared at block '
        f"{chapters.report.block_number}.</p>",
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>hybrid-liquidity-router demo</title><style>{STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _listed(items: Iterable[str]) -> str:
    return escape("; ".join(items))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], numeric: frozenset[int]) -> str:
    def cell(tag: str, index: int, text: str) -> str:
        kind = ' class="n"' if index in numeric else ""
        return f"<{tag}{kind}>{escape(text)}</{tag}>"

    head = "".join(cell("th", i, text) for i, text in enumerate(heads))
    body = "".join(
        f"<tr>{''.join(cell('td', i, text) for i, text in enumerate(row))}</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _legs(quote: Quote) -> str:
    rows = [
        (
            leg.label,
            str(Amount(leg.amount_in_units, leg.asset_in)),
            str(Amount(leg.amount_out_units, leg.asset_out)),
            f"{leg.share_bps / 100:.2f} %",
            f"{leg.gas:,}" if leg.gas else "-",
        )
        for leg in quote.legs
    ]
    return _table(("venue", "in", "out", "share", "gas"), rows, frozenset({1, 2, 3, 4}))


def _quality(quote: Quote) -> str:
    asset = quote.optimised
    return (
        f"<p>Quoted {escape(str(quote.amount_out))}, guaranteed at least "
        f"{escape(str(Amount(quote.limit_units, asset)))}. No plan over these venues delivers more "
        f"than {escape(str(Amount(quote.bound_units, asset)))} before gas: the gap is "
        f"{quote.gap_bps:.4f} bp. The best single path would have given "
        f"{escape(str(Amount(quote.best_single_units, asset)))}.</p>"
    )


def _order(state: OrderState) -> str:
    spent = Amount(state.spent_units, state.order.asset_in)
    received = Amount(state.received_units, state.order.asset_out)
    return (
        f"<p>Order {escape(state.order.order_id)} of {escape(state.order.account)}: "
        f"<b>{escape(str(state.status))}</b>, {escape(str(spent))} for {escape(str(received))}.</p>"
    )


def _journals(journals: Sequence[PostedJournal], quote: Quote) -> str:
    assets = {asset.symbol: asset for leg in quote.legs for asset in (leg.asset_in, leg.asset_out)}
    rows = []
    for posted in journals:
        for entry in posted.journal.entries:
            asset = assets.get(entry.asset)
            units = abs(entry.units)
            text = f"{Amount(units, asset)}" if asset else f"{units} base units of {entry.asset}"
            debit, credit = (text, "") if entry.units > 0 else ("", text)
            rows.append(
                (str(posted.sequence), str(posted.journal.kind), entry.account, debit, credit)
            )
    return _table(("#", "kind", "account", "debit", "credit"), rows, frozenset({3, 4}))


def _wallets(lines: Sequence[WalletLine]) -> str:
    rows = [
        (
            f"{line.wallet.role} {line.wallet.address}",
            str(Amount(line.chain_units, line.asset)),
            str(Amount(line.ledger_units, line.asset)),
            str(line.chain_units - line.ledger_units),
        )
        for line in lines
        if line.chain_units or line.ledger_units
    ]
    return _table(
        ("wallet", "on chain", "in the ledger", "difference, base units"),
        rows,
        frozenset({1, 2, 3}),
    )
