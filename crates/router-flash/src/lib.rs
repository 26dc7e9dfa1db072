//! The matching engine behind the C interface of the public matching-engine benchmark.
//!
//! What the interface asks for is in `docs/development/flash1-abi.md`.
//!
//! - [`abi`]: its records, byte for byte.

pub mod abi;
