//! The workload of the public matching-engine benchmark, and the hash by which it judges an engine.
//!
//! Written from the public description of flash1-dev/matching-engine-benchmark
//! (`docs/development/flash1-abi.md`), so that our engine can be checked and timed on it without that
//! project's programs. What those programs measure in addition is the hand-over of reports to a
//! second thread.

mod canonical;
mod judge;
mod replay;
mod scenario;

pub use canonical::canonical_hash;
pub use judge::Judge;
pub use replay::{all_reports, one_thread, two_threads};
pub use scenario::Scenario;

use router_flash::abi::{Cancel, Modify, NewOrder};

/// One message of the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// A new order.
    New(NewOrder),
    /// A removal.
    Cancel(Cancel),
    /// Out, and in again.
    Modify(Modify),
}

/// New orders in the published workload.
pub const PUBLISHED_ORDERS: usize = 1_000_000;
/// Seed of the published workload.
pub const PUBLISHED_SEED: u32 = 23;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_judge_on_our_workload_gives_the_published_hash() {
        let messages = Scenario::Normal.generate(PUBLISHED_ORDERS, PUBLISHED_SEED);
        assert_eq!(messages.len(), 1_996_097);
        let mut judge = Judge::default();
        let mut reports = Vec::new();
        for message in &messages {
            judge.judge(message, &mut reports);
        }
        assert_eq!(
            canonical_hash(&mut reports),
            Scenario::Normal.published_hash()
        );
    }
}
