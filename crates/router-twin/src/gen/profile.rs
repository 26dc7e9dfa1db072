//! What a run is mostly about.

use router_core::engine::{CommandKind, OrderType};

/// Weights of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Limit and market orders that trade as they arrive, on plain books.
    Continuous,
    /// Frequent auctions, halts and closes.
    Auctions,
    /// Stops, trailing stops and lists.
    Stops,
    /// Accounts that can pay for little, fees and rebates.
    Funded,
    /// Net positions and reduce-only orders.
    Positions,
    /// Pegs and icebergs.
    Pegs,
}

impl Profile {
    /// Every profile.
    pub const ALL: &'static [Self] = &[
        Self::Continuous,
        Self::Auctions,
        Self::Stops,
        Self::Funded,
        Self::Positions,
        Self::Pegs,
    ];

    /// The instrument to which most commands go: 0 plain, 1 funded, 2 with positions.
    pub(super) fn main_instrument(self) -> u32 {
        match self {
            Self::Continuous | Self::Pegs => 0,
            Self::Funded | Self::Stops => 1,
            Self::Positions | Self::Auctions => 2,
        }
    }

    /// Weight of a command kind. Every kind is named.
    pub(super) fn weight(self, kind: CommandKind) -> u64 {
        match kind {
            CommandKind::New => 800,
            CommandKind::Cancel => 80,
            CommandKind::CancelByClientId => 30,
            CommandKind::Amend => 110,
            CommandKind::Reduce => 40,
            CommandKind::MassCancel => 6,
            CommandKind::Disconnect => 4,
            CommandKind::Tick => 25,
            CommandKind::AddInstrument => 2,
            CommandKind::SetRule => 14,
            CommandKind::SetPhase => self.pick(Self::Auctions, 60, 8),
            CommandKind::SetMark => self.pick(Self::Stops, 30, 10),
            CommandKind::SetPosition => self.pick(Self::Positions, 40, 4),
            CommandKind::Deposit => self.pick(Self::Funded, 30, 12),
            CommandKind::Withdraw => self.pick(Self::Funded, 20, 4),
            CommandKind::SetTier => 4,
            CommandKind::SetAccount => 5,
            CommandKind::SetKill => 4,
        }
    }

    /// Weights of the scenes: rounds of an uncross, brackets, caps of accounts.
    pub(super) fn scenes(self) -> [u64; 3] {
        [
            self.pick(Self::Auctions, 6, 2),
            self.pick(Self::Stops, 6, 3),
            2,
        ]
    }

    fn pick(self, profile: Self, mine: u64, others: u64) -> u64 {
        if self == profile {
            mine
        } else {
            others
        }
    }

    /// Weight of an order type. Every type is named.
    pub(super) fn type_weight(self, kind: OrderType) -> u64 {
        let stops = self.pick(Self::Stops, 14, 3);
        match kind {
            OrderType::Limit => 60,
            OrderType::Market => 10,
            OrderType::MarketToLimit => 4,
            OrderType::Stop | OrderType::StopLimit | OrderType::TrailingStop => stops,
            OrderType::Pegged => self.pick(Self::Pegs, 30, 2),
        }
    }

    /// Per mille of new commands that are lists.
    pub(super) fn lists(self) -> u64 {
        self.pick(Self::Stops, 250, 60)
    }

    /// Per mille of limit orders that are icebergs.
    pub(super) fn icebergs(self) -> u64 {
        self.pick(Self::Pegs, 400, 80)
    }

    /// Per mille of orders that are reduce-only.
    pub(super) fn reduce_only(self) -> u64 {
        self.pick(Self::Positions, 350, 40)
    }
}
