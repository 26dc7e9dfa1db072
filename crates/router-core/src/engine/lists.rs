//! Linked orders: pairs of which one cancels the other, and brackets.

use super::book::{Book, Shared};
use super::command::CommandRecord;
use super::event::Sink;
use super::image::LinkImage;
use super::submit::Engine;

/// An order that was just removed, as its partners see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    /// Its id.
    pub(crate) id: u64,
    /// Lots that were filled.
    pub(crate) filled: u64,
    /// Its partners.
    pub(crate) link: LinkImage,
}

impl Engine {
    /// Takes a head with its legs: one command.
    pub(crate) fn place_list(&mut self, records: &[CommandRecord], out: &mut dyn Sink) {
        let _ = (records, out, &self.books);
    }
}

impl Book {
    /// After a trade or an STP reduction of a linked order that may live on: an OCO sibling goes, and the
    /// order is in no list any more. Heads of brackets are not affected.
    pub(crate) fn link_touched(&mut self, shared: &mut Shared, slot: u32, out: &mut dyn Sink) {
        let _ = (shared, slot, out, &self.terms);
    }

    /// After the removal of a linked order for any reason, being filled included; its slot is free.
    pub(crate) fn link_gone(&mut self, shared: &mut Shared, gone: Gone, out: &mut dyn Sink) {
        let _ = (shared, gone, out, &self.terms);
    }

    /// Holds what a linked order that comes to rest, and its partner with it, need.
    pub(crate) fn hold_linked(&self, shared: &mut Shared, slot: u32) {
        let _ = (shared, slot, &self.terms);
    }

    /// Frees what a linked order that is about to be removed holds beyond what its partner goes on holding.
    pub(crate) fn free_linked(&self, shared: &mut Shared, slot: u32) {
        let _ = (shared, slot, &self.terms);
    }

    /// Frees what lots that are taken off a linked order held; [`Book::link_touched`] follows.
    pub(crate) fn free_linked_lots(&self, shared: &mut Shared, slot: u32, lots: u64) {
        let _ = (shared, slot, lots, &self.terms);
    }
}
