//! Tools to time with: clocks, spreads, percentiles, the machine, tables.

mod clock;
mod latency;
mod machine;
mod report;

pub use clock::{off_core, pin_to_core, timed, Stopwatch, Timing};
pub use latency::{open_loop, Latencies, LatencyRun, Lateness};
pub use machine::{resident_bytes, Machine, Switches};
pub use report::{with_thousands, Report, Row, Spread};
