//! Why a pool cannot answer.

use std::fmt;

/// The reason a pool was refused or gives no quote. [`AmmError::code`] is stable, the text is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AmmError {
    /// The amount is zero or beyond what the contract accepts (`int256` for V3).
    AmountRange,
    /// The pool holds nothing to trade in this direction.
    EmptyPool,
    /// The pool cannot deliver the asked output.
    InsufficientLiquidity,
    /// The state is one that no pool contract can be in; the text says which rule it breaks.
    InvalidPool(&'static str),
    /// The contract would revert because a number outgrows its type.
    Overflow,
    /// The question makes no sense for this pool, such as a price limit on the wrong side.
    InvalidRequest(&'static str),
}

impl AmmError {
    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AmountRange => "AMOUNT_RANGE",
            Self::EmptyPool => "EMPTY_POOL",
            Self::InsufficientLiquidity => "INSUFFICIENT_LIQUIDITY",
            Self::InvalidPool(_) => "INVALID_POOL",
            Self::Overflow => "OVERFLOW",
            Self::InvalidRequest(_) => "INVALID_REQUEST",
        }
    }

    /// Returns one sentence for people.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::AmountRange => "The amount is zero or larger than the pool contract accepts.",
            Self::EmptyPool => "The pool holds no liquidity in this direction.",
            Self::InsufficientLiquidity => "The pool cannot deliver the asked amount.",
            Self::Overflow => "The pool contract would revert: a number outgrows its type.",
            Self::InvalidPool(reason) | Self::InvalidRequest(reason) => reason,
        }
    }
}

impl fmt::Display for AmmError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl std::error::Error for AmmError {}
