//! The matching engine behind the C interface of the public matching-engine benchmark.
//!
//! What the interface asks for is in `docs/development/flash1-abi.md`.
//!
//! - [`abi`]: its records, byte for byte.
//! - [`Matcher`]: from its messages to the book and from the book's events to its reports.
//! - [`exports`]: its functions.

pub mod abi;
pub mod exports;
mod matcher;

pub use matcher::{Matcher, MAX_ID};
