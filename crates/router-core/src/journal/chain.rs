//! A fast 64-bit hash and the chain that ties each frame to all frames before it.
//!
//! It finds accidents (a lost, doubled, swapped or stale frame), not a forger with write access.

/// Odd constant of the multiply step: the golden ratio in 64 bits.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
/// Where the four lanes start; any four different numbers do.
const LANES: [u64; 4] = [
    0x243f_6a88_85a3_08d3,
    0x1319_8a2e_0370_7344,
    0xa409_3822_299f_31d0,
    0x082e_fa98_ec4e_6c89,
];
/// Bytes that one step of the four lanes takes.
const STRIDE: usize = 32;

/// The hash of a frame and of all frames before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Chain(pub u64);

/// Each step is a bijection of the lane for a fixed word: one changed word always shows.
#[inline]
const fn step(lane: u64, word: u64) -> u64 {
    let mixed = (lane ^ word).wrapping_mul(MULTIPLIER);
    mixed ^ (mixed >> 32)
}

/// Returns the hash of `bytes`: four independent lanes, because one would wait for its multiplier.
#[must_use]
pub fn hash64(bytes: &[u8]) -> u64 {
    let [mut one, mut two, mut three, mut four] = LANES;
    let strides = bytes.chunks_exact(STRIDE);
    let rest = strides.remainder();
    for stride in strides {
        let [a, b, c, d] = words(stride);
        one = step(one, a);
        two = step(two, b);
        three = step(three, c);
        four = step(four, d);
    }
    if !rest.is_empty() {
        let mut last = [0; STRIDE];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        let [a, b, c, d] = words(&last);
        one = step(one, a);
        two = step(two, b);
        three = step(three, c);
        four = step(four, d);
    }
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    [two, three, four, length].into_iter().fold(one, step)
}

/// Splits a stride into its four words; bytes that are missing count as zero.
#[inline]
fn words(stride: &[u8]) -> [u64; 4] {
    let mut rest = stride;
    let mut next = || match rest.split_first_chunk::<8>() {
        Some((word, tail)) => {
            rest = tail;
            u64::from_le_bytes(*word)
        }
        None => 0,
    };
    [next(), next(), next(), next()]
}
