//! The engine takes no memory per order once its books have their size.

use router_bench::tape::{opening, records, Duties};
use router_bench::workload::{Size, Workload};
use router_core::engine::{CountingSink, Engine, Limits};

/// Commands after the books are filled, of which the first half brings everything to its size.
const COMMANDS: usize = 200_000;
/// What may still grow: the directory of order ids, by doubling.
const GROWTHS: u64 = 8;

fn allocations(workload: Workload, duties: Duties) -> u64 {
    let size = Size {
        commands: COMMANDS,
        resting: 2_000,
        ..workload.size()
    };
    let records = records(&workload.generate_sized(size).commands, duties, 0);
    let mut engine = Engine::new(Limits {
        max_accounts: duties.accounts(size.users),
        ..Limits::default()
    });
    let mut counted = CountingSink::default();
    engine.submit(&opening(duties, size.users, 1), &mut counted);
    let (settling, steady) = records.split_at(COMMANDS / 2);
    engine.submit(settling, &mut counted);
    let measured = allocation_counter::measure(|| engine.submit(steady, &mut counted));
    assert!(counted.trades > 0, "the tape trades");
    measured.count_total
}

#[test]
fn orders_that_come_and_go_take_no_memory() {
    for workload in [Workload::Xc, Workload::Itch, Workload::Deep] {
        for duties in [Duties::Matching, Duties::Funds] {
            let count = allocations(workload, duties);
            let name = workload.name();
            assert!(
                count <= GROWTHS,
                "{name}, {duties:?}: {count} allocations in 100,000 commands"
            );
        }
    }
}
