//! Numbers by a hash of what they stand for: linear hashing in cache lines of twelve.
//!
//! The table grows by one line at a time, so no insertion ever waits for the whole of it to be laid out
//! anew, and it takes about as many bytes per number whatever their count: 64 for nine of them, and an
//! overflow line where more than twelve meet. A byte of the hash beside each number spares most looks at
//! what others stand for.

/// Numbers in a line.
const WIDE: usize = 12;
/// Numbers per line of the table, on average, beyond which it gets another line.
const LOAD: usize = 9;
/// Lines that are allocated together.
const CHUNK_BITS: u32 = 6;
const CHUNK: usize = 1 << CHUNK_BITS;
/// The bytes of the tags in a word of sixteen.
const TAGS: u128 = (1 << 96) - 1;
const LOW: u128 = u128::MAX / 255;
const SEVEN: u128 = LOW * 0x7F;

/// Twelve places: a tag of 0 marks a free one.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line {
    tags: [u32; 3],
    /// Line that goes on where this one is full, counted from 1; 0 = none.
    more: u32,
    numbers: [u32; WIDE],
}

const EMPTY: Line = Line {
    tags: [0; 3],
    more: 0,
    numbers: [0; WIDE],
};

impl Line {
    /// The high bit of each byte that is `tag`.
    #[inline]
    fn matches(&self, tag: u8) -> u128 {
        let [first, second, third] = self.tags.map(u128::from);
        let tags = first | (second << 32) | (third << 64);
        let differs = tags ^ LOW.wrapping_mul(u128::from(tag));
        !((differs & SEVEN).wrapping_add(SEVEN) | differs | SEVEN) & TAGS
    }

    fn set(&mut self, place: usize, tag: u8, number: u32) {
        let shift = (place as u32 & 3).wrapping_mul(8);
        if let Some(tags) = self.tags.get_mut(place >> 2) {
            *tags = (*tags & !0xFF_u32.wrapping_shl(shift)) | u32::from(tag).wrapping_shl(shift);
        }
        if let Some(place) = self.numbers.get_mut(place) {
            *place = number;
        }
    }

    /// Puts a number into a free place; false if there is none.
    #[inline]
    fn put(&mut self, tag: u8, number: u32) -> bool {
        let free = self.matches(0);
        if free != 0 {
            self.set(place(free), tag, number);
        }
        free != 0
    }

    fn is_empty(&self) -> bool {
        self.tags == [0; 3]
    }
}

/// Lines that never move, in chunks.
#[derive(Clone, Debug, Default)]
struct Lines {
    chunks: Vec<Box<[Line]>>,
}

impl Lines {
    #[inline]
    fn get(&self, at: usize) -> Option<&Line> {
        self.chunks.get(at >> CHUNK_BITS)?.get(at & (CHUNK - 1))
    }

    #[inline]
    fn get_mut(&mut self, at: usize) -> Option<&mut Line> {
        let chunk = self.chunks.get_mut(at >> CHUNK_BITS)?;
        chunk.get_mut(at & (CHUNK - 1))
    }

    /// Makes room for the line `at`, which is the next one.
    fn reach(&mut self, at: usize) {
        if at >> CHUNK_BITS == self.chunks.len() {
            self.chunks.push(vec![EMPTY; CHUNK].into_boxed_slice());
        }
    }

    fn memory_bytes(&self) -> usize {
        let lines = self.chunks.len().saturating_mul(CHUNK);
        let chunks = self.chunks.capacity();
        lines
            .saturating_mul(size_of::<Line>())
            .saturating_add(chunks.saturating_mul(size_of::<Box<[Line]>>()))
    }
}

/// Where a number stands.
#[derive(Clone, Copy, Debug)]
struct Spot {
    /// The overflow line, counted from 1, or 0 for the line of the table itself.
    line: u32,
    /// The overflow line in front of it, or 0.
    before: u32,
    place: usize,
}

/// The index.
#[derive(Clone, Debug, Default)]
pub(super) struct LineIndex {
    table: Lines,
    /// Lines of the table.
    width: usize,
    known: usize,
    overflow: Lines,
    overflow_len: u32,
    free: Vec<u32>,
    moved: Vec<u32>,
}

impl LineIndex {
    /// The number with this hash that `is_it` says yes to.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let tag = tag(hash);
        let mut line = self.table.get(self.home(hash))?;
        loop {
            let mut matches = line.matches(tag);
            while matches != 0 {
                let number = *line.numbers.get(place(matches))?;
                if is_it(number) {
                    return Some(number);
                }
                matches &= matches.wrapping_sub(1);
            }
            line = self.overflow(line.more)?;
        }
    }

    /// Adds a number that is not there. `hash_of` gives the hash of any number that is.
    pub(super) fn insert(&mut self, hash: u64, number: u32, hash_of: impl Fn(u32) -> u64) {
        self.known = self.known.saturating_add(1);
        if self.known > self.width.saturating_mul(LOAD) {
            self.widen(hash_of);
        }
        self.put(hash, number);
    }

    /// Puts another number into the place of one.
    pub(super) fn replace(&mut self, hash: u64, number: u32, with: u32) {
        if let Some(spot) = self.spot(hash, number) {
            if let Some(line) = self.line_mut(hash, spot.line) {
                line.set(spot.place, tag(hash), with);
            }
        }
    }

    /// Takes a number out.
    pub(super) fn remove(&mut self, hash: u64, number: u32) {
        let Some(spot) = self.spot(hash, number) else {
            return;
        };
        self.known = self.known.saturating_sub(1);
        let Some(line) = self.line_mut(hash, spot.line) else {
            return;
        };
        line.set(spot.place, 0, 0);
        if spot.line != 0 && line.is_empty() {
            let more = line.more;
            if let Some(before) = self.line_mut(hash, spot.before) {
                before.more = more;
            }
            self.release(spot.line);
        }
    }

    /// Bytes taken.
    pub(super) fn memory_bytes(&self) -> usize {
        let words = self.free.capacity().saturating_add(self.moved.capacity());
        self.table
            .memory_bytes()
            .saturating_add(self.overflow.memory_bytes())
            .saturating_add(words.saturating_mul(size_of::<u32>()))
    }

    /// The line of the table for a hash: by as many low bits as there are lines for.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        let mask = usize::MAX
            .checked_shr(self.width.leading_zeros())
            .unwrap_or(0);
        let home = hash as usize & mask;
        if home < self.width {
            home
        } else {
            home & (mask >> 1)
        }
    }

    #[inline]
    fn overflow(&self, line: u32) -> Option<&Line> {
        self.overflow.get((line as usize).wrapping_sub(1))
    }

    /// The overflow line, or the line of the table for a hash when it is 0.
    fn line_mut(&mut self, hash: u64, line: u32) -> Option<&mut Line> {
        if line == 0 {
            let home = self.home(hash);
            self.table.get_mut(home)
        } else {
            self.overflow.get_mut((line as usize).wrapping_sub(1))
        }
    }

    fn spot(&self, hash: u64, number: u32) -> Option<Spot> {
        let tag = tag(hash);
        let (mut before, mut at) = (0, 0);
        let mut line = self.table.get(self.home(hash))?;
        loop {
            let mut matches = line.matches(tag);
            while matches != 0 {
                let place = place(matches);
                if line.numbers.get(place) == Some(&number) {
                    return Some(Spot {
                        line: at,
                        before,
                        place,
                    });
                }
                matches &= matches.wrapping_sub(1);
            }
            (before, at) = (at, line.more);
            line = self.overflow(at)?;
        }
    }

    #[inline]
    fn put(&mut self, hash: u64, number: u32) {
        let tag = tag(hash);
        let mut at = 0;
        loop {
            let Some(line) = self.line_mut(hash, at) else {
                return;
            };
            if line.put(tag, number) {
                return;
            }
            let more = line.more;
            if more == 0 {
                let new = self.take_overflow();
                if let Some(line) = self.line_mut(hash, at) {
                    line.more = new;
                }
                at = new;
            } else {
                at = more;
            }
        }
    }

    /// Adds a line to the table and gives it its share of the numbers of the one line it splits.
    #[cold]
    fn widen(&mut self, hash_of: impl Fn(u32) -> u64) {
        let new = self.width;
        self.table.reach(new);
        self.width = new.saturating_add(1);
        if new == 0 {
            return;
        }
        // What stood in the line that the new one, without its highest bit, names.
        let top = usize::BITS
            .wrapping_sub(new.leading_zeros())
            .wrapping_sub(1);
        let split = new & !1_usize.wrapping_shl(top);
        let mut moved = core::mem::take(&mut self.moved);
        let mut more = self
            .table
            .get_mut(split)
            .map_or(0, |line| empty(line, &mut moved));
        while more != 0 {
            let at = (more as usize).wrapping_sub(1);
            let next = self
                .overflow
                .get_mut(at)
                .map_or(0, |line| empty(line, &mut moved));
            self.release(more);
            more = next;
        }
        for number in moved.drain(..) {
            self.put(hash_of(number), number);
        }
        self.moved = moved;
    }

    fn take_overflow(&mut self) -> u32 {
        if let Some(line) = self.free.pop() {
            return line;
        }
        self.overflow.reach(self.overflow_len as usize);
        self.overflow_len = self.overflow_len.saturating_add(1);
        self.overflow_len
    }

    fn release(&mut self, line: u32) {
        if let Some(place) = self.overflow.get_mut((line as usize).wrapping_sub(1)) {
            *place = EMPTY;
            self.free.push(line);
        }
    }
}

/// Takes all numbers out of a line and returns the line that went on from it.
fn empty(line: &mut Line, numbers: &mut Vec<u32>) -> u32 {
    let free = line.matches(0);
    for (at, number) in line.numbers.iter().enumerate() {
        if free >> ((at << 3) | 7) & 1 == 0 {
            numbers.push(*number);
        }
    }
    let more = line.more;
    *line = EMPTY;
    more
}

/// The byte of a hash that stands beside its number, never 0; no part of what chooses the line.
#[inline]
const fn tag(hash: u64) -> u8 {
    match (hash >> 56) as u8 {
        0 => 1,
        tag => tag,
    }
}

/// Place of the lowest match.
#[inline]
const fn place(matches: u128) -> usize {
    (matches.trailing_zeros() >> 3) as usize
}
