//! The matching engine: a pure state machine over sequenced commands.
//!
//! The rules are fixed in `docs/specs/matching.md`. Which file does what:
//!
//! - [`command`], [`codec`]: what the engine is told; [`event`], [`reason`]: what it answers;
//!   [`rules`]: small types and bounds; [`image`]: the whole state as plain values.

pub mod auction_price;
pub mod clients;
pub mod codec;
pub mod command;
pub mod event;
pub mod funds;
pub mod image;
pub mod image_codec;
pub mod image_decode;
mod numbered;
pub mod reason;
pub mod rules;
pub mod state_hash;
mod trailing;
pub mod triggers;

pub use codec::{decode, encode, Malformed};
pub use command::{command_len, Command, CommandKind, CommandRecord, NewInstrument, NewOrder};
pub use event::{event_flags, CountingSink, EventKind, EventRecord, Sink};
pub use image::Image;
pub use image_codec::{encode_image, image_hash};
pub use image_decode::{decode_image, ImageDecodeError};
pub use reason::Reason;
pub use rules::{
    class, order_flags, Limits, ListRole, OrderType, PegKind, Phase, RuleKind, Rules, Side,
    StpMode, Tier, Tif, MAX_PRICE, MAX_QTY, SEMANTICS_VERSION,
};
