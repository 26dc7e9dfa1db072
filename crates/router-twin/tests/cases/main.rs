//! Cases whose events were worked out by hand from the rules, each compared with both engines.
#![allow(
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a difference ends the test"
)]

mod funds;
mod lists;
mod script;
mod stops;
