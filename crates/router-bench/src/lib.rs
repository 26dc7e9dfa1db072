//! Workloads with known end states, and the tools that measure engines on them.
//!
//! - [`workload`]: four deterministic command tapes and the state each must end in.
//! - [`flash1`]: the message stream of a public benchmark and the hash of the right answer.
//! - [`tape`]: the tapes as the engine's own records.
//! - [`gate`]: whether an engine ended where it should have; no figure without it.
//! - [`symbols`]: many instruments at once.
//! - [`measure`]: clocks, spreads, latencies without coordinated omission, tables.
//!
//! Nothing here runs in production: a benchmark that overflows or indexes past an end stops, which
//! is what it should do, so the lints of the core against panics and floats are lifted.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a benchmark that goes wrong has to stop, and statistics are floats"
)]

pub mod flash1;
pub mod gate;
pub mod measure;
pub mod symbols;
pub mod tape;
pub mod workload;
