//! Why a feed cannot go on.

use std::fmt;

/// The events do not continue the state of the publisher: build it anew from an image, with a new epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfStep {
    /// A command's sequence is less than one already published.
    Backwards,
    /// The instrument is not the next one, or not one that exists.
    Instrument,
    /// A trade or a change names an order that is not displayed.
    OrderUnknown,
    /// An order is displayed that is displayed already.
    OrderTwice,
    /// More lots leave an order or a level than it shows.
    Lots,
    /// A price, side, kind or count is outside its range.
    OutOfRange,
    /// More orders than a u32 counts.
    TooMany,
}

impl fmt::Display for OutOfStep {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Backwards => "the command's sequence runs backwards",
            Self::Instrument => "the instrument does not exist, or is not the next one",
            Self::OrderUnknown => "the order is not displayed",
            Self::OrderTwice => "the order is displayed already",
            Self::Lots => "more lots leave than are shown",
            Self::OutOfRange => "a number is outside its range",
            Self::TooMany => "too many orders",
        })
    }
}

impl std::error::Error for OutOfStep {}
