//! Splits one order over ladders and pools and bounds the best possible answer.
//!
//! The way of an order: [`scope`] cuts the market down to what the order can use, [`path`] finds
//! the best single path exactly, [`dual`] finds prices at which all venues' best trades add up to
//! the order and with them the bound, [`recover`] and [`split`] turn the flows into an acyclic plan
//! replayed in integers, [`repair`] uses what lots and dry pools leave over, [`search`] branches over cycles, legs and gas, [`polish`] moves
//! single units. Floats rank and bound; every amount of a plan is an exact integer replay.

mod cells;
mod curve;
mod dual;
mod error;
mod exact_out;
mod float;
mod gas;
mod ladder;
mod linear;
mod many;
mod market;
mod meter;
mod newton;
mod objective;
mod path;
mod plan;
mod point;
mod polish;
mod prune;
mod recover;
mod repair;
mod sampled;
mod scope;
mod search;
mod segments;
mod smooth;
mod solve;
mod split;
mod venue;
mod waste;

pub use error::SolveError;
pub use ladder::LadderSpec;
pub use market::{Market, MarketBuilder};
pub use plan::{Plan, PlanLeg, SolveRequest};
pub use venue::LegGas;
