//! Exchanges numbered in underlying coins: through a lending protocol, or through the base pool of
//! a metapool.

use super::holdings::{scaled, unscaled, Holdings, Scaled, Trade};
use super::liquidity::Shared;
use super::terms::FEE_ONE;
use crate::amm::AmmError;
use crate::num::U256;

/// Number of a metapool's coin that is the base pool's share; every higher underlying coin is the
/// base pool's.
pub(super) const SHARE: usize = 1;

/// What a swap takes, pays and leaves.
#[derive(Clone, Debug)]
pub(super) struct Step<P> {
    pub(super) amount_out: U256,
    pub(super) fee_amount: U256,
    pub(super) next: P,
}

impl<P> Step<P> {
    /// Returns the same step with what it leaves made into something else.
    pub(super) fn map<Q>(self, next: impl FnOnce(P) -> Q) -> Step<Q> {
        Step {
            amount_out: self.amount_out,
            fee_amount: self.fee_amount,
            next: next(self.next),
        }
    }
}

/// A metapool and its base pool.
#[derive(Clone, Debug)]
pub(super) struct Over<'a> {
    pub(super) meta: &'a Holdings,
    pub(super) base: &'a Shared,
}

impl Holdings {
    /// Returns the contract's `exchange` between two own coins.
    pub(super) fn exchange(
        &self,
        pair: (usize, usize),
        amount_in: U256,
    ) -> Result<Step<Self>, AmmError> {
        let at = self.scaled()?;
        let grown = self
            .grown(&at, pair.0, amount_in)
            .ok_or(AmmError::Overflow)?;
        let trade = self.trade(&at, pair.0, pair.1, grown)?;
        self.settled(pair, (amount_in, grown), &trade, amount_in)
            .ok_or(AmmError::Overflow)
    }

    /// Returns the step of a trade; `paid` is what the taker paid, of which the fee is a part.
    fn settled(
        &self,
        pair: (usize, usize),
        taken: (U256, U256),
        trade: &Trade,
        paid: U256,
    ) -> Option<Step<Self>> {
        Some(Step {
            amount_out: trade.amount_out,
            fee_amount: trade.fee_in(paid)?,
            next: self.after(pair, taken, trade)?,
        })
    }

    /// Returns the contract's `exchange_underlying` of a lending pool: `precisions` bring coins to
    /// 18 decimals, and what is left of a rate is the lending protocol's.
    pub(super) fn exchange_lent(
        &self,
        precisions: &[U256],
        pair: (usize, usize),
        amount_in: U256,
    ) -> Result<Step<Self>, AmmError> {
        let rate = |coin| self.lent_rate(precisions, coin);
        let lent = rate(pair.0).and_then(|rate| unscaled(amount_in, rate));
        let lent = lent.ok_or(AmmError::Overflow)?;
        if lent.is_zero() {
            return Err(AmmError::EmptyPool);
        }
        let step = self.exchange(pair, lent)?;
        let redeemed = rate(pair.1).and_then(|rate| scaled(step.amount_out, rate));
        let fee_amount = rate(pair.0).and_then(|rate| scaled(step.fee_amount, rate));
        Ok(Step {
            amount_out: redeemed.ok_or(AmmError::Overflow)?,
            fee_amount: fee_amount
                .and_then(|fee| fee.checked_add(U256::ONE))
                .ok_or(AmmError::Overflow)?
                .min(amount_in),
            next: step.next,
        })
    }
}

impl Holdings {
    /// Returns what one of the lending protocol's tokens is worth, with 18 decimals (and the
    /// difference of the two coins' decimals).
    pub(super) fn lent_rate(&self, precisions: &[U256], coin: usize) -> Option<U256> {
        self.rate(coin)?.checked_div(*precisions.get(coin)?)
    }

    /// Returns what an exchange pays.
    pub(super) fn output(
        &self,
        at: &Scaled,
        pair: (usize, usize),
        amount_in: U256,
    ) -> Result<U256, AmmError> {
        let grown = self
            .grown(at, pair.0, amount_in)
            .ok_or(AmmError::Overflow)?;
        self.trade(at, pair.0, pair.1, grown)
            .map(|trade| trade.amount_out)
    }
}

/// The pools after a swap; `None` where a pool is as before.
pub(super) type Pools = (Option<Holdings>, Option<Shared>);

impl Over<'_> {
    /// Returns the contract's `exchange_underlying`.
    pub(super) fn exchange(
        &self,
        (coin_in, coin_out): (usize, usize),
        amount_in: U256,
    ) -> Result<Step<Pools>, AmmError> {
        match (coin_in.checked_sub(SHARE), coin_out.checked_sub(SHARE)) {
            (Some(from), Some(into)) => {
                let step = self.base.holdings.exchange((from, into), amount_in)?;
                let supply = self.base.supply;
                Ok(step.map(|holdings| (None, Some(Shared { holdings, supply }))))
            }
            (Some(from), None) => self.deposit_and_exchange(from, amount_in),
            (None, Some(into)) => self.exchange_and_withdraw(into, amount_in),
            (None, None) => {
                let step = self.meta.exchange((coin_in, coin_out), amount_in)?;
                Ok(step.map(|meta| (Some(meta), None)))
            }
        }
    }

    fn deposit_and_exchange(&self, from: usize, amount_in: U256) -> Result<Step<Pools>, AmmError> {
        self.base.holdings.scaled()?;
        let at = self.meta.scaled()?;
        let (shares, base) = self
            .base
            .deposit(from, amount_in)
            .ok_or(AmmError::Overflow)?;
        let pair = (SHARE, 0);
        let grown = self
            .meta
            .grown(&at, SHARE, shares)
            .ok_or(AmmError::Overflow)?;
        let trade = self.meta.trade(&at, pair.0, pair.1, grown)?;
        let step = self
            .meta
            .settled(pair, (shares, grown), &trade, amount_in)
            .ok_or(AmmError::Overflow)?;
        Ok(step.map(|meta| (Some(meta), Some(base))))
    }

    fn exchange_and_withdraw(&self, into: usize, amount_in: U256) -> Result<Step<Pools>, AmmError> {
        self.base.holdings.scaled()?;
        let step = self.meta.exchange((0, SHARE), amount_in)?;
        // The base pool takes one off what it pays, so that a few shares buy nothing.
        let (amount_out, base) = self
            .base
            .withdraw(into, step.amount_out)
            .ok_or(AmmError::EmptyPool)?;
        Ok(Step {
            amount_out,
            fee_amount: step.fee_amount,
            next: (Some(step.next), Some(base)),
        })
    }

    /// Returns the contract's `get_dy_underlying`, which estimates the base pool's deposit fee.
    pub(super) fn viewed(
        &self,
        (coin_in, coin_out): (usize, usize),
        amount_in: U256,
    ) -> Result<U256, AmmError> {
        let (from, into) = (coin_in.checked_sub(SHARE), coin_out.checked_sub(SHARE));
        if let (Some(from), Some(into)) = (from, into) {
            return self.base.holdings.view((from, into), amount_in);
        }
        let at = self.meta.scaled()?;
        self.base.holdings.scaled()?;
        let grown = match from {
            Some(from) => self
                .share_value(from, amount_in)
                .and_then(|value| at.balance(SHARE)?.checked_add(value)),
            None => self.meta.grown(&at, 0, amount_in),
        };
        let grown = grown.ok_or(AmmError::Overflow)?;
        let trade = self
            .meta
            .trade(&at, coin_in.min(SHARE), coin_out.min(SHARE), grown)?;
        let Some(into) = into else {
            return Ok(trade.amount_out);
        };
        self.base
            .withdraw(into, trade.amount_out)
            .map(|(paid, _)| paid)
            .ok_or(AmmError::EmptyPool)
    }

    /// Returns what the view takes a deposit to be worth, with 18 decimals.
    fn share_value(&self, from: usize, amount_in: U256) -> Option<U256> {
        let shares = self.base.minted_without_fee(from, amount_in)?;
        let value = scaled(shares, self.meta.rate(SHARE)?)?;
        let fee = value
            .checked_mul(self.base.holdings.terms().fee)?
            .checked_div(FEE_ONE.checked_mul(U256::from(2_u64))?)?;
        value.checked_sub(fee)
    }
}

impl Holdings {
    /// Returns the contract's `get_dy`.
    pub(super) fn view(
        &self,
        (coin_in, coin_out): (usize, usize),
        amount_in: U256,
    ) -> Result<U256, AmmError> {
        let at = self.scaled()?;
        let grown = self
            .grown(&at, coin_in, amount_in)
            .ok_or(AmmError::Overflow)?;
        let trade = self.trade(&at, coin_in, coin_out, grown)?;
        self.viewed(coin_out, &trade).ok_or(AmmError::Overflow)
    }
}
