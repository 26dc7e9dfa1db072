#!/usr/bin/env python3
"""Our router beside those that npm carries: speed, distance from the bound, and net of gas.

Run `make bench-router`. Every answer is replayed in exact integers before it counts; a peer that
cannot be installed or run is named with its reason. Prints a table, and writes it to
var/bench/router.json and docs/benchmarks.md (with --write).
"""

import argparse
import gc
import json
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from router_peers import PEERS, Peer, PeerFailure, run
from router_report import page, table
from router_score import GAS_MODELS, GAS_PRICE_WEI, GasModel, Scored, net_of, row_of, score
from router_universes import UNIVERSES

from router.core import Market
from router.universe.market import LegGas, PoolKind, UniverseMarket, market_of
from router.universe.quoting import OfflineLimits, OfflineQuote, quote_body, quote_order
from router.universe.reading import read_universe
from router.universe.records import OrderRecord
from router.universe.writing import universe_json

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data" / "universes"
FOLDER = ROOT / "var" / "bench" / "universes"
ANSWERS = ROOT / "var" / "bench" / "answers"
TARGET = ROOT / "var" / "bench" / "router.json"
PAGE = ROOT / "docs" / "benchmarks.md"
OURS = "ours"
KINDS: tuple[PoolKind, ...] = ("v2", "v3", "weighted", "stable", "clob")
GAS_UNIVERSE = "medium"
# Hops that the yardstick may take where no bounds file says what is possible.
BOUND_HOPS = 6
REPS = 5
MANY = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A universe file, its content, the bounds of its orders, and where they come from."""

    name: str
    path: Path
    document: Mapping[str, Any]
    bounds: Mapping[Any, float]
    source: str


def prepared(name: str) -> Work:
    """Take a universe and its bounds from the shared data, else make it from its seed."""
    shared = SHARED / f"{name}.json"
    if shared.exists():
        lines = (SHARED / f"{name}_bounds.jsonl").read_text(encoding="utf-8").splitlines()
        bounds = {line["order"]: float(line["ub"]) for line in map(json.loads, lines)}
        document = json.loads(shared.read_bytes())
        return Work(name=name, path=shared, document=document, bounds=bounds, source="bounds file")
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(universe_json(UNIVERSES[name]()), encoding="utf-8")
    document = json.loads(path.read_bytes())
    return Work(name=name, path=path, document=document, bounds=_own_bounds(path), source="own")


def _own_bounds(path: Path) -> dict[Any, float]:
    universe = read_universe(path)
    market = market_of(universe)
    bounds = {}
    for order in universe.orders:
        quote = quote_order(market, order, OfflineLimits(max_hops=BOUND_HOPS))
        assert isinstance(quote, OfflineQuote), quote
        bounds[quote.order_id] = float(quote.plan.bound)
    return bounds


def with_gas(work: Work) -> Work:
    """Return the same universe with every order at the stated gas price."""
    document = json.loads(json.dumps(work.document))
    for order in document["orders"]:
        order["gasPriceWei"] = str(GAS_PRICE_WEI)
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{work.name}-gas.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return Work(
        name=f"{work.name}, gas",
        path=path,
        document=document,
        bounds=work.bounds,
        source=work.source,
    )


def our_answers(
    work: Work, limits: OfflineLimits, leg_gas: Mapping[PoolKind, LegGas] | None = None
) -> list[dict[str, Any]]:
    """Quote every order; `ms` is the median of the repetitions of one call from Python."""
    universe = read_universe(work.path)
    market = market_of(universe, leg_gas=leg_gas)
    orders = [order for order in universe.orders if isinstance(order, OrderRecord)]
    for order in orders[:20]:
        quote_order(market, order, limits)
    answers = []
    gc.collect()
    gc.disable()
    for order in orders:
        body = quote_body(quote_order(market, order, limits))
        answers.append({**body, "ms": _median_ms(market, order, limits)})
    gc.enable()
    return answers


def _median_ms(universe: UniverseMarket, order: OrderRecord, limits: OfflineLimits) -> float:
    market: Market = universe.market
    times = []
    for _ in range(REPS):
        started = time.perf_counter_ns()
        market.solve(
            order.token_in,
            order.token_out,
            order.amount_in,
            max_hops=limits.hops_for(universe),
            max_legs=limits.max_legs,
            gas_price_wei=order.gas_price_wei,
            native_token=0,
        )
        times.append(time.perf_counter_ns() - started)
    return sorted(times)[REPS // 2] / 1e6


def peer_answers(peer: Peer, work: Work, seconds: int) -> list[Mapping[str, Any]]:
    ANSWERS.mkdir(parents=True, exist_ok=True)
    name = work.name.replace(", ", "-")
    return run(peer, work.path, ANSWERS / f"{peer.name}_{name}.jsonl", reps=3, seconds=seconds)


def measured(work: Work, peers: Sequence[Peer], seconds: int) -> dict[str, Any]:
    """Run every router over one universe; return its rows, and the scores by router."""
    rows: dict[str, Any] = {}
    scores: dict[str, list[Scored]] = {}
    print(f"bench: {work.name}: {len(work.document['pools'])} pools", flush=True)
    scores[OURS] = score(work.document, work.bounds, our_answers(work, OfflineLimits()))
    rows[OURS] = row_of(scores[OURS])
    for peer in peers:
        print(f"bench: {work.name}: {peer.name}", flush=True)
        try:
            answers = peer_answers(peer, work, seconds)
        except PeerFailure as failure:
            rows[peer.name] = {"failure": str(failure)}
            continue
        scores[peer.name] = score(work.document, work.bounds, answers)
        rows[peer.name] = row_of(scores[peer.name])
        _compare(rows[peer.name], rows[OURS], scores[peer.name], scores[OURS])
    return {"rows": rows, "scores": scores}


def _compare(
    row: dict[str, Any], ours: Mapping[str, Any], theirs: Sequence[Scored], own: Sequence[Scored]
) -> None:
    """Say how much slower a peer is, and on how many of its orders it delivers more than we do."""
    row["times_slower"] = row["median_ms"] / ours["median_ms"]
    mine = {one.order_id: one.outcome for one in own}
    beats = [
        (one.outcome.amount_out - found.amount_out) / found.amount_out * 1e4
        for one in theirs
        if one.outcome is not None and (found := mine[one.order_id]) is not None
    ]
    row["better_than_ours"] = sum(gain > 0 for gain in beats)
    row["best_over_ours_bp"] = max(0.0, max(beats, default=0.0))


def net_rows(work: Work, scores: Mapping[str, Sequence[Scored]]) -> dict[str, Any]:
    """Return by peer and gas model the mean net output, its and ours over the orders it came to.

    Ours is told the model that it is scored by.
    """
    rows: dict[str, Any] = {
        name: {"orders": len(scored)} for name, scored in scores.items() if name != OURS
    }
    for model, gas in GAS_MODELS.items():
        told = {kind: LegGas(base=gas.first[kind], per_tick=_per_tick(kind, gas)) for kind in KINDS}
        own = score(work.document, work.bounds, our_answers(work, OfflineLimits(), told))
        ours = net_of(work.document, work.bounds, own, gas.gas_of)
        for name, row in rows.items():
            theirs = net_of(work.document, work.bounds, scores[name], gas.gas_of)
            means = [sum(net[order] for order in theirs) / len(theirs) for net in (theirs, ours)]
            row[model] = {"theirs": means[0], "ours": means[1]}
    return rows


def _per_tick(kind: PoolKind, gas: GasModel) -> int:
    return gas.per_tick if kind == "v3" else 0


def throughput(work: Work) -> dict[str, Any]:
    """Return quotes a second of one call with many orders, on all cores."""
    universe = read_universe(work.path)
    market = market_of(universe)
    orders = [
        (order.token_in, order.token_out, order.amount_in)
        for order in universe.orders
        if isinstance(order, OrderRecord)
    ]
    many = orders * (MANY // len(orders))
    rates = {}
    for hops in (3, OfflineLimits().hops_for(market)):
        started = time.perf_counter()
        plans = market.market.quote_many(many, max_hops=hops, max_legs=OfflineLimits().max_legs)
        rates[str(hops)] = round(len(plans) / (time.perf_counter() - started))
    return {"universe": work.name, "orders": len(many), "per_second_by_hops": rates}


def machine() -> dict[str, Any]:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("universes", nargs="*", metavar="UNIVERSE", help=", ".join(UNIVERSES))
    parser.add_argument("--seconds", type=int, default=30, help="time of a peer per universe")
    parser.add_argument("--no-peers", action="store_true", help="measure ours alone")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    asked = parser.parse_args()
    names = asked.universes or list(UNIVERSES)
    if unknown := sorted(set(names) - set(UNIVERSES)):
        parser.error(f"unknown universes {unknown}; known are {list(UNIVERSES)}")
    peers = () if asked.no_peers else PEERS
    report: dict[str, Any] = {
        "machine": machine(),
        "peers": {peer.name: f"{peer.package} {peer.version}" for peer in peers},
        "seconds": asked.seconds,
        "universes": {},
    }
    for name in names:
        work = prepared(name)
        report["universes"][name] = {
            "pools": len(work.document["pools"]),
            "tokens": len(work.document["tokens"]),
            "bounds": work.source,
            "rows": measured(work, peers, asked.seconds)["rows"],
        }
        if name == GAS_UNIVERSE:
            gas = with_gas(work)
            found = measured(gas, peers, asked.seconds)
            report["net"] = net_rows(gas, found["scores"])
            report["many"] = throughput(work)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(table(report))
    if asked.write:
        PAGE.write_text(page(report), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
