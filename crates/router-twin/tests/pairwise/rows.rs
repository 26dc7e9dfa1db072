//! What is varied, and which of it the rules allow.

use router_core::engine::{order_flags, OrderType, Phase, Side, StpMode, Tif};
use router_twin::cover::Partial;

/// Flags and what goes with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marks {
    Plain,
    PostOnly,
    Slide,
    ReduceOnly,
    Quote,
    Mark,
    Iceberg,
}

impl Marks {
    pub(crate) const ALL: &'static [Self] = &[
        Self::Plain,
        Self::PostOnly,
        Self::Slide,
        Self::ReduceOnly,
        Self::Quote,
        Self::Mark,
        Self::Iceberg,
    ];

    pub(crate) fn flags(self) -> u16 {
        match self {
            Self::Plain | Self::Iceberg => 0,
            Self::PostOnly => order_flags::POST_ONLY,
            Self::Slide => order_flags::POST_ONLY | order_flags::SLIDE,
            Self::ReduceOnly => order_flags::REDUCE_ONLY,
            Self::Quote => order_flags::QUOTE,
            Self::Mark => order_flags::MARK,
        }
    }
}

/// The amend that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Less,
    More,
    Price,
    Requeue,
}

impl Change {
    pub(crate) const ALL: &'static [Self] = &[
        Self::None,
        Self::Less,
        Self::More,
        Self::Price,
        Self::Requeue,
    ];
}

/// The place of the order in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Alone,
    OcoHead,
    OcoLeg,
    BracketHead,
    TakeProfit,
    BracketStop,
}

impl Role {
    pub(crate) const ALL: &'static [Self] = &[
        Self::Alone,
        Self::OcoHead,
        Self::OcoLeg,
        Self::BracketHead,
        Self::TakeProfit,
        Self::BracketStop,
    ];
}

/// What the instrument keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Books {
    Neither,
    Funded,
    Positions,
}

impl Books {
    pub(crate) const ALL: &'static [Self] = &[Self::Neither, Self::Funded, Self::Positions];
}

/// What is there when the order arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scene {
    Empty,
    OneLevel,
    OwnAcross,
    Deep,
}

impl Scene {
    pub(crate) const ALL: &'static [Self] =
        &[Self::Empty, Self::OneLevel, Self::OwnAcross, Self::Deep];
}

/// When the engine is thrown away, and what it goes on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crash {
    Never,
    ImageAfterOrder,
    ImageAfterAmend,
    ImageAnywhere,
    Replay,
}

impl Crash {
    pub(crate) const ALL: &'static [Self] = &[
        Self::Never,
        Self::ImageAfterOrder,
        Self::ImageAfterAmend,
        Self::ImageAnywhere,
        Self::Replay,
    ];
}

/// Values of each factor, in the order of the fields of [`Row`].
pub(crate) fn sizes() -> [usize; 12] {
    [
        OrderType::ALL.len(),
        Tif::ALL.len(),
        Marks::ALL.len(),
        Role::ALL.len(),
        Phase::ALL.len(),
        Books::ALL.len(),
        StpMode::ALL.len(),
        Change::ALL.len(),
        Scene::ALL.len(),
        Crash::ALL.len(),
        Side::ALL.len(),
        2,
    ]
}

/// One case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) kind: OrderType,
    pub(crate) tif: Tif,
    pub(crate) marks: Marks,
    pub(crate) role: Role,
    pub(crate) phase: Phase,
    pub(crate) books: Books,
    pub(crate) stp: StpMode,
    pub(crate) change: Change,
    pub(crate) scene: Scene,
    pub(crate) crash: Crash,
    pub(crate) side: Side,
    /// The price reaches over the opposite best.
    pub(crate) reaches: bool,
}

impl Row {
    pub(crate) fn new(values: &[usize]) -> Option<Self> {
        let at = |place: usize| values.get(place).copied();
        Some(Self {
            kind: *OrderType::ALL.get(at(0)?)?,
            tif: *Tif::ALL.get(at(1)?)?,
            marks: *Marks::ALL.get(at(2)?)?,
            role: *Role::ALL.get(at(3)?)?,
            phase: *Phase::ALL.get(at(4)?)?,
            books: *Books::ALL.get(at(5)?)?,
            stp: *StpMode::ALL.get(at(6)?)?,
            change: *Change::ALL.get(at(7)?)?,
            scene: *Scene::ALL.get(at(8)?)?,
            crash: *Crash::ALL.get(at(9)?)?,
            side: *Side::ALL.get(at(10)?)?,
            reaches: at(11)? == 1,
        })
    }
}

pub(crate) fn lasts(tif: Tif) -> bool {
    matches!(tif, Tif::Gtc | Tif::Gtd | Tif::Day)
}

pub(crate) fn is_stop(kind: OrderType) -> bool {
    matches!(
        kind,
        OrderType::Stop | OrderType::StopLimit | OrderType::TrailingStop
    )
}

/// Section 4: which types take which time in force.
pub(crate) fn type_takes(kind: OrderType, tif: Tif) -> bool {
    match kind {
        OrderType::Limit | OrderType::StopLimit => true,
        OrderType::Market | OrderType::Stop => matches!(tif, Tif::Ioc | Tif::Fok),
        OrderType::MarketToLimit | OrderType::Pegged => lasts(tif),
        OrderType::TrailingStop => tif == Tif::Ioc,
    }
}

/// Check 6 for types alone: which phases take which.
pub(crate) fn phase_takes(phase: Phase, kind: OrderType, tif: Tif) -> bool {
    match phase {
        Phase::Continuous => true,
        Phase::Auction => is_stop(kind) || (kind == OrderType::Limit && lasts(tif)),
        Phase::Closed | Phase::Halted => false,
    }
}

/// Section 4: flags with type and time in force.
fn marks_fit(marks: Marks, kind: OrderType, tif: Tif) -> bool {
    match marks {
        Marks::Plain | Marks::ReduceOnly => true,
        Marks::PostOnly | Marks::Slide => {
            matches!(kind, OrderType::Limit | OrderType::StopLimit) && lasts(tif)
        }
        Marks::Quote => kind == OrderType::Market && tif == Tif::Ioc,
        Marks::Mark => is_stop(kind),
        Marks::Iceberg => kind == OrderType::Limit && lasts(tif),
    }
}

/// Section 11: what may stand where in a list.
fn role_takes(role: Role, kind: OrderType, tif: Tif) -> bool {
    match role {
        Role::Alone => true,
        Role::OcoHead | Role::TakeProfit => kind == OrderType::Limit && lasts(tif),
        Role::OcoLeg | Role::BracketStop => is_stop(kind),
        Role::BracketHead => matches!(kind, OrderType::Limit | OrderType::Market),
    }
}

fn role_bears(role: Role, marks: Marks) -> bool {
    role == Role::Alone || !matches!(marks, Marks::Iceberg | Marks::ReduceOnly | Marks::Quote)
}

/// Whether phase and combination of the order let it through to its numbers.
pub(crate) fn allowed(row: &Partial) -> bool {
    let at = |place: usize| row.get(place).copied().flatten();
    let kind = at(0).and_then(|at| OrderType::ALL.get(at).copied());
    let tif = at(1).and_then(|at| Tif::ALL.get(at).copied());
    let marks = at(2).and_then(|at| Marks::ALL.get(at).copied());
    let role = at(3).and_then(|at| Role::ALL.get(at).copied());
    let phase = at(4).and_then(|at| Phase::ALL.get(at).copied());
    let books = at(5).and_then(|at| Books::ALL.get(at).copied());
    let stp = at(6).and_then(|at| StpMode::ALL.get(at).copied());
    if matches!(phase, Some(Phase::Closed | Phase::Halted)) {
        return false;
    }
    let auction = phase == Some(Phase::Auction);
    if auction && role.is_some_and(|role| role != Role::Alone) {
        return false;
    }
    if let (Some(role), Some(marks)) = (role, marks) {
        if !role_bears(role, marks) {
            return false;
        }
    }
    if let (Some(Marks::ReduceOnly), Some(books)) = (marks, books) {
        if books != Books::Positions {
            return false;
        }
    }
    if marks == Some(Marks::Quote) && stp == Some(StpMode::Decrement) {
        return false;
    }
    let (Some(kind), Some(tif)) = (kind, tif) else {
        return true;
    };
    let bare = matches!(marks, None | Some(Marks::Plain | Marks::Iceberg));
    type_takes(kind, tif)
        && marks.is_none_or(|marks| marks_fit(marks, kind, tif))
        && role.is_none_or(|role| role_takes(role, kind, tif))
        && (!auction || phase_takes(Phase::Auction, kind, tif) && (is_stop(kind) || bare))
}
