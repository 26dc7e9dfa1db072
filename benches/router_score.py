"""Scores of the router bench: every answer is replayed exactly before it counts."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from router_replay import Infeasible, Outcome, ReplayUniverse

GAS_PRICE_WEI = 20 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class GasModel:
    """Gas of one swap by the kind of its pool; `later` where a path's further hops cost less."""

    first: Mapping[str, int]
    later: Mapping[str, int]
    per_tick: int

    def gas_of(self, outcome: Outcome) -> int:
        return sum(
            (self.first if leg.is_first else self.later)[leg.kind] + self.per_tick * leg.crossed
            for leg in outcome.legs
        )


def _model(per_tick: int, *, later: Mapping[str, int] | None = None, **first: int) -> GasModel:
    return GasModel(first=first, later={**first, **(later or {})}, per_tick=per_tick)


# The one stated model, and the published constants of the peers, leg by leg.
_OF_PATHS = _model(
    31_000,
    v2=135_000,
    v3=82_000,
    stable=180_000,
    weighted=100_000,
    clob=0,
    later={"v2": 50_000, "v3": 80_000, "stable": 70_000},
)
GAS_MODELS = {
    "stated": _model(20_000, v2=65_000, v3=100_000, stable=120_000, weighted=100_000, clob=0),
    "tines": _model(40_000, v2=60_000, v3=110_000, stable=90_000, weighted=90_000, clob=0),
    "pancake": _OF_PATHS,
    "uniswap": _OF_PATHS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One order's answer; `shortfall_bp` is None where it has no route or cannot be executed."""

    order_id: Any
    ms: float
    shortfall_bp: float | None = None
    outcome: Outcome | None = None
    error: str | None = None


def score(
    document: Mapping[str, Any], bounds: Mapping[Any, float], answers: Iterable[Mapping[str, Any]]
) -> list[Scored]:
    """Replay answers and hold their outputs against the bounds."""
    universe = ReplayUniverse(document)
    orders = {order["id"]: order for order in document["orders"]}
    scored = []
    for answer in answers:
        order = orders[answer["order"]]
        try:
            outcome = _replayed(universe, order, answer)
        except Infeasible as error:
            scored.append(Scored(order_id=order["id"], ms=answer["ms"], error=str(error)))
            continue
        short = (1 - outcome.amount_out / bounds[order["id"]]) * 1e4
        scored.append(
            Scored(order_id=order["id"], ms=answer["ms"], shortfall_bp=short, outcome=outcome)
        )
    return scored


def _replayed(
    universe: ReplayUniverse, order: Mapping[str, Any], answer: Mapping[str, Any]
) -> Outcome:
    if "fills" in answer:
        return universe.fills(order, answer["fills"])
    if "paths" in answer:
        return universe.paths(order, answer["paths"])
    if "shares" in answer:
        return universe.shares(order, answer["shares"])
    raise Infeasible(str(answer.get("error", "no route")))


def row_of(scored: Sequence[Scored]) -> dict[str, Any]:
    """Return what a table shows of a router over a universe."""
    times = sorted(one.ms for one in scored)
    short = [one.shortfall_bp for one in scored if one.shortfall_bp is not None]
    refused = [one for one in scored if one.shortfall_bp is None]
    return {
        "orders": len(scored),
        "refused": len(refused),
        "first_refusal": refused[0].error if refused else None,
        "median_ms": statistics.median(times),
        "p99_ms": times[min(len(times) - 1, len(times) * 99 // 100)],
        "shortfall_median_bp": statistics.median(short) if short else None,
        "shortfall_worst_bp": max(short, default=None),
    }


def net_of(
    document: Mapping[str, Any],
    bounds: Mapping[Any, float],
    scored: Sequence[Scored],
    gas_of: Callable[[Outcome], int],
) -> dict[Any, float]:
    """Return each order's output after gas, as a part of the gross bound; no route is 0.

    Gas is paid in the universe's first token, at the prices that the universe states.
    """
    tokens = document["tokens"]
    coin_usd = tokens[0]["priceUsd"]
    orders = {order["id"]: order for order in document["orders"]}
    net = {}
    for one in scored:
        if one.outcome is None:
            net[one.order_id] = 0.0
            continue
        token = tokens[orders[one.order_id]["tokenOut"]]
        paid_usd = gas_of(one.outcome) * GAS_PRICE_WEI / 1e18 * coin_usd
        cost = paid_usd / token["priceUsd"] * 10 ** token["decimals"]
        net[one.order_id] = (one.outcome.amount_out - cost) / bounds[one.order_id]
    return net
