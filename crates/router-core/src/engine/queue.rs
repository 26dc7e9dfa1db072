//! A queue in chunks: it grows and shrinks without moving what is in it.

use std::collections::VecDeque;

const CHUNK_BITS: u32 = 8;
const CHUNK: usize = 1 << CHUNK_BITS;

/// First in, first out, and readable at any place.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue<T> {
    chunks: VecDeque<Box<[T]>>,
    /// Place of the first item in the first chunk.
    start: usize,
    len: usize,
    /// A chunk that was emptied and will be used again.
    spare: Option<Box<[T]>>,
}

impl<T: Copy + Default> Queue<T> {
    /// Items in it.
    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The item that has `at` items in front of it.
    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<&T> {
        if at >= self.len {
            return None;
        }
        let at = self.start.wrapping_add(at);
        self.chunks.get(at >> CHUNK_BITS)?.get(at & (CHUNK - 1))
    }

    /// Adds an item at the end.
    #[inline]
    pub(super) fn push(&mut self, item: T) {
        let at = self.start.wrapping_add(self.len);
        if at >> CHUNK_BITS == self.chunks.len() {
            self.add_chunk();
        }
        let chunk = self.chunks.get_mut(at >> CHUNK_BITS);
        if let Some(place) = chunk.and_then(|chunk| chunk.get_mut(at & (CHUNK - 1))) {
            *place = item;
            self.len = self.len.wrapping_add(1);
        }
    }

    /// Takes the first item out.
    pub(super) fn pop(&mut self) -> Option<T> {
        let item = *self.get(0)?;
        self.start = self.start.wrapping_add(1);
        self.len = self.len.wrapping_sub(1);
        if self.start == CHUNK {
            self.start = 0;
            self.spare = self.chunks.pop_front();
        }
        Some(item)
    }

    /// The items, first one first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        let all = self.chunks.iter().flat_map(|chunk| chunk.iter());
        all.skip(self.start).take(self.len)
    }

    /// Bytes taken.
    pub(super) fn memory_bytes(&self) -> usize {
        let chunks = self
            .chunks
            .len()
            .saturating_add(usize::from(self.spare.is_some()));
        let items = chunks.saturating_mul(CHUNK).saturating_mul(size_of::<T>());
        items.saturating_add(self.chunks.capacity().saturating_mul(size_of::<Box<[T]>>()))
    }

    #[cold]
    fn add_chunk(&mut self) {
        let chunk = match self.spare.take() {
            Some(chunk) => chunk,
            None => vec![T::default(); CHUNK].into_boxed_slice(),
        };
        self.chunks.push_back(chunk);
    }
}
