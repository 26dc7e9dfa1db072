//! Armed orders against a list that is scanned from end to end.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing
)]

use proptest::prelude::*;
use router_core::engine::triggers::{Armed, Rail, Triggers};

#[derive(Clone, Copy, Debug, PartialEq)]
struct Plain {
    rail: Rail,
    trailing: bool,
    number: i64,
    watermark: Option<i64>,
    armed: Armed,
}

impl Plain {
    fn fires(&self, price: i64) -> bool {
        let trigger = match (self.trailing, self.watermark, self.rail.buy) {
            (false, _, _) => self.number,
            (true, Some(mark), false) => mark - self.number,
            (true, Some(mark), true) => mark + self.number,
            (true, None, _) => return false,
        };
        if self.rail.buy {
            price >= trigger
        } else {
            price <= trigger
        }
    }

    fn follow(&mut self, price: i64) {
        let seen = self.watermark.unwrap_or(price);
        self.watermark = Some(if self.rail.buy {
            seen.min(price)
        } else {
            seen.max(price)
        });
    }
}

#[derive(Clone, Debug)]
enum Step {
    Arm {
        rail: Rail,
        trailing: bool,
        number: i64,
        watermark: Option<i64>,
    },
    Disarm(usize),
    Reference {
        mark: bool,
        price: i64,
    },
}

fn rails() -> impl Strategy<Value = Rail> {
    (any::<bool>(), any::<bool>()).prop_map(|(buy, mark)| Rail { buy, mark })
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (rails(), any::<bool>(), 1..60_i64, prop::option::weighted(0.8, 20..60_i64)).prop_map(
            |(rail, trailing, number, watermark)| Step::Arm { rail, trailing, number, watermark }
        ),
        1 => any::<prop::sample::Index>().prop_map(|at| Step::Disarm(at.index(1 << 16))),
        3 => (any::<bool>(), 20..60_i64).prop_map(|(mark, price)| Step::Reference { mark, price }),
    ]
}

fn arm(triggers: &mut Triggers, order: &Plain) {
    if order.trailing {
        triggers.arm_trailing(order.rail, order.number, order.watermark, order.armed);
    } else {
        triggers.arm_stop(order.rail, order.number, order.armed);
    }
}

fn scan(plain: &mut Vec<Plain>, mark: bool, price: i64) -> Vec<Armed> {
    let (gone, mut left): (Vec<_>, Vec<_>) = plain
        .iter()
        .copied()
        .partition(|order| order.rail.mark == mark && order.fires(price));
    for order in left
        .iter_mut()
        .filter(|order| order.trailing && order.rail.mark == mark)
    {
        order.follow(price);
    }
    *plain = left;
    let mut fired: Vec<Armed> = gone.iter().map(|order| order.armed).collect();
    fired.sort_unstable();
    fired
}

proptest! {
    #[test]
    fn references_fire_what_a_scan_finds(steps in prop::collection::vec(steps(), 1..200)) {
        let mut triggers = Triggers::default();
        let mut plain: Vec<Plain> = Vec::new();
        for (count, step) in steps.into_iter().enumerate() {
            match step {
                Step::Arm { rail, trailing, number, watermark } => {
                    let armed = Armed { order: count as u64, slot: 9_000 - count as u32 };
                    let watermark = watermark.filter(|_| trailing);
                    let order = Plain { rail, trailing, number, watermark, armed };
                    arm(&mut triggers, &order);
                    plain.push(order);
                }
                Step::Disarm(at) if !plain.is_empty() => {
                    let order = plain.remove(at % plain.len());
                    let id = order.armed.order;
                    let gone = if order.trailing {
                        triggers.disarm_trailing(order.rail, id)
                    } else {
                        triggers.disarm_stop(order.rail, order.number, id)
                    };
                    prop_assert!(gone);
                    prop_assert!(!triggers.disarm_trailing(order.rail, id));
                }
                Step::Disarm(_) => {}
                Step::Reference { mark, price } => {
                    let mut fired = Vec::new();
                    triggers.reference(mark, price, &mut fired);
                    prop_assert_eq!(fired, scan(&mut plain, mark, price));
                }
            }
            for order in plain.iter().filter(|order| order.trailing) {
                prop_assert_eq!(triggers.watermark(order.rail, order.armed.order), order.watermark);
            }
        }
    }
}
