//! Bytes to a state image. Any bytes are safe: a count is believed only when that many members fit
//! into what is left, and only the one encoding of an image is taken.

use super::image::{
    AccountImage, BalanceImage, ClientIdImage, FeeImage, Image, InstrumentImage, LevelImage,
    LinkImage, OrderImage, PositionImage,
};
use super::image_codec::{IMAGE_MAGIC, IMAGE_VERSION};
use super::rules::{
    Limits, OrderType, PegKind, Phase, Rules, Side, StpMode, Tier, Tif, SEMANTICS_VERSION,
};

/// Why bytes are not an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageDecodeError {
    /// They do not begin like an image.
    NotAnImage,
    /// The layout is of another version.
    Version {
        /// The version found.
        found: u32,
    },
    /// The state is of other rules.
    Semantics {
        /// The version found.
        found: u32,
    },
    /// They end too early, or a count is greater than what is left could hold.
    Short,
    /// A number stands for nothing.
    Invalid,
    /// Bytes follow the image.
    Trailing,
}

type Decoded<T> = Result<T, ImageDecodeError>;

/// Returns the image of the bytes.
///
/// # Errors
/// [`ImageDecodeError`] if they are not exactly what `encode_image` gives for an image.
pub fn decode_image(bytes: &[u8]) -> Decoded<Image> {
    let mut reader = Reader { rest: bytes };
    if reader.u32().map_err(|_| ImageDecodeError::NotAnImage)? != IMAGE_MAGIC {
        return Err(ImageDecodeError::NotAnImage);
    }
    match reader.u32()? {
        IMAGE_VERSION => {}
        found => return Err(ImageDecodeError::Version { found }),
    }
    match reader.u32()? {
        SEMANTICS_VERSION => {}
        found => return Err(ImageDecodeError::Semantics { found }),
    }
    let image = Image {
        limits: read_limits(&mut reader)?,
        sequence: reader.u64()?,
        now_ns: reader.u64()?,
        venue_killed: reader.flag()?,
        tiers: reader.list(8, read_tier)?,
        fees: reader.list(20, read_fee)?,
        accounts: reader.list(21, read_account)?,
        instruments: reader.list(139, read_instrument)?,
        client_ids: reader.list(32, read_client_id)?,
    };
    if reader.rest.is_empty() {
        Ok(image)
    } else {
        Err(ImageDecodeError::Trailing)
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(ImageDecodeError::Short)?;
        self.rest = rest;
        Ok(*head)
    }

    fn u8(&mut self) -> Decoded<u8> {
        self.take::<1>().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Decoded<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Decoded<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn i32(&mut self) -> Decoded<i32> {
        self.take().map(i32::from_le_bytes)
    }

    fn u64(&mut self) -> Decoded<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Decoded<i64> {
        self.take().map(i64::from_le_bytes)
    }

    fn u128(&mut self) -> Decoded<u128> {
        self.take().map(u128::from_le_bytes)
    }

    fn i128(&mut self) -> Decoded<i128> {
        self.take().map(i128::from_le_bytes)
    }

    fn flag(&mut self) -> Decoded<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(ImageDecodeError::Invalid),
        }
    }

    fn numbered<T>(&mut self, from_number: fn(u8) -> Option<T>) -> Decoded<T> {
        from_number(self.u8()?).ok_or(ImageDecodeError::Invalid)
    }

    /// Reads a list whose members take at least `least` bytes each.
    fn list<T>(&mut self, least: usize, read: fn(&mut Self) -> Decoded<T>) -> Decoded<Vec<T>> {
        let count = usize::try_from(self.u32()?).map_err(|_| ImageDecodeError::Short)?;
        if count
            .checked_mul(least)
            .is_none_or(|bytes| bytes > self.rest.len())
        {
            return Err(ImageDecodeError::Short);
        }
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }
}

fn read_limits(reader: &mut Reader) -> Decoded<Limits> {
    Ok(Limits {
        max_accounts: reader.u32()?,
        max_assets: reader.u32()?,
        max_instruments: reader.u32()?,
        max_orders: reader.u32()?,
        max_client_ids: reader.u32()?,
        max_account_orders: reader.u32()?,
        max_account_client_ids: reader.u32()?,
        client_window_ns: reader.u64()?,
    })
}

fn read_tier(reader: &mut Reader) -> Decoded<Tier> {
    Ok(Tier {
        maker_ppm: reader.i32()?,
        taker_ppm: reader.i32()?,
    })
}

fn read_fee(reader: &mut Reader) -> Decoded<FeeImage> {
    Ok(FeeImage {
        asset: reader.u32()?,
        amount: reader.i128()?,
    })
}

fn read_account(reader: &mut Reader) -> Decoded<AccountImage> {
    Ok(AccountImage {
        account: reader.u32()?,
        tier: reader.u32()?,
        group: reader.u32()?,
        killed: reader.flag()?,
        balances: reader.list(36, read_balance)?,
        positions: reader.list(12, read_position)?,
    })
}

fn read_balance(reader: &mut Reader) -> Decoded<BalanceImage> {
    Ok(BalanceImage {
        asset: reader.u32()?,
        available: reader.u128()?,
        held: reader.u128()?,
    })
}

fn read_position(reader: &mut Reader) -> Decoded<PositionImage> {
    Ok(PositionImage {
        instrument: reader.u32()?,
        lots: reader.i64()?,
    })
}

fn read_client_id(reader: &mut Reader) -> Decoded<ClientIdImage> {
    Ok(ClientIdImage {
        account: reader.u32()?,
        client_id: reader.u64()?,
        instrument: reader.u32()?,
        order_id: reader.u64()?,
        since_ns: reader.u64()?,
    })
}

fn read_instrument(reader: &mut Reader) -> Decoded<InstrumentImage> {
    Ok(InstrumentImage {
        base_asset: reader.u32()?,
        quote_asset: reader.u32()?,
        lot_units: reader.u64()?,
        tick_units: reader.u64()?,
        funded: reader.flag()?,
        positions: reader.flag()?,
        rules: read_rules(reader)?,
        phase: reader.numbered(Phase::from_number)?,
        last_price: reader.i64()?,
        mark_price: reader.i64()?,
        next_order_id: reader.u64()?,
        rests: reader.u64()?,
        bids: reader.list(12, read_level)?,
        asks: reader.list(12, read_level)?,
        armed: reader.list(ORDER_BYTES, read_order)?,
        pending: reader.list(ORDER_BYTES, read_order)?,
        parked: reader.list(ORDER_BYTES, read_order)?,
    })
}

fn read_rules(reader: &mut Reader) -> Decoded<Rules> {
    Ok(Rules {
        tick_step: reader.u32()?,
        lot_step: reader.u64()?,
        min_qty: reader.u64()?,
        max_qty: reader.u64()?,
        min_notional: reader.u64()?,
        band_ppm: reader.u32()?,
        collar_ppm: reader.u32()?,
        max_open: reader.u32()?,
        max_armed: reader.u32()?,
        max_pegs: reader.u32()?,
        disabled: reader.u32()?,
    })
}

fn read_level(reader: &mut Reader) -> Decoded<LevelImage> {
    Ok(LevelImage {
        price: reader.i64()?,
        orders: reader.list(ORDER_BYTES, read_order)?,
    })
}

/// Bytes of an encoded order.
const ORDER_BYTES: usize = 112;

fn read_order(reader: &mut Reader) -> Decoded<OrderImage> {
    let id = reader.u64()?;
    let account = reader.u32()?;
    let side = reader.numbered(Side::from_number)?;
    let order_type = reader.numbered(OrderType::from_number)?;
    let tif = reader.numbered(Tif::from_number)?;
    let stp = reader.numbered(StpMode::from_number)?;
    let peg = reader.numbered(PegKind::from_number)?;
    Ok(OrderImage {
        id,
        account,
        side,
        order_type,
        tif,
        flags: reader.u16()?,
        stp,
        peg,
        price: reader.i64()?,
        total: reader.u64()?,
        open: reader.u64()?,
        displayed: reader.u64()?,
        display: reader.u32()?,
        trigger: reader.i64()?,
        watermark: reader.i64()?,
        expire_s: reader.u32()?,
        session: reader.u32()?,
        client_id: reader.u64()?,
        priority: reader.u64()?,
        link: read_link(reader)?,
    })
}

fn read_link(reader: &mut Reader) -> Decoded<LinkImage> {
    let (tag, first, second) = (reader.u8()?, reader.u64()?, reader.u64()?);
    match tag {
        0 if first == 0 && second == 0 => Ok(LinkImage::None),
        1 if second == 0 => Ok(LinkImage::Oco { sibling: first }),
        2 => Ok(LinkImage::BracketHead {
            take_profit: first,
            stop: second,
        }),
        3 => Ok(LinkImage::BracketExit {
            head: first,
            sibling: second,
        }),
        _ => Err(ImageDecodeError::Invalid),
    }
}
