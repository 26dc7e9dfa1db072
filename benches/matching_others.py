"""Figures of other matching engines, each with where it comes from. Nothing here is measured anew.

`MEASURED` and the two lists behind it were measured once, on 2026-11-22, on a virtual machine with
two cores of an AMD EPYC (Zen 5, 2.6 GHz) that other work shared, thread-CPU time, median (min..max)
of 5 where a range stands; Java after five warming runs. `PUBLISHED` is what others say of
themselves, on other machines and workloads: not comparable, only context.
"""

from typing import NamedTuple


class Measured(NamedTuple):
    """Thread-CPU million commands/s on our tapes, median (min..max) of 5."""

    engine: str
    xc: str
    itch: str
    deep: str
    liq: str
    end_state: str


class Published(NamedTuple):
    """A figure of others on their own machine and workload."""

    engine: str
    figure: str
    conditions: str
    source: str


MEASURED = (
    Measured(
        engine="exchange-core, direct book (Java)",
        xc="10.8 (10.8..10.9)",
        itch="11.6 (10.9..11.7)",
        deep="3.7 (3.4..3.8)",
        liq="13.8 (13.6..13.8)",
        end_state="equal",
    ),
    Measured(
        engine="exchange-core, naive book (Java)",
        xc="2.0 (1.9..3.2)",
        itch="2.7",
        deep="0.41",
        liq="4.3",
        end_state="equal",
    ),
    Measured(
        engine="CppTrader (C++)",
        xc="8.1 (6.1..8.7)",
        itch="5.0..10.8",
        deep="3.1 (3.1..3.2)",
        liq="5.6 (4.5..6.1)",
        end_state="equal",
    ),
    Measured(
        engine="Liquibook, no depth (C++)",
        xc="5.5 (5.4..5.5)",
        itch="0.67 (0.64..0.67)",
        deep="not run",
        liq="6.5 (5.7..6.5)",
        end_state="equal on liq only",
    ),
    Measured(
        engine="Liquibook, depth of 5 (C++)",
        xc="2.8",
        itch="0.5",
        deep="not run",
        liq="5.6",
        end_state="equal on liq only",
    ),
)
PUBLISHED = (
    Published(
        engine="exchange-core",
        figure="5 M ops/s; at 1 M/s p50 0.5 us, p99 4 us, p99.9 22 us",
        conditions="2 x Xeon X5690, 1 symbol, matching and risk, no journal",
        source="its README",
    ),
    Published(
        engine="exchange-core",
        figure="150 ns per match in large sweeps",
        conditions="the same",
        source="its README",
    ),
    Published(
        engine="CppTrader",
        figure="3.2 M ITCH messages/s; 8.3 M optimised",
        conditions="i7-4790K; book building, not matching",
        source="its README",
    ),
    Published(
        engine="Liquibook",
        figure="2.0-2.5 M inserts/s",
        conditions="machine not said; no cancels",
        source="its README",
    ),
    Published(
        engine="OrderBook-rs",
        figure="p50 833 ns, p99 31.7 us",
        conditions="M4 Max, 70/20/10 mix",
        source="its BENCH.md",
    ),
    Published(
        engine="LMAX",
        figure="6 M orders/s",
        conditions="Nehalem, one thread, 2011",
        source="martinfowler.com/articles/lmax.html",
    ),
    Published(
        engine="flash1 survey: best open engine",
        figure="8.19 M messages/s, worst of five flows",
        conditions="Graviton4, two threads",
        source="flash1-dev/matching-engine-benchmark",
    ),
    Published(
        engine="flash1 survey: CppTrader",
        figure="7.26 M messages/s",
        conditions="the same",
        source="the same",
    ),
    Published(
        engine="flash1 survey: nanobook",
        figure="3.52 M messages/s",
        conditions="the same",
        source="the same",
    ),
    Published(
        engine="flash1 survey: exchange-core",
        figure="1.40 M messages/s",
        conditions="the same",
        source="the same",
    ),
    Published(
        engine="flash1 survey: Liquibook",
        figure="0.03 M messages/s",
        conditions="the same",
        source="the same",
    ),
    Published(
        engine="flash1 survey: its publisher's own",
        figure="33.20 M messages/s",
        conditions="the same; not open",
        source="the same",
    ),
)


class Flow(NamedTuple):
    """Million messages/s on the flash1 flows, one call per message, one thread."""

    engine: str
    static: str
    normal: str
    swing_25: str
    swing_40: str
    flash_crash: str


class Single(NamedTuple):
    """One figure under the conditions named."""

    engine: str
    figure: str
    conditions: str


MEASURED_FLOWS = (
    Flow(
        engine="CppTrader (C++)",
        static="17.5 (16.5..18.5)",
        normal="16.0 (16.0..16.2)",
        swing_25="16.2 (16.2..16.3)",
        swing_40="17.2 (17.2..17.4)",
        flash_crash="17.7 (16.1..18.6)",
    ),
    Flow(
        engine="geseq/cpp-orderbook (C++)",
        static="12.6 (12.2..12.7)",
        normal="11.6 (10.9..11.6)",
        swing_25="11.3 (8.6..11.5)",
        swing_40="11.2 (8.1..11.3)",
        flash_crash="11.7 (11.5..11.9)",
    ),
)
MEASURED_BEFORE = (
    Single(
        engine="exchange-core, whole pipeline (Java)",
        figure="0.59..0.77 M commands/s",
        conditions="its own data, risk and matching, five threads on two cores",
    ),
    Single(
        engine="exchange-core, with its journal",
        figure="0.35..0.51 M commands/s",
        conditions="the same, LZ4 journal on disk",
    ),
    Single(
        engine="litebook 0.0.1 (Rust, PyO3)",
        figure="492..592 k calls/s",
        conditions="liq, one call per command",
    ),
    Single(
        engine="lightmatchingengine 2019.1.4 (Python)",
        figure="269 k calls/s",
        conditions="the same",
    ),
    Single(
        engine="cython-orderbook 0.1.2 (Cython)",
        figure="227 k calls/s",
        conditions="the same",
    ),
    Single(engine="obook 0.1.0 (Go)", figure="188 k calls/s", conditions="the same"),
    Single(engine="pyorderbook 0.4.9 (Python)", figure="172 k calls/s", conditions="the same"),
    Single(engine="fastlob 0.0.24 (Python)", figure="65 k calls/s", conditions="the same"),
)
