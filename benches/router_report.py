"""The tables of the router bench, for the terminal and for docs/benchmarks.md."""

from collections.abc import Iterator, Mapping
from typing import Any

HEAD = """# Benchmarks of the router

`make bench-router` prints this page again: it installs the peers from npm into `var/bench/npm`
(pinned in `benches/peers`), runs every router over the same universes one after the other on this
machine, replays every answer in exact integers (`benches/router_replay.py`, which shares no code
with the core) and writes `var/bench/router.json` and this page.

- **Times** are medians of repetitions per order, in process: ours from Python through the
  extension, theirs from JavaScript after a warm-up. Markets are built before the clock runs.
- **Shortfall** is how far the replayed output is from an upper bound over every venue: that of an
  interior-point solver where a bounds file is there, else our own bound over six hops.
- **better** counts the orders on which a peer delivers more than we do, and by how much at most.
- A peer has a limited time per universe, so `orders` may be fewer than 200. PancakeSwap's and
  Uniswap's routers know neither ladders nor weighted pools, and get pairs with other fees as one
  position over all ticks; Tines gets ladders and weighted pools through its extension point.
- @balancer-labs/sor is not run: it knows weighted and stable pools alone.
- `small`, `medium` and `direct` are those of the shared data where that is there; the others, and
  these where it is not, are made from seeds by `benches/router_universes.py`.
"""
NET = """
## Net of gas

`medium` with gas at 20 gwei. Each peer optimises by its own idea of gas; every answer is scored by
one model, which ours is told (`--leg-gas`): mean of (output - gas) / gross bound over the orders
that the peer came to, the peer's first and ours after it; no route counts 0. The *stated* model:
V2 65k, V3 100k and 20k per tick crossed, stable 120k, weighted 100k. The others are the peers'
published constants, applied to both leg by leg.
"""
_MODELS = ("stated", "tines", "pancake", "uniswap")
_COLUMNS = (
    ("orders", 7),
    ("refused", 8),
    ("median ms", 10),
    ("p99 ms", 10),
    ("x slower", 9),
    ("median bp", 10),
    ("worst bp", 10),
    ("better", 17),
)


def table(report: Mapping[str, Any]) -> str:
    """Return every universe's rows as lines of one width."""
    lines = []
    for title, rows in _tables(report):
        lines.append(f"\n{title}")
        lines.append(f"  {'router':18}" + "".join(f"{name:>{width}}" for name, width in _COLUMNS))
        for name, cells in rows:
            if len(cells) == 1:
                lines.append(f"  {name:18} {cells[0]}")
                continue
            shown = zip(cells, _COLUMNS, strict=True)
            lines.append(f"  {name:18}" + "".join(f"{cell:>{width}}" for cell, (_, width) in shown))
    if "net" in report:
        lines += [
            "\nnet of gas, mean of the gross bound: theirs / ours",
            *_net_lines(report["net"]),
        ]
        lines += ["", _many(report["many"])]
    return "\n".join(lines)


def page(report: Mapping[str, Any]) -> str:
    """Return docs/benchmarks.md."""
    machine = report["machine"]
    lines = [HEAD]
    lines.append(
        f"This run: {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, load "
        f"{machine['load_at_start']:g} at its start, {report['seconds']} s per peer and universe."
    )
    versions = ", ".join(f"{name} = {version}" for name, version in report["peers"].items())
    lines.append(f"Peers: {versions or 'none'}.\n")
    for title, rows in _tables(report):
        lines.append(f"## {title}\n")
        lines.append("| router |" + "".join(f" {name} |" for name, _ in _COLUMNS))
        lines.append("|---|" + "---:|" * len(_COLUMNS))
        for name, cells in rows:
            filled = [*cells, *[""] * (len(_COLUMNS) - len(cells))]
            lines.append(f"| {name} |" + "".join(f" {cell} |" for cell in filled))
        lines.append("")
    text = "\n".join(lines)
    if "net" not in report:
        return text
    text += NET + "\n| peer | orders |" + "".join(f" {model} |" for model in _MODELS) + "\n"
    text += "|---|---:|" + "---:|" * len(_MODELS) + "\n"
    for peer, row in report["net"].items():
        cells = "".join(
            f" {row[model]['theirs']:.6f} / {row[model]['ours']:.6f} |" for model in _MODELS
        )
        text += f"| {peer} | {row['orders']} |{cells}\n"
    return text + f"\n## Many quotes\n\n{_many(report['many'])}\n"


def _many(many: Mapping[str, Any]) -> str:
    rates = ", ".join(f"{rate:,}/s at {hops} hops" for hops, rate in _rates(many))
    return f"`Market.quote_many` over {many['universe']}, {many['orders']:,} orders: {rates}."


def _rates(many: Mapping[str, Any]) -> list[tuple[str, int]]:
    return list(many["per_second_by_hops"].items())


def _net_lines(net: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {'peer':18}{'orders':>8}" + "".join(f"{model:>22}" for model in _MODELS)
    for peer, row in net.items():
        cells = (f"{row[model]['theirs']:.6f} / {row[model]['ours']:.6f}" for model in _MODELS)
        yield f"  {peer:18}{row['orders']:>8}" + "".join(f"{cell:>22}" for cell in cells)


def _tables(report: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, list[str]]]]]:
    for name, found in report["universes"].items():
        title = f"{name}: {found['pools']} pools, {found['tokens']} tokens"
        yield title, [(router, _cells(row)) for router, row in found["rows"].items()]


def _cells(row: Mapping[str, Any]) -> list[str]:
    if "failure" in row:
        return [f"not run: {row['failure']}"]
    slower, better = row.get("times_slower"), row.get("better_than_ours")
    return [
        str(row["orders"]),
        str(row["refused"]),
        f"{row['median_ms']:.3f}",
        f"{row['p99_ms']:.3f}",
        "" if slower is None else f"{slower:.1f}",
        _bp(row["shortfall_median_bp"]),
        _bp(row["shortfall_worst_bp"]),
        "" if better is None else f"{better} ({row['best_over_ours_bp']:.4f} bp)",
    ]


def _bp(shortfall: float | None) -> str:
    return "" if shortfall is None else f"{shortfall:.4f}"
