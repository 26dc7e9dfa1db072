//! Market data: the public view of the engine's events, and its consumer.
//!
//! [`Publisher`] turns event records into 64-byte [`FeedRecord`]s: trades, top of book, levels with absolute
//! lots, phases, and on demand the displayed orders, snapshots and the indicative price. [`Follower`] builds the
//! book back and knows when it must start anew. The format is fixed in `docs/specs/market-data.md`.

mod book;
mod checksum;
mod error;
mod follower;
mod indicative;
mod instrument;
mod publisher;
mod queue;
mod record;
mod snapshot;
mod view;

pub use book::{DepthBook, FeedBook, OrdersBook};
pub use checksum::{depth_checksum, LEVELS, QUEUE};
pub use error::OutOfStep;
pub use follower::{Applied, Follower, Resync};
pub use indicative::{indicative, Indicative};
pub use publisher::Publisher;
pub use record::{FeedKind, FeedRecord, FLAG_AUCTION};

/// Builds the levels of an instrument from the depth channel.
pub type DepthFollower = Follower<DepthBook>;

/// Builds the queues of an instrument from the order channel.
pub type OrdersFollower = Follower<OrdersBook>;
