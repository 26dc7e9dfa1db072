//! What the journal makes durable.

use router_core::journal::Record;

/// A deterministic machine that is driven by records only: no clock, no randomness, no I/O.
///
/// `apply(a ++ b)` must do what `apply(a); apply(b)` does whenever `b` starts a submission: live and in
/// recovery the records come in groups of different sizes.
pub trait StateMachine: Sized + Send + 'static {
    /// Applies whole submissions and appends what happened to `events`. Never fails: a record that is
    /// invalid becomes an event that says so.
    fn apply(&mut self, records: &[Record], events: &mut Vec<Record>);

    /// Appends the whole state to `out`.
    fn save(&self, out: &mut Vec<u8>);

    /// Reads a state that [`Self::save`] wrote; `None` if it cannot. Must not panic, whatever the bytes.
    fn load(bytes: &[u8]) -> Option<Self>;

    /// Returns a hash over everything that can change what a later record does.
    fn state_hash(&self) -> u64;

    /// Returns the version of the rules; raised with every change that could replay differently.
    fn semantics_version() -> u32;

    /// Returns whether a record begins a submission. Linked records that follow their head do not;
    /// they are kept in the same frame as the head.
    fn starts_submission(_record: &Record) -> bool {
        true
    }
}
