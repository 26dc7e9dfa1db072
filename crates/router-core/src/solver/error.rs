//! Why an order has no plan.

use std::fmt;

use crate::amm::AmmError;

/// The reason an order or a market was refused. [`SolveError::code`] is stable, the text is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SolveError {
    /// The question makes no sense; the text says which rule it breaks.
    InvalidRequest(&'static str),
    /// No chain of venues within the hop limit joins the two tokens.
    NoRoute,
    /// The tokens are joined, but the venues cannot fill the amount.
    InsufficientLiquidity,
    /// A number outgrows 256 bits.
    Overflow,
}

impl SolveError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "INVALID_REQUEST",
            Self::NoRoute => "NO_ROUTE",
            Self::InsufficientLiquidity => "INSUFFICIENT_LIQUIDITY",
            Self::Overflow => "OVERFLOW",
        }
    }

    /// Returns one sentence for people.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::InvalidRequest(reason) => reason,
            Self::NoRoute => "No route within the hop limit connects the two tokens.",
            Self::InsufficientLiquidity => "The venues cannot fill the amount.",
            Self::Overflow => "A number outgrows 256 bits.",
        }
    }
}

impl fmt::Display for SolveError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl std::error::Error for SolveError {}

impl From<AmmError> for SolveError {
    fn from(error: AmmError) -> Self {
        match error {
            AmmError::Overflow => Self::Overflow,
            AmmError::InvalidRequest(reason) | AmmError::InvalidPool(reason) => {
                Self::InvalidRequest(reason)
            }
            AmmError::AmountRange | AmmError::EmptyPool | AmmError::InsufficientLiquidity => {
                Self::InsufficientLiquidity
            }
        }
    }
}
