//! Laws of the encoded state image.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing
)]

use proptest::prelude::*;
use router_core::engine::image::{
    AccountImage, BalanceImage, ClientIdImage, FeeImage, InstrumentImage, LevelImage, LinkImage,
    OrderImage, PositionImage,
};
use router_core::engine::image_codec::{write_image, ByteSink};
use router_core::engine::state_hash::StateHasher;
use router_core::engine::{
    decode_image, encode_image, image_hash, Image, ImageDecodeError, Limits, OrderType, PegKind,
    Phase, Rules, Side, StpMode, Tier, Tif,
};

/// Draws every field of an image from one seed.
struct Draw(u64);

impl Draw {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^ (mixed >> 29)
    }

    fn small(&mut self) -> u32 {
        (self.word() >> 40) as u32
    }

    fn wide(&mut self) -> u128 {
        (u128::from(self.word()) << 64) | u128::from(self.word())
    }

    fn coin(&mut self) -> bool {
        self.word() & 1 == 1
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.small() as usize % all.len()]
    }

    fn list<T>(&mut self, most: u32, item: fn(&mut Self) -> T) -> Vec<T> {
        (0..self.small() % (most + 1)).map(|_| item(self)).collect()
    }

    fn image(&mut self) -> Image {
        Image {
            limits: Limits {
                max_orders: self.small(),
                client_window_ns: self.word(),
                ..Limits::default()
            },
            sequence: self.word(),
            now_ns: self.word(),
            venue_killed: self.coin(),
            tiers: self.list(3, |draw| Tier {
                maker_ppm: draw.word() as i32,
                taker_ppm: draw.word() as i32,
            }),
            fees: self.list(3, |draw| FeeImage {
                asset: draw.small(),
                amount: draw.wide() as i128,
            }),
            accounts: self.list(4, Self::account),
            instruments: self.list(3, Self::instrument),
            client_ids: self.list(4, |draw| ClientIdImage {
                account: draw.small(),
                client_id: draw.word(),
                instrument: draw.small(),
                order_id: draw.word(),
                since_ns: draw.word(),
            }),
        }
    }

    fn account(&mut self) -> AccountImage {
        AccountImage {
            account: self.small(),
            tier: self.small(),
            group: self.small(),
            killed: self.coin(),
            balances: self.list(3, |draw| BalanceImage {
                asset: draw.small(),
                available: draw.wide(),
                held: draw.wide(),
            }),
            positions: self.list(3, |draw| PositionImage {
                instrument: draw.small(),
                lots: draw.word() as i64,
            }),
        }
    }

    fn instrument(&mut self) -> InstrumentImage {
        InstrumentImage {
            base_asset: self.small(),
            quote_asset: self.small(),
            lot_units: self.word(),
            tick_units: self.word(),
            funded: self.coin(),
            positions: self.coin(),
            rules: Rules {
                tick_step: self.small(),
                max_qty: self.word(),
                disabled: self.small(),
                ..Rules::default()
            },
            phase: self.one_of(Phase::ALL),
            last_price: self.word() as i64,
            mark_price: self.word() as i64,
            next_order_id: self.word(),
            rests: self.word(),
            bids: self.list(3, Self::level),
            asks: self.list(3, Self::level),
            armed: self.list(2, Self::order),
            pending: self.list(2, Self::order),
            parked: self.list(2, Self::order),
        }
    }

    fn level(&mut self) -> LevelImage {
        LevelImage {
            price: self.word() as i64,
            orders: self.list(3, Self::order),
        }
    }

    fn order(&mut self) -> OrderImage {
        let (first, second) = (self.word(), self.word());
        let links = [
            LinkImage::None,
            LinkImage::Oco { sibling: first },
            LinkImage::BracketHead {
                take_profit: first,
                stop: second,
            },
            LinkImage::BracketExit {
                head: first,
                sibling: second,
            },
        ];
        OrderImage {
            id: self.word(),
            account: self.small(),
            side: self.one_of(Side::ALL),
            order_type: self.one_of(OrderType::ALL),
            tif: self.one_of(Tif::ALL),
            flags: self.word() as u16,
            stp: self.one_of(StpMode::ALL),
            peg: self.one_of(PegKind::ALL),
            price: self.word() as i64,
            total: self.word(),
            open: self.word(),
            displayed: self.word(),
            display: self.small(),
            trigger: self.word() as i64,
            watermark: self.word() as i64,
            expire_s: self.small(),
            session: self.small(),
            client_id: self.word(),
            priority: self.word(),
            link: self.one_of(&links),
        }
    }
}

/// Passes bytes on one at a time.
struct Drip(StateHasher);

impl ByteSink for Drip {
    fn put(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0.put(std::slice::from_ref(byte));
        }
    }
}

proptest! {
    #[test]
    fn an_image_survives_its_bytes_and_has_only_one_encoding(seed in any::<u64>()) {
        let image = Draw(seed).image();
        let bytes = encode_image(&image);
        let decoded = decode_image(&bytes);
        prop_assert_eq!(decoded.as_ref(), Ok(&image));
        prop_assert_eq!(decoded.map(|image| encode_image(&image)), Ok(bytes));
    }

    #[test]
    fn cut_or_lengthened_bytes_are_no_image(seed in any::<u64>(), cut in any::<prop::sample::Index>()) {
        let mut bytes = encode_image(&Draw(seed).image());
        prop_assert!(decode_image(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert_eq!(decode_image(&bytes), Err(ImageDecodeError::Trailing));
    }

    #[test]
    fn damaged_bytes_are_refused_or_are_the_encoding_of_another_image(
        seed in any::<u64>(), at in any::<prop::sample::Index>(), flip in 1..=255_u8
    ) {
        let image = Draw(seed).image();
        let mut bytes = encode_image(&image);
        let place = at.index(bytes.len());
        bytes[place] ^= flip;
        if let Ok(other) = decode_image(&bytes) {
            prop_assert_ne!(&other, &image);
            prop_assert_ne!(image_hash(&other), image_hash(&image));
            prop_assert_eq!(encode_image(&other), bytes);
        }
    }

    #[test]
    fn any_bytes_are_decoded_without_panic(tail in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(decode_image(&tail).is_err());
        let mut bytes = encode_image(&Image::default());
        bytes.truncate(12);
        bytes.extend_from_slice(&tail);
        if let Ok(image) = decode_image(&bytes) {
            prop_assert_eq!(encode_image(&image), bytes);
        }
    }

    #[test]
    fn the_hash_is_that_of_the_bytes_however_they_are_cut(seed in any::<u64>()) {
        let image = Draw(seed).image();
        let mut whole = StateHasher::default();
        whole.put(&encode_image(&image));
        let mut drip = Drip(StateHasher::default());
        write_image(&image, &mut drip);
        prop_assert_eq!(image_hash(&image), whole.finish());
        prop_assert_eq!(drip.0.finish(), whole.finish());
    }
}

#[test]
fn a_count_beyond_the_bytes_is_refused_before_anything_is_allocated() {
    let bytes = encode_image(&Image::default());
    // The count of tiers stands behind magic, versions, limits, sequence, time and switch.
    let place = 12 + 36 + 16 + 1;
    let mut huge = bytes.clone();
    huge[place..place + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(decode_image(&huge), Err(ImageDecodeError::Short));
}
