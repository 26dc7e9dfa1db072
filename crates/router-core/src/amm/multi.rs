//! What every pool of two or more coins answers.

use super::{AmmError, Quote};
use crate::num::U256;

/// A pool of two or more coins as a value. Coins are numbered as in the contract.
pub trait MultiPool: Sized {
    /// Number of coins.
    fn coin_count(&self) -> usize;

    /// Returns the swap of exactly `amount_in` base units of `coin_in`.
    ///
    /// # Errors
    /// `InvalidRequest` for coins that are equal or absent, otherwise as the pool documents.
    fn quote_exact_in(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_in: U256,
    ) -> Result<Quote<Self>, AmmError>;

    /// Returns the swap that delivers `amount_out` base units of `coin_out`.
    ///
    /// # Errors
    /// `InvalidRequest` for coins that are equal or absent, otherwise as the pool documents.
    fn quote_exact_out(
        &self,
        coin_in: usize,
        coin_out: usize,
        amount_out: U256,
    ) -> Result<Quote<Self>, AmmError>;
}
