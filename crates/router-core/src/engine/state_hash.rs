//! A fast 64-bit hash over a stream of bytes, the same on every machine.

use super::image_codec::ByteSink;

const SEED: u64 = 0x243F_6A88_85A3_08D3;
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// Hashes bytes eight at a time, however they are cut into pieces.
#[derive(Debug, Clone)]
pub struct StateHasher {
    state: u64,
    word: u64,
    filled: u32,
    length: u64,
}

impl Default for StateHasher {
    fn default() -> Self {
        Self {
            state: SEED,
            word: 0,
            filled: 0,
            length: 0,
        }
    }
}

impl StateHasher {
    /// Returns the hash of all bytes so far.
    #[must_use]
    pub fn finish(&self) -> u64 {
        let with_rest = fold(self.state ^ self.word);
        fold(with_rest ^ self.length)
    }

    /// Takes up to eight bytes that stand in the low end of `bytes`.
    #[inline]
    fn feed(&mut self, bytes: u64, count: u32) {
        let shift = self.filled.wrapping_mul(8);
        self.word |= bytes.wrapping_shl(shift);
        let filled = self.filled.wrapping_add(count);
        if filled < 8 {
            self.filled = filled;
            return;
        }
        self.state = fold(self.state ^ self.word);
        self.filled = filled.wrapping_sub(8);
        // With nothing filled before, all of `bytes` is in the word that was just folded.
        self.word = if shift == 0 {
            0
        } else {
            bytes.wrapping_shr(64_u32.wrapping_sub(shift))
        };
    }
}

impl ByteSink for StateHasher {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.length = self.length.wrapping_add(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0_u8; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.feed(u64::from_le_bytes(word), chunk.len() as u32);
        }
    }
}

/// Multiplies to 128 bits and folds the halves, so that every bit of the input moves every bit.
#[inline]
fn fold(word: u64) -> u64 {
    let wide = u128::from(word ^ SEED).wrapping_mul(u128::from(FACTOR));
    ((wide >> 64) as u64) ^ (wide as u64)
}
