//! Random draws of the workloads: one 64-bit Mersenne Twister, 53 bits a draw.

use rand_mt::Mt64;

/// Two to the power of minus 53.
const ULP: f64 = 1.0 / 9_007_199_254_740_992.0;

/// A stream of draws; equal seeds give equal streams on every machine.
#[derive(Debug)]
pub(super) struct Draws(Mt64);

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mt64::new(seed))
    }

    /// Uniform in `0.0..1.0`.
    #[allow(clippy::cast_precision_loss, reason = "53 bits are exact in a double")]
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * ULP
    }

    /// Uniform in `0..bound`.
    #[allow(
        clippy::cast_precision_loss,
        reason = "every bound is far below 53 bits"
    )]
    pub(super) fn below(&mut self, bound: i64) -> i64 {
        (self.unit() * bound as f64) as i64
    }

    /// Uniform index into a collection of `length` elements.
    pub(super) fn index(&mut self, length: usize) -> usize {
        self.below(length as i64) as usize
    }
}
