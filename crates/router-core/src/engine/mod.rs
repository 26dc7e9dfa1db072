//! The matching engine: a pure state machine over sequenced commands.
//!
//! The rules are fixed in `docs/specs/matching.md`. Which file does what:
//!
//! - [`command`], [`codec`]: what the engine is told; [`event`], [`reason`]: what it answers;
//!   [`rules`]: small types and bounds; [`image`]: the whole state as plain values.

pub mod codec;
pub mod command;
pub mod event;
pub mod image;
mod numbered;
pub mod reason;
pub mod rules;

pub use codec::{decode, encode, Malformed};
pub use command::{command_len, Command, CommandKind, CommandRecord, NewInstrument, NewOrder};
pub use event::{event_flags, CountingSink, EventKind, EventRecord, Sink};
pub use image::Image;
pub use reason::Reason;
pub use rules::{
    class, order_flags, Limits, ListRole, OrderType, PegKind, Phase, RuleKind, Rules, Side,
    StpMode, Tier, Tif, MAX_PRICE, MAX_QTY, SEMANTICS_VERSION,
};
