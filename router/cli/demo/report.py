"""The demo's report: one HTML page that opens without a network."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from router.cli.accounts import short_account
from router.cli.demo.chapters import Chapters
from router.cli.output import counted, signed
from router.cli.route_flow import flow_of, limit_word, share
from router.domain.amounts import Amount
from router.domain.assets import Asset
from router.domain.custody import WalletLine
from router.domain.ledger import Balance, PostedJournal
from router.domain.orders import OrderState, SwapMode
from router.domain.routes import Quote

STYLE = """
body { font: 15px/1.5 Helvetica, Arial, sans-serif; margin: 2rem auto; max-width: 76rem;
  color: #222; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.2rem; font-size: 1.15rem; }
table { border-collapse: collapse; margin: .6rem 0; }
th, td { padding: .25rem .8rem; text-align: left; }
th { color: #555; font-weight: normal; } tr.first td { border-top: 1px solid #ccc; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
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
    quote, assets = chapters.quote, _assets(chapters)
    parts = [
        "<h1>One order, from quote to reconciled</h1>",
        verdict,
        f'<p class="note">{chapters.pool_count} Uniswap pools on a local chain, our own order '
        f"book beside them. Clients paid in {_listed(chapters.deposits)}. In the book stood "
        f"{_listed(chapters.book)}.</p>",
        "<h2>The route</h2>",
        f"<figure>{picture}</figure>",
        _legs(quote),
        _quality(quote),
        "<h2>What was booked</h2>",
        _order(chapters.order),
        _journals(chapters.journals, assets),
        "<h2>Killed and resumed</h2>",
        f"<p>A second order's process was killed (signal {chapters.killed_with_signal}) after its "
        f"transaction was signed and stored and before it was sent. On disk the order was "
        f"<b>{escape(chapters.state_after_kill)}</b> with its input held, its transaction "
        f"<b>{escape(chapters.intent_after_kill)}</b>. The next start sent the stored bytes: "
        f"{counted(chapters.payments_of_resumed, 'swap transaction')} in all.</p>",
        _order(chapters.resumed),
        "<h2>What everybody has now</h2>",
        _balances(chapters.balances, assets),
        "<h2>Wallets</h2>",
        _wallets(chapters.wallets),
        f'<p class="note">{chapters.report.checked} balances compared at block '
        f"{chapters.report.block_number}.</p>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        f"<title>hybrid-liquidity-router demo</title><style>{STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _assets(chapters: Chapters) -> dict[str, Asset]:
    """Every asset that either wallet could hold, by symbol."""
    return {line.asset.symbol: line.asset for line in chapters.wallets}


def _listed(items: Iterable[str]) -> str:
    return escape("; ".join(items))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], numeric: frozenset[int]) -> str:
    """Return a table; a row whose first cell is empty belongs to the one above."""

    def cell(tag: str, index: int, text: str) -> str:
        kind = ' class="n"' if index in numeric else ""
        return f"<{tag}{kind}>{escape(text)}</{tag}>"

    head = "".join(cell("th", i, text) for i, text in enumerate(heads))
    body = ""
    for row in rows:
        kind = ' class="first"' if row[0] else ""
        body += f"<tr{kind}>{''.join(cell('td', i, text) for i, text in enumerate(row))}</tr>"
    return f"<table><tr>{head}</tr>{body}</table>"


def _legs(quote: Quote) -> str:
    rows = [
        (
            band.leg.label,
            str(Amount(band.leg.amount_in_units, band.leg.asset_in)),
            str(Amount(band.leg.amount_out_units, band.leg.asset_out)),
            share(band.part),
            f"{band.leg.gas:,}" if band.leg.gas else "-",
        )
        for band in flow_of(quote).bands
    ]
    return _table(("venue", "in", "out", "part of the order", "gas"), rows, frozenset({1, 2, 3, 4}))


def _quality(quote: Quote) -> str:
    def text(units: int) -> str:
        return escape(str(Amount(units, quote.optimised)))

    is_exact_in = quote.mode is SwapMode.EXACT_IN
    return (
        f"<p>Quoted {escape(str(quote.amount_in))} for {escape(str(quote.amount_out))}, guaranteed "
        f"{limit_word(quote)} {text(quote.limit_units)}. No plan over these venues "
        f"{'delivers more' if is_exact_in else 'costs less'} than {text(quote.bound_units)} before "
        f"gas: the gap is {quote.gap_bps:.4f} bp. The best single path would have "
        f"{'given' if is_exact_in else 'cost'} {text(quote.best_single_units)}.</p>"
    )


def _order(state: OrderState) -> str:
    spent = Amount(state.spent_units, state.order.asset_in)
    received = Amount(state.received_units, state.order.asset_out)
    return (
        f"<p>Order {escape(state.order.order_id)} of {escape(state.order.account)}: "
        f"<b>{escape(str(state.status))}</b>, {escape(str(spent))} for {escape(str(received))}.</p>"
    )


def _journals(journals: Sequence[PostedJournal], assets: Mapping[str, Asset]) -> str:
    rows = []
    for posted in journals:
        for index, entry in enumerate(posted.journal.entries):
            text = str(Amount(abs(entry.units), assets[entry.asset]))
            head = ("", "") if index else (str(posted.sequence), str(posted.journal.kind))
            sides = (text, "") if entry.units > 0 else ("", text)
            rows.append((*head, short_account(entry.account), *sides))
    return _table(("#", "kind", "account", "debit", "credit"), rows, frozenset({3, 4}))


def _balances(found: Mapping[str, Sequence[Balance]], assets: Mapping[str, Asset]) -> str:
    rows = [
        (
            "" if index else name,
            str(Amount(line.available, assets[line.asset])),
            str(Amount(line.held, assets[line.asset])),
            str(Amount(line.total, assets[line.asset])),
        )
        for name, lines in found.items()
        for index, line in enumerate(lines)
    ]
    return _table(("account", "available", "held", "total"), rows, frozenset({1, 2, 3}))


def _wallets(lines: Sequence[WalletLine]) -> str:
    rows = []
    last = ""
    for line in lines:
        if not line.chain_units and not line.ledger_units:
            continue
        wallet = f"{line.wallet.role} {line.wallet.address}"
        rows.append(
            (
                "" if wallet == last else wallet,
                str(Amount(line.chain_units, line.asset)),
                str(Amount(line.ledger_units, line.asset)),
                signed(line.chain_units - line.ledger_units, line.asset),
            )
        )
        last = wallet
    heads = ("wallet", "on chain", "in the ledger", "difference")
    return _table(heads, rows, frozenset({1, 2, 3}))
