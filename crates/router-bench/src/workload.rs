//! Four deterministic command tapes, and the end state that every right engine reaches.
//!
//! The definitions are public (`docs/development/matching-workloads.md`); a tape depends on nothing
//! but its numbers and seed, so two programs that follow the definition write equal bytes.
//!
//! - `xc`: the mix of exchange-core's own benchmark; 1,000 resting orders that keep moving.
//! - `itch`: adds and cancels near the touch as in an equity feed; 20,000 resting orders.
//! - `deep`: the same with 200,000 resting orders over 4,900 levels.
//! - `liq`: inserts only, a quarter of them crossing; the book grows for ever.

mod draws;
mod file;
mod growing;
mod passive;
mod reference;
mod session;
mod shifting;

pub use file::{write_records, RECORD_BYTES};
pub use reference::{l2_hash, EndState, Fill, ReferenceBook, Resting};

/// What a command does to the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Action {
    /// A new order.
    New = 0,
    /// Removes a resting order.
    Cancel = 1,
    /// Takes a resting order out and offers its rest anew at another price, under the same id.
    Move = 2,
    /// Takes `quantity` off a resting order, which keeps its place; all of it removes the order.
    Reduce = 3,
}

/// The side of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Side {
    /// Bids.
    Buy = 0,
    /// Offers.
    Sell = 1,
}

impl Side {
    /// The other side.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// One command of a tape. Prices are ticks, quantities lots, ids count from 1 in order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// Order that is placed or meant.
    pub id: u64,
    /// Limit of a new or moved order, else 0.
    pub price: i64,
    /// Size of a new order, rest of a moved one, reduction of a reduced one, else 0.
    pub quantity: i64,
    /// Owner, from 1.
    pub user: u32,
    /// What is asked for.
    pub action: Action,
    /// Side of the order.
    pub side: Side,
    /// True if what does not fill at once is dropped.
    pub immediate: bool,
}

/// The named tapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// exchange-core's mix, 3,001,000 commands.
    Xc,
    /// Equity feed, 3,020,000 commands.
    Itch,
    /// Equity feed over a deep book, 3,200,000 commands.
    Deep,
    /// Inserts only, 1,000,000 commands.
    Liq,
}

/// How long a tape is and how large its book becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Commands after the book has been filled.
    pub commands: usize,
    /// Orders that fill the book first, and around which its size then varies.
    pub resting: usize,
    /// Number of owners.
    pub users: u32,
    /// Seed of the 64-bit Mersenne Twister.
    pub seed: u64,
}

/// A tape together with the state in which the reference book ends.
#[derive(Clone, Debug)]
pub struct Tape {
    /// The commands in order.
    pub commands: Vec<Command>,
    /// Where the reference book stood after the last one.
    pub end: EndState,
}

impl Workload {
    /// Every named tape, in the order of the tables.
    pub const ALL: [Self; 4] = [Self::Xc, Self::Itch, Self::Deep, Self::Liq];

    /// Name in tables and file names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Xc => "xc",
            Self::Itch => "itch",
            Self::Deep => "deep",
            Self::Liq => "liq",
        }
    }

    /// The tape of that name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|workload| workload.name() == name)
    }

    /// The published size of the tape.
    #[must_use]
    pub fn size(self) -> Size {
        let (commands, resting, users) = match self {
            Self::Xc => (3_000_000, 1_000, 1_000),
            Self::Itch => (3_000_000, 20_000, 1_000),
            Self::Deep => (3_000_000, 200_000, 10_000),
            Self::Liq => (1_000_000, 0, 1_000),
        };
        Size {
            commands,
            resting,
            users,
            seed: 7,
        }
    }

    /// The published end state of the tape of [`Workload::size`].
    #[must_use]
    pub fn oracle(self) -> EndState {
        let (trades, volume, orders, levels, l2_hash) = match self {
            Self::Xc => (
                118_657,
                1_011_277,
                (486, 512),
                (305, 322),
                0x5076_f025_2e31_7cdc,
            ),
            Self::Itch => (
                350_680,
                4_989_532,
                (10_059, 9_927),
                (91, 84),
                0x1f18_a878_3239_73d6,
            ),
            Self::Deep => (
                350_094,
                5_002_980,
                (99_920, 100_097),
                (2_452, 2_453),
                0x1006_9e19_6394_bebd,
            ),
            Self::Liq => (
                458_412,
                139_028_100,
                (247_138, 246_862),
                (6, 7),
                0x31c4_dca3_9d08_5748,
            ),
        };
        EndState {
            trades,
            volume,
            bids: orders.0,
            asks: orders.1,
            bid_levels: levels.0,
            ask_levels: levels.1,
            l2_hash,
        }
    }

    /// Writes the published tape.
    #[must_use]
    pub fn generate(self) -> Tape {
        self.generate_sized(self.size())
    }

    /// Writes a tape of another size; the same rules, so a prefix differs only where `size` counts.
    #[must_use]
    pub fn generate_sized(self, size: Size) -> Tape {
        match self {
            Self::Xc => shifting::generate(size),
            Self::Itch => passive::generate(size, passive::NEAR_TICKS),
            Self::Deep => passive::generate(size, passive::FAR_TICKS),
            Self::Liq => growing::generate(size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    fn prefix_digest(workload: Workload) -> String {
        let small = Size {
            commands: 20_000,
            resting: workload.size().resting.min(2_000),
            ..workload.size()
        };
        let mut bytes = Vec::new();
        assert!(write_records(&workload.generate_sized(small).commands, &mut bytes).is_ok());
        hex(&Sha256::digest(&bytes))
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_small_tapes_are_the_published_bytes() {
        for (workload, digest) in [
            (
                Workload::Xc,
                "443f430f75d654fe4154d0dcba7b17c67e13d2b743a70a5a59ac61239fcae365",
            ),
            (
                Workload::Itch,
                "40f39db9d618ea586a2e965bca5209a4b1ef85c1e289377355d4e91317b15ca9",
            ),
            (
                Workload::Deep,
                "88fdbaf6a08cedb1195a45e814c96193f731c4551d59f6fc2f5bbf361118b9be",
            ),
            (
                Workload::Liq,
                "486a2ce9f1a418f3df8c991527ad90b349c409b0b09bcbd689d2d8ce36b14217",
            ),
        ] {
            assert_eq!(prefix_digest(workload), digest, "{}", workload.name());
        }
    }

    #[test]
    #[cfg_attr(
        debug_assertions,
        ignore = "a minute without optimisation; the benchmark itself checks it before it times"
    )]
    fn the_full_tapes_end_in_the_published_states() {
        for workload in Workload::ALL {
            assert_eq!(
                workload.generate().end,
                workload.oracle(),
                "{}",
                workload.name()
            );
        }
    }
}
