//! The pure core: deterministic, no I/O, no clock, no randomness, no panic on input.
//!
//! - [`num`]: 256-bit integer helpers with the rounding in the name.
//! - [`amm`]: pools as values; a quote returns amounts, cost and the next pool.
//! - [`engine`]: the matching engine, from command records to event records.
//! - [`feed`]: market data from the engine's events, and the book a consumer builds from it.
//! - [`journal`]: the bytes of the matching journal: frames, marks, snapshot headers.
//! - [`solver`]: splits one order over ladders and pools and bounds the best possible answer.

pub mod amm;
pub mod engine;
pub mod feed;
pub mod journal;
pub mod num;
pub mod solver;
