//! Laws that every command must keep, judged from the state before and after it and its events alone.
//!
//! They know nothing of how an engine works, so they also judge what engine and twin agree on.

mod ledger;
mod state;
mod stream;

use router_core::engine::{CommandRecord, EventRecord, Image};

/// One command with what it did.
#[derive(Debug, Clone)]
pub struct Step {
    /// The state before it.
    pub before: Image,
    /// Its records.
    pub records: Vec<CommandRecord>,
    /// Its events.
    pub events: Vec<EventRecord>,
    /// The state after it.
    pub after: Image,
}

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    /// In continuous trading the best bid is below the best offer.
    NeverCrossed,
    /// No trade while a better price waits on the opposite side.
    PricePriority,
    /// Within a level the head trades first.
    FirstInFirstOut,
    /// A trade prints at the price of the maker.
    MakerPrice,
    /// What events say about open lots adds up for every order.
    Quantities,
    /// Money comes and goes only with deposits and withdrawals.
    FundsConserved,
    /// What is held is what the open orders need.
    HeldIsNeeded,
    /// Orders that may not rest do not.
    NoRestForImmediate,
    /// A fill-or-kill order trades wholly or not at all.
    AllOrNothing,
    /// A post-only order is never the taker.
    PostOnlyNeverTakes,
    /// A refused command gives one event and changes nothing.
    RefusalChangesNothing,
    /// No trade that self-trade prevention forbids.
    NoSelfTrade,
    /// A client id stands for one order.
    ClientIdsAreUnique,
    /// The events alone turn the book before into the book after.
    EventsRebuildTheBook,
    /// Every event names the command.
    EventsNameTheCommand,
    /// A reduce-only order never opens or turns a position.
    ReduceOnlyReduces,
    /// Linked orders exist and name each other.
    LinksAgree,
    /// After an uncross, before anything else is done, the book is not crossed.
    UncrossLeavesNoCross,
    /// An `Uncross` tells the lots and the one price of the auction trades of its round.
    UncrossTellsItsRound,
    /// In an uncross nobody gets a rebate.
    NoRebateInUncross,
    /// Exits of a bracket that is done wait outside continuous trading only, with equal lots.
    ExitsWaitForTrading,
    /// No account has more open orders or client ids than it may.
    AccountCaps,
    /// No two tiers pay the two sides of a trade more than they take from them.
    TiersNeverPay,
}

impl Law {
    /// Every law.
    pub const ALL: &'static [Self] = &[
        Self::NeverCrossed,
        Self::PricePriority,
        Self::FirstInFirstOut,
        Self::MakerPrice,
        Self::Quantities,
        Self::FundsConserved,
        Self::HeldIsNeeded,
        Self::NoRestForImmediate,
        Self::AllOrNothing,
        Self::PostOnlyNeverTakes,
        Self::RefusalChangesNothing,
        Self::NoSelfTrade,
        Self::ClientIdsAreUnique,
        Self::EventsRebuildTheBook,
        Self::EventsNameTheCommand,
        Self::ReduceOnlyReduces,
        Self::LinksAgree,
        Self::UncrossLeavesNoCross,
        Self::UncrossTellsItsRound,
        Self::NoRebateInUncross,
        Self::ExitsWaitForTrading,
        Self::AccountCaps,
        Self::TiersNeverPay,
    ];
}

/// The laws that a command broke, without repetition.
#[must_use]
pub fn broken(step: &Step) -> Vec<Law> {
    let mut found = Vec::new();
    state::judge(step, &mut found);
    stream::judge(step, &mut found);
    ledger::judge(step, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

fn require(holds: bool, law: Law, found: &mut Vec<Law>) {
    if !holds {
        found.push(law);
    }
}
