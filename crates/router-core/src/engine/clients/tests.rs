//! The known client ids against a map with a line, and that the key of the index shows nowhere.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a failing test may panic; numbers under test are small"
)]

use proptest::prelude::*;
use std::collections::{HashMap, VecDeque};

use super::{ClientEntry, ClientOrder, Clients};
use crate::engine::{
    encode, image_hash, Command, CommandRecord, Engine, EventRecord, Limits, NewInstrument,
    NewOrder, Phase, Side, Tif,
};

const OTHER: [u64; 4] = [3, 1 << 63, 0x1234_5678_9ABC_DEF0, u64::MAX];

/// What `Clients` has to be, said plainly.
#[derive(Default)]
struct Plain {
    line: VecDeque<(u32, u64, u64)>,
    orders: HashMap<(u32, u64), u64>,
}

impl Plain {
    fn insert(&mut self, account: u32, client_id: u64, order: u64, now_ns: u64) {
        self.orders.insert((account, client_id), order);
        self.line.push_back((account, client_id, now_ns));
    }

    fn forget(&mut self, now_ns: u64, window_ns: u64, is_open: impl Fn(u64) -> bool) {
        while let Some((account, client_id, time_ns)) = self.line.front().copied() {
            if now_ns - time_ns <= window_ns {
                return;
            }
            self.line.pop_front();
            if is_open(self.orders[&(account, client_id)]) {
                self.line.push_back((account, client_id, now_ns));
            } else {
                self.orders.remove(&(account, client_id));
            }
        }
    }
}

fn entry(account: u32, client_id: u64, order: u64, time_ns: u64) -> ClientEntry {
    let target = ClientOrder {
        instrument: account ^ 1,
        order,
    };
    ClientEntry {
        account,
        client_id,
        target,
        time_ns,
    }
}

fn check(clients: &Clients, plain: &Plain) -> Result<(), TestCaseError> {
    let expected = plain.line.iter().map(|(account, client_id, time_ns)| {
        entry(
            *account,
            *client_id,
            plain.orders[&(*account, *client_id)],
            *time_ns,
        )
    });
    prop_assert!(clients.line().eq(expected));
    prop_assert_eq!(clients.len(), plain.line.len());
    for (account, client_id, _) in &plain.line {
        let number = clients.number(*account, *client_id);
        prop_assert_eq!(
            number.map(|number| clients.client_id(number)),
            Some(*client_id)
        );
        prop_assert_eq!(clients.number(*account + 9, *client_id), None);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Bursts of thousands, so that lines split and overflow, over the end of the numbers.
    #[test]
    fn bursts_of_ids_come_and_go_as_in_a_map_with_a_line(
        key in any::<[u64; 4]>(), start in 0..3_000_u32, same_bits in 0..40_u32,
        bursts in prop::collection::vec((0..2_500_u64, 0..4_u64, 2..9_u64), 1..8), window in 0..6_u64
    ) {
        let mut clients = Clients { front: start.wrapping_neg().max(1), ..Clients::with_key(key) };
        let mut plain = Plain::default();
        let (mut now, mut order) = (0, 0);
        for (count, wait, keep) in bursts {
            now += wait;
            let mut moved = HashMap::new();
            clients.forget(now, window, |due| {
                let stays = due.target.order % keep == 0;
                if stays {
                    moved.insert(due.target.order, due.number);
                }
                stays
            });
            plain.forget(now, window, |order| order % keep == 0);
            for _ in 0..count {
                order += 1;
                let (account, client_id) = ((order % 3) as u32, order << same_bits);
                prop_assert_eq!(clients.get(account, client_id), None);
                clients.insert(entry(account, client_id, order, now));
                prop_assert_eq!(clients.number(account, client_id), Some(clients.newest()));
                plain.insert(account, client_id, order, now);
            }
            for (order, number) in moved {
                prop_assert_ne!(number, 0);
                prop_assert_eq!(clients.client_id(number), order << same_bits);
            }
            check(&clients, &plain)?;
        }
    }
}

#[test]
fn an_id_takes_about_thirty_three_bytes_however_many_there_are() {
    let mut clients = Clients::default();
    for number in 1..=200_000_u64 {
        clients.insert(entry(1, number << 32, number, number / 1_000));
        if number > 20_000 && number % 10_000 == 0 {
            let bytes = clients.memory_bytes() as u64 / number;
            assert!(
                (30..36).contains(&bytes),
                "{bytes} bytes per id of {number}"
            );
        }
    }
}

/// Orders with client ids, taken again, cancelled by them, and forgotten while some are open.
fn tape() -> Vec<CommandRecord> {
    let mut commands = vec![
        Command::AddInstrument(NewInstrument {
            instrument: 0,
            base_asset: 1,
            quote_asset: 0,
            lot_units: 1,
            tick_units: 1,
            max_qty: 0,
            funded: false,
            positions: false,
        }),
        Command::SetPhase {
            instrument: 0,
            phase: Phase::Continuous,
        },
    ];
    for count in 0..6_000_u64 {
        let account = (count % 5) as u32;
        let client_id = (count * 7 / 5) << 20;
        let side = if count % 2 == 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        let limit = NewOrder::limit(
            0,
            account,
            side,
            50 + (count * 13 % 9) as i64,
            1 + count % 4,
        );
        let tif = if count % 3 == 0 { Tif::Ioc } else { Tif::Gtc };
        commands.push(Command::New(NewOrder {
            client_id,
            tif,
            ..limit
        }));
        if count % 11 == 0 {
            commands.push(Command::CancelByClientId {
                account,
                client_id: (count / 2 * 7 / 5) << 20,
            });
        }
        if count % 100 == 0 {
            commands.push(Command::Tick { now_ns: count });
        }
    }
    commands.iter().map(encode).collect()
}

#[test]
fn the_key_of_the_index_changes_no_event_and_no_state() {
    let limits = Limits {
        client_window_ns: 900,
        ..Limits::default()
    };
    let mut engines = [[0; 4], OTHER].map(|key| {
        let mut engine = Engine::new(limits);
        engine.shared.clients = Clients::with_key(key);
        engine
    });
    let [first, second] = &mut engines;
    for batch in tape().chunks(500) {
        let (mut heard, mut also): (Vec<EventRecord>, Vec<EventRecord>) = Default::default();
        first.submit(batch, &mut heard);
        second.submit(batch, &mut also);
        assert_eq!(heard, also);
        assert_eq!(first.image(), second.image());
        assert_eq!(first.state_hash(), second.state_hash());
        assert_eq!(image_hash(&first.image()), second.state_hash());
        *second = Engine::from_image(&second.image()).unwrap();
    }
    assert!(first.shared.clients.len() > 100, "ids are remembered");
}

#[test]
fn every_engine_has_a_key_of_its_own() {
    assert_ne!(Clients::default().key, Clients::default().key);
    let [first, second] = [Clients::default(), Clients::default()]
        .map(|clients| clients.key.map(|word| word & 0xFFFF));
    assert_ne!(first, second, "not only by a few bits");
}
