//! The matching engine: a pure state machine over sequenced commands.
//!
//! The rules are fixed in `docs/specs/matching.md`. Which file does what:
//!
//! - [`command`], [`codec`]: what the engine is told; [`event`], [`reason`]: what it answers;
//!   [`rules`]: small types and bounds; [`image`]: the whole state as plain values.
//! - `submit`: the engine and its front; `book`: an instrument, and what instruments share.
//! - `slab`, `ladder`, `ids`, `roster`: orders, price levels, orders by id and by account; `view`:
//!   looking at them.
//! - `place`, `checks`, `prepare`, `reach`: new orders, their checks 2 to 13 and 14 to 19; `taker`,
//!   `matching`: an order on its way through the book; `resting`, `removal`: how it stays or goes; `amend`,
//!   `cancel`: changing orders; `settle`: holds and payments; `ahead`: reading early what a batch will touch.
//! - [`funds`], [`clients`], [`triggers`], `accounts`, `expiry`, `work`: state beside the books;
//!   `queue`, `line_index`: a queue and a hash index that grow without ever being copied.
//! - `cascade`: what follows from a command; `lists`: linked orders; `pegs`; [`auction_price`] and
//!   auctions; `admin`: administrative commands; `snapshot`, `restore`: state as an image and back.

mod accounts;
mod admin;
mod ahead;
mod amend;
mod auction;
pub mod auction_price;
mod book;
mod cancel;
mod cascade;
mod checks;
pub mod clients;
pub mod codec;
pub mod command;
pub mod event;
mod expiry;
pub mod funds;
mod ids;
pub mod image;
pub mod image_codec;
pub mod image_decode;
mod ladder;
mod line_index;
mod links;
mod lists;
mod mass;
mod matching;
mod numbered;
mod pegs;
mod place;
mod plain;
mod prepare;
mod queue;
mod reach;
pub mod reason;
mod removal;
mod resting;
mod restore;
mod roster;
pub mod rules;
mod settle;
mod slab;
mod snapshot;
pub mod state_hash;
mod stp;
mod submit;
mod taker;
mod trailing;
pub mod triggers;
mod view;
mod work;

pub use codec::{decode, encode, Malformed};
pub use command::{command_len, Command, CommandKind, CommandRecord, NewInstrument, NewOrder};
pub use event::{event_flags, CountingSink, EventKind, EventRecord, Sink};
pub use image::Image;
pub use image_codec::{encode_image, image_hash};
pub use image_decode::{decode_image, ImageDecodeError};
pub use plain::{PlainBook, PlainOrder};
pub use reason::Reason;
pub use restore::RestoreError;
pub use rules::{
    class, order_flags, Limits, ListRole, OrderType, PegKind, Phase, RuleKind, Rules, Side,
    StpMode, Tier, Tif, MAX_PRICE, MAX_QTY, SEMANTICS_VERSION,
};
pub use submit::Engine;
pub use view::{DepthLevel, RestingOrder};
