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

`medium` with gas at {gwei:g} gwei. Each router optimises by its own idea of gas; every answer is
then scored by one model: mean of (output - gas) / gross bound over {orders} orders, no route
counts 0. The *stated* model: V2 65k, V3 100k and 20k per tick crossed, stable 120k, weighted
100k. The others are the peers' published constants, applied to every router leg by leg.
"""
_COLUMNS = (
    ("orders", 7),
    ("refused", 8),
    ("median ms", 10),
    ("p99 ms", 10),
    ("x slower", 9),
    ("median bp", 10),
    ("worst bp", 10),
    ("better", 16),
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
        lines += ["\nnet of gas, mean of the gross bound", *_net_lines(report["net"])]
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
    net = report["net"]
    text += NET.format(gwei=net["gas_price_wei"] / 1e9, orders=net["orders"])
    models = [name for name in net if name not in ("gas_price_wei", "orders")]
    text += "\n| router |" + "".join(f" {name} |" for name in models) + "\n"
    text += "|---|" + "---:|" * len(models) + "\n"
    for router in net["stated"]:
        cells = "".join(f" {net[model][router]:.6f} |" for model in models)
        text += f"| {router} |{cells}\n"
    return text


def _net_lines(net: Mapping[str, Any]) -> Iterator[str]:
    models = [name for name in net if name not in ("gas_price_wei", "orders")]
    yield f"  {'router':18}" + "".join(f"{name:>12}" for name in models)
    for router in net["stated"]:
        yield f"  {router:18}" + "".join(f"{net[model][router]:12.6f}" for model in models)


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
