//! Cases whose events were worked out by hand from the rules, each compared with both engines.
#![allow(
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a difference ends the test"
)]

mod account_caps;
mod bounds;
mod funds;
mod lists;
mod pegs;
mod phases;
mod rounds;
mod script;
mod stops;
mod waiting_exits;
