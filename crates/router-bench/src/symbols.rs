//! A market of many instruments of very different size.

use crate::tape::{records, Duties};
use crate::workload::{EndState, Size, Workload};
use rand_mt::Mt64;
use router_core::engine::CommandRecord;

/// How large the market is.
#[derive(Clone, Copy, Debug)]
pub struct Market {
    /// Instruments.
    pub instruments: u32,
    /// Resting orders of all of them, about.
    pub resting: usize,
    /// Commands after the books have been filled, about.
    pub commands: usize,
    /// Owners.
    pub users: u32,
    /// Seed of the sizes, of the streams and of their order.
    pub seed: u64,
}

/// The streams of all instruments, merged.
#[derive(Clone, Debug)]
pub struct Mix {
    /// Orders that fill the books.
    pub filling: Vec<CommandRecord>,
    /// What is timed.
    pub trading: Vec<CommandRecord>,
    /// Where the reference books of the instruments ended.
    pub ends: Vec<EndState>,
}

/// Shape of the distribution of the instruments' sizes.
const PARETO_SHAPE: f64 = 1.5;

impl Market {
    /// exchange-core's medium market.
    pub const MEDIUM: Self = Self {
        instruments: 10_000,
        resting: 1_000_000,
        commands: 3_000_000,
        users: 3_300_000,
        seed: 7,
    };

    /// An `xc` stream per instrument, its size drawn from a Pareto distribution, merged at random:
    /// each next command is of an instrument in proportion to what it has left.
    #[must_use]
    pub fn generate(self) -> Mix {
        let mut words = Mt64::new(self.seed);
        let weights = self.weights(&mut words);
        let mut filling = Vec::with_capacity(self.resting);
        let mut streams = Vec::new();
        let mut ends = Vec::new();
        for (instrument, weight) in (0..).zip(weights) {
            let size = Size {
                commands: (weight * self.commands as f64) as usize,
                resting: ((weight * self.resting as f64) as usize).max(2),
                users: self.users,
                seed: words.next_u64(),
            };
            let tape = Workload::Xc.generate_sized(size);
            let mut records = records(&tape.commands, Duties::Matching, instrument);
            streams.push(records.split_off(size.resting).into_iter());
            filling.extend(records);
            ends.push(tape.end);
        }
        let mut order: Vec<usize> = streams
            .iter()
            .enumerate()
            .flat_map(|(instrument, stream)| std::iter::repeat_n(instrument, stream.len()))
            .collect();
        shuffle(&mut order, &mut words);
        let trading = order
            .into_iter()
            .filter_map(|at| streams[at].next())
            .collect();
        Mix {
            filling,
            trading,
            ends,
        }
    }

    /// Shares of the instruments, which add up to one.
    fn weights(self, words: &mut Mt64) -> Vec<f64> {
        let drawn: Vec<f64> = (0..self.instruments)
            .map(|_| (1.0 - unit(words)).powf(-1.0 / PARETO_SHAPE))
            .collect();
        let sum: f64 = drawn.iter().sum();
        drawn.into_iter().map(|weight| weight / sum).collect()
    }
}

fn unit(words: &mut Mt64) -> f64 {
    (words.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
}

fn shuffle(order: &mut [usize], words: &mut Mt64) {
    for last in (1..order.len()).rev() {
        order.swap(last, (unit(words) * (last + 1) as f64) as usize);
    }
}
