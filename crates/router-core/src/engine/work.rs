//! What a command leaves to be done when its own action is over, in the order of the rules.

use std::collections::VecDeque;

/// Waiting work of one instrument; empty between commands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    /// Bracket exits to bring to life: take profit and stop by id.
    pub(crate) activations: VecDeque<(u64, u64)>,
    /// References to look at: price, and whether it is a mark.
    pub(crate) references: VecDeque<(u32, bool)>,
    /// Ids of stops that fired.
    pub(crate) fired: VecDeque<u64>,
    last_print: u32,
}

impl Work {
    /// Not 0 if anything waits.
    #[inline]
    pub(crate) fn waiting(&self) -> usize {
        self.activations.len() | self.references.len() | self.fired.len()
    }

    /// Adds a trade price unless the trade before it in the command printed the same.
    pub(crate) fn print(&mut self, price: u32) {
        if self.last_print != price {
            self.last_print = price;
            self.references.push_back((price, false));
        }
    }

    /// Starts a command: its first print is a reference whatever was printed before.
    #[inline]
    pub(crate) fn begin(&mut self) {
        self.last_print = 0;
    }
}
