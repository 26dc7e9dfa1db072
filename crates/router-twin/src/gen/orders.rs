//! Random new orders and lists.

use router_core::engine::{
    order_flags, Command, ListRole, NewOrder, OrderType, PegKind, Side, StpMode, Tif,
};

use super::Generator;

impl Generator {
    /// A new order, or the records of a list.
    pub(super) fn draw_orders(&mut self) -> Vec<Command> {
        let orders = if self.rng.chance(self.profile.lists()) {
            self.draw_list()
        } else {
            vec![self.draw_order()]
        };
        orders.into_iter().map(Command::New).collect()
    }

    fn draw_list(&mut self) -> Vec<NewOrder> {
        let mut head = self.draw_order();
        let bracket = self.rng.chance(500);
        if !self.rng.chance(30) {
            let instrument = head.instrument;
            head = self.plain(instrument, OrderType::Limit);
            if bracket && self.rng.chance(300) {
                head.order_type = OrderType::Market;
                head.tif = Tif::Ioc;
                head.price = 0;
            } else if bracket && self.rng.chance(150) {
                head.tif = self.rng.one_of(&[Tif::Ioc, Tif::Fok], Tif::Ioc);
            }
        }
        head.list = if bracket {
            ListRole::BracketHead
        } else {
            ListRole::OcoHead
        };
        let mut list = vec![head];
        let side = if bracket {
            head.side.opposite()
        } else {
            head.side
        };
        if bracket {
            list.push(self.leg(&head, side, OrderType::Limit));
        }
        let stops = [
            OrderType::Stop,
            OrderType::StopLimit,
            OrderType::TrailingStop,
        ];
        let kind = self.rng.one_of(&stops, OrderType::Stop);
        list.push(self.leg(&head, side, kind));
        if self.rng.chance(40) {
            let odd = self.draw_order();
            let place = self.rng.index(list.len());
            if let Some(order) = list.get_mut(place) {
                *order = NewOrder {
                    list: order.list,
                    ..odd
                };
            }
        }
        list
    }

    fn leg(&mut self, head: &NewOrder, side: Side, kind: OrderType) -> NewOrder {
        let drawn = self.plain(head.instrument, kind);
        let spread = if side == Side::Buy { -1 } else { 1 };
        let exits = head.list == ListRole::BracketHead && kind == OrderType::Limit;
        let shift = if exits {
            spread * i64::from(self.rng.narrow(6))
        } else {
            0
        };
        NewOrder {
            account: head.account,
            side,
            qty: head.qty,
            price: if drawn.price == 0 {
                0
            } else {
                drawn.price.saturating_add(shift)
            },
            list: ListRole::Leg,
            ..drawn
        }
    }

    /// An order whose parts fit together.
    fn plain(&mut self, instrument: u32, kind: OrderType) -> NewOrder {
        let side = self.rng.one_of(&[Side::Buy, Side::Sell], Side::Buy);
        let account = self.draw_account();
        let lots = 1 + self.rng.below(12);
        let mut order = NewOrder::limit(instrument, account, side, 0, lots);
        order.order_type = kind;
        order.client_id = self.draw_client_id();
        order.session = self.rng.narrow(3);
        order.stp = self.rng.one_of(StpMode::ALL, StpMode::None);
        order.tif = self.fitting_tif(kind);
        order.price = match kind {
            OrderType::Limit | OrderType::StopLimit => self.draw_price(instrument),
            OrderType::MarketToLimit => 0,
            OrderType::Market if self.rng.chance(700) => 0,
            OrderType::Market => self.draw_price(instrument),
            OrderType::Stop | OrderType::TrailingStop | OrderType::Pegged => {
                let funded_buy = instrument == 1 && side == Side::Buy;
                if funded_buy || self.rng.chance(300) {
                    self.draw_price(instrument)
                } else {
                    0
                }
            }
        };
        self.draw_trigger(&mut order);
        if order.tif == Tif::Gtd {
            order.expire_s = self.draw_expiry();
        }
        order
    }

    fn fitting_tif(&mut self, kind: OrderType) -> Tif {
        let lasting = [Tif::Gtc, Tif::Gtc, Tif::Gtd, Tif::Day];
        match kind {
            OrderType::Limit | OrderType::StopLimit if self.rng.chance(250) => {
                self.rng.one_of(&[Tif::Ioc, Tif::Fok], Tif::Ioc)
            }
            OrderType::Limit
            | OrderType::StopLimit
            | OrderType::MarketToLimit
            | OrderType::Pegged => self.rng.one_of(&lasting, Tif::Gtc),
            OrderType::Market | OrderType::Stop => {
                self.rng.one_of(&[Tif::Ioc, Tif::Ioc, Tif::Fok], Tif::Ioc)
            }
            OrderType::TrailingStop => Tif::Ioc,
        }
    }

    fn draw_trigger(&mut self, order: &mut NewOrder) {
        match order.order_type {
            OrderType::Stop | OrderType::StopLimit => {
                // Beyond the middle on the side where it does not fire at once.
                let far = i64::from(self.rng.narrow(10));
                let middle = if order.instrument == 3 { 9 } else { 100 };
                order.trigger = match order.side {
                    Side::Buy => middle - 2 + far,
                    Side::Sell => middle + 2 - far,
                };
            }
            OrderType::TrailingStop => order.trigger = 1 + i64::from(self.rng.narrow(5)),
            OrderType::Pegged => {
                order.trigger = i64::from(self.rng.narrow(4));
                let kinds = [PegKind::Primary, PegKind::Market, PegKind::Mid];
                order.peg = self.rng.one_of(&kinds, PegKind::Mid);
            }
            OrderType::Limit | OrderType::Market | OrderType::MarketToLimit => {}
        }
        let stop = matches!(
            order.order_type,
            OrderType::Stop | OrderType::StopLimit | OrderType::TrailingStop
        );
        if stop && self.rng.chance(250) {
            order.flags |= order_flags::MARK;
        }
    }

    fn draw_expiry(&mut self) -> u32 {
        let now_s = u32::try_from(self.now_ns / 1_000_000_000).unwrap_or(u32::MAX);
        now_s.saturating_add(self.rng.narrow(9))
    }

    /// Any single order; a few have parts that do not fit.
    fn draw_order(&mut self) -> NewOrder {
        let weights = OrderType::ALL
            .iter()
            .map(|kind| self.profile.type_weight(*kind));
        let weights: Vec<u64> = weights.collect();
        let place = self.rng.weighted(&weights);
        let kind = OrderType::ALL
            .get(place)
            .copied()
            .unwrap_or(OrderType::Limit);
        let instrument = self.draw_instrument();
        let mut order = self.plain(instrument, kind);
        order.qty = self.draw_lots();
        let lasting = matches!(order.tif, Tif::Gtc | Tif::Gtd | Tif::Day);
        let limit = matches!(kind, OrderType::Limit | OrderType::StopLimit);
        if limit && lasting && self.rng.chance(200) {
            order.flags |= order_flags::POST_ONLY;
            order.flags |= if self.rng.chance(500) {
                order_flags::SLIDE
            } else {
                0
            };
        }
        if kind == OrderType::Limit && lasting && self.rng.chance(self.profile.icebergs()) {
            order.display = 1 + self.rng.narrow(5);
            order.qty = if order.qty > 900 { 12 } else { order.qty };
        }
        if instrument == 2 && self.rng.chance(self.profile.reduce_only()) {
            order.flags |= order_flags::REDUCE_ONLY;
        }
        if kind == OrderType::Market && order.tif == Tif::Ioc && self.rng.chance(300) {
            order.flags |= order_flags::QUOTE;
            order.qty = 1 + self.rng.below(2_000);
        }
        if self.rng.chance(60) {
            self.misfit(&mut order);
        }
        order
    }

    /// Changes one part of an order, which may make it invalid.
    fn misfit(&mut self, order: &mut NewOrder) {
        match self.rng.below(12) {
            0 => order.tif = self.rng.one_of(Tif::ALL, Tif::Gtc),
            1 => order.order_type = self.rng.one_of(OrderType::ALL, OrderType::Limit),
            2 => order.flags ^= 1 << self.rng.below(6),
            3 => order.peg = self.rng.one_of(PegKind::ALL, PegKind::None),
            4 => order.display = self.rng.narrow(4),
            5 => order.expire_s = self.draw_expiry(),
            6 => order.trigger = i64::from(self.rng.narrow(120)),
            7 => order.qty = self.rng.extreme(),
            8 => order.price = i64::from_le_bytes(self.rng.extreme().to_le_bytes()),
            9 => order.trigger = i64::from_le_bytes(self.rng.extreme().to_le_bytes()),
            10 => order.price = self.draw_price(order.instrument),
            _ => order.list = self.rng.one_of(ListRole::ALL, ListRole::None),
        }
    }
}
