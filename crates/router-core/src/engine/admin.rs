//! Administrative commands, time and mass removals.

use super::command::{Command, CommandRecord};
use super::event::Sink;
use super::submit::Engine;

impl Engine {
    /// Applies or rejects a command that is not about one order: everything but `New`, `Cancel`,
    /// `CancelByClientId`, `Amend` and `Reduce`.
    pub(crate) fn administer(
        &mut self,
        record: &CommandRecord,
        command: &Command,
        out: &mut dyn Sink,
    ) {
        let _ = (record, command, out, &self.books);
    }
}
