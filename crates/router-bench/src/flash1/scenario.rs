//! The five order flows: prices along a random walk, shuffled arrivals, short lives.

use super::Message;
use rand_mt::Mt;
use router_flash::abi::{Cancel, Modify, NewOrder};
use std::f64::consts::{LN_2, PI};

const TICK: f64 = 0.005;
const START_PRICE: f64 = 167.52;
const DEPTH_EXPONENT: f64 = 2.23;
const LEVELS: usize = 800;
const HUMP_HEIGHT: f64 = 5.0;
const HUMP_LEVEL: f64 = 8.0;
const IMMEDIATE_SHARE: f64 = 0.15;
const MODIFIED_SHARE: f64 = 0.20;
const REPRICED_SHARE: f64 = 0.80;
const CANCELLED_SHARE: f64 = 0.95;
const REPEATED_SHARE: f64 = 0.02;
const MEDIAN_LIFE_US: f64 = 431.0;

/// One of the published order flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// A fixed middle price and a deep book.
    Static,
    /// A routine session.
    Normal,
    /// A walk of a quarter of the price.
    Swing25,
    /// A walk of two fifths of the price.
    Swing40,
    /// A walk over tens of thousands of ticks.
    FlashCrash,
}

impl Scenario {
    /// Every flow, in the order of the tables.
    pub const ALL: [Self; 5] = [
        Self::Static,
        Self::Normal,
        Self::Swing25,
        Self::Swing40,
        Self::FlashCrash,
    ];

    /// Published name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Normal => "normal",
            Self::Swing25 => "swing-25",
            Self::Swing40 => "swing-40",
            Self::FlashCrash => "flash-crash",
        }
    }

    /// Published hash of all reports, for the published number of orders and seed.
    #[must_use]
    pub fn published_hash(self) -> &'static str {
        match self {
            Self::Static => "9803843ee404fc29c9a0aa5614f8f0d5a58b5c44fcac9ef89067886fcaaa30d1",
            Self::Normal => "e9b2e3926854410b01a035aeb25dd05f1e597c233be8263de9eb49b6713d367e",
            Self::Swing25 => "61a84be9469661bd039e00dbc9a7c011e70b6ace37aadfe60045ea083b05f4df",
            Self::Swing40 => "3cb0175e7982ff09ea220d1feaee3844cf9116a5ce455757879dea1d880b9b9f",
            Self::FlashCrash => "cff8d3f94b709fc64a8b2058a6ca4fb6920364904796e46906895e362d2bb16b",
        }
    }

    /// Volatility and how far the walk is meant to go, as shares of the price.
    fn motion(self) -> (f64, f64) {
        match self {
            Self::Static => (0.0, 0.0),
            Self::Normal => (0.15, 0.02),
            Self::Swing25 => (0.50, 0.25),
            Self::Swing40 => (0.50, 0.40),
            Self::FlashCrash => (0.50, 0.60),
        }
    }

    /// Writes the flow of `orders` (at least 2) new orders and what happens to them.
    #[must_use]
    pub fn generate(self, orders: usize, seed: u32) -> Vec<Message> {
        let mut draws = Draws(Mt::new(seed));
        let placed = self.place(orders, &mut draws);
        let arrivals = draws.permutation(orders);
        let mut timeline = Timeline::default();
        for index in arrivals {
            timeline.live(index as u64 + 1, placed[index], &mut draws);
        }
        timeline.finish()
    }

    fn place(self, orders: usize, draws: &mut Draws) -> Vec<Placed> {
        let (volatility, swing) = self.motion();
        let time_step = if volatility > 0.0 {
            (swing / volatility).powf(2.0) / orders as f64
        } else {
            0.0
        };
        let deviation = volatility * time_step.sqrt();
        let depths = depth_weights();
        let mut middle = START_PRICE;
        (0..orders)
            .map(|index| {
                let step = -0.5 * deviation * deviation + deviation * draws.normal();
                middle *= step.exp();
                let snapped = (middle / TICK).round() * TICK;
                let middle_ticks = (snapped / TICK).round() as i64;
                let level = draws.weighted(&depths);
                let away = level as i64 + 1;
                let buys = index < orders / 2;
                let price = middle_ticks + if buys { -away } else { away };
                Placed {
                    side: u8::from(!buys),
                    price: price.max(1),
                    quantity: 1 + draws.below(100) as u32,
                    level,
                }
            })
            .collect()
    }
}

/// Running sums of the weights of the levels: a power law with a hump near the touch.
fn depth_weights() -> Vec<f64> {
    (0..LEVELS)
        .scan(0.0, |sum, level| {
            let level = level as f64;
            let tail = 1.0 / (level + 1.0).powf(DEPTH_EXPONENT);
            let from_hump = level - HUMP_LEVEL;
            *sum += tail + HUMP_HEIGHT * (-0.5 * from_hump * from_hump).exp();
            Some(*sum)
        })
        .collect()
}

struct Draws(Mt);

impl Draws {
    /// Uniform in `0.0..1.0`, of 27 and then 26 bits.
    fn unit(&mut self) -> f64 {
        let high = f64::from(self.0.next_u32() >> 5);
        let low = f64::from(self.0.next_u32() >> 6);
        (high * 67_108_864.0 + low) * (1.0 / 9_007_199_254_740_992.0)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.unit() * bound as f64) as usize
    }

    fn happens(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    fn normal(&mut self) -> f64 {
        let radius = self.unit().max(1e-300);
        let angle = self.unit();
        (-2.0 * radius.ln()).sqrt() * (2.0 * PI * angle).cos()
    }

    fn exponential(&mut self, rate: f64) -> f64 {
        -self.unit().max(1e-300).ln() / rate
    }

    fn weighted(&mut self, sums: &[f64]) -> usize {
        let target = self.unit() * sums.last().copied().unwrap_or_default();
        sums.partition_point(|sum| *sum < target).min(LEVELS - 1)
    }

    fn permutation(&mut self, length: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..length).collect();
        for last in (1..length).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}

#[derive(Clone, Copy)]
struct Placed {
    side: u8,
    price: i64,
    quantity: u32,
    level: usize,
}

/// Messages with their times, in microseconds, in order of writing.
#[derive(Default)]
struct Timeline {
    messages: Vec<(i64, Message)>,
    now: i64,
}

impl Timeline {
    /// Writes what happens to one order, from its arrival on.
    fn live(&mut self, order_id: u64, placed: Placed, draws: &mut Draws) {
        let immediate = draws.happens(IMMEDIATE_SHARE);
        self.push(Message::New(NewOrder {
            order_id,
            price: placed.price,
            quantity: placed.quantity,
            side: placed.side,
            immediate: u8::from(immediate),
            ..NewOrder::default()
        }));
        if !immediate {
            let modified = self.modify(order_id, placed, draws);
            let cancelled = self.cancel(order_id, placed, draws);
            if let Some(late) = modified.filter(|_| cancelled && draws.happens(REPEATED_SHARE)) {
                self.now += 1 + draws.below(20) as i64;
                self.push(late);
            }
        }
        self.now += 1;
    }

    /// A fifth grow by one lot, most of them one tick nearer.
    fn modify(&mut self, order_id: u64, placed: Placed, draws: &mut Draws) -> Option<Message> {
        if !draws.happens(MODIFIED_SHARE) {
            return None;
        }
        self.now += 30 + draws.below(70) as i64;
        let nearer = if placed.side == 0 { 1 } else { -1 };
        let step = if draws.happens(REPRICED_SHARE) {
            nearer
        } else {
            0
        };
        let message = Message::Modify(Modify {
            order_id,
            price: placed.price + step,
            quantity: placed.quantity + 1,
            side: placed.side,
            ..Modify::default()
        });
        self.push(message);
        Some(message)
    }

    /// Most are cancelled, the deeper the later; a few of the cancels are sent twice.
    fn cancel(&mut self, order_id: u64, placed: Placed, draws: &mut Draws) -> bool {
        if !draws.happens(CANCELLED_SHARE) {
            return false;
        }
        let rate = LN_2 / MEDIAN_LIFE_US / (1.0 + placed.level as f64).sqrt();
        self.now += draws.exponential(rate) as i64;
        let message = Message::Cancel(Cancel {
            order_id,
            sequence: 0,
        });
        self.push(message);
        if draws.happens(REPEATED_SHARE) {
            self.now += 1 + draws.below(20) as i64;
            self.push(message);
        }
        true
    }

    fn push(&mut self, message: Message) {
        self.messages.push((self.now, message));
    }

    /// Sorts by time, equals as written, and numbers the messages.
    fn finish(mut self) -> Vec<Message> {
        self.messages.sort_by_key(|(time, _)| *time);
        let mut messages: Vec<Message> = self
            .messages
            .into_iter()
            .map(|(_, message)| message)
            .collect();
        for (position, message) in messages.iter_mut().enumerate() {
            let sequence = match message {
                Message::New(order) => &mut order.sequence,
                Message::Cancel(cancel) => &mut cancel.sequence,
                Message::Modify(modify) => &mut modify.sequence,
            };
            *sequence = position as u64;
        }
        messages
    }
}
