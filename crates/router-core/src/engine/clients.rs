//! Client order ids: which order an account's own id stands for, forgotten after a time window.
//!
//! Known ids stand in a line, in the order in which they are forgotten, with one mark per time at which
//! any came. Each has a number, its place since the line began; open orders keep that number and not the
//! id. The index by hash is looked up, never walked: its key is drawn anew for every engine, so that
//! nobody can choose ids that meet in one place, and nothing that can be seen depends on it.

#[cfg(test)]
mod tests;

use super::line_index::LineIndex;
use super::queue::Queue;
use std::hash::{BuildHasher, RandomState};

/// What a client id stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientOrder {
    /// The instrument of the order.
    pub instrument: u32,
    /// The order id of the engine on that instrument.
    pub order: u64,
}

/// One place in the line of the time window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientEntry {
    /// The account that chose the id.
    pub account: u32,
    /// The id that it chose; never 0.
    pub client_id: u64,
    /// What the id stands for.
    pub target: ClientOrder,
    /// The time at which the id was stored or last kept.
    pub time_ns: u64,
}

/// An id that is older than the window, and the number that it gets if it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The account that chose the id.
    pub account: u32,
    /// What the id stands for.
    pub target: ClientOrder,
    /// The id's number from now on, if its order is open.
    pub number: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// 0 in the place of number 0, which is nobody's.
    client_id: u64,
    order: u64,
    account: u32,
    instrument: u32,
}

impl Known {
    const fn target(&self) -> ClientOrder {
        ClientOrder {
            instrument: self.instrument,
            order: self.order,
        }
    }
}

/// From the id with this number on, ids have this time.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    time_ns: u64,
    number: u32,
}

/// The client ids of all accounts.
#[derive(Debug, Clone)]
pub struct Clients {
    line: Queue<Known>,
    /// Number of the id in front.
    front: u32,
    len: usize,
    marks: Queue<Mark>,
    index: LineIndex,
    key: [u64; 4],
}

impl Default for Clients {
    fn default() -> Self {
        let random = RandomState::new();
        Self::with_key([0_u8, 1, 2, 3].map(|word| random.hash_one(word)))
    }
}

impl Clients {
    /// No ids yet, and an index with the given key; [`Self::default`] draws one.
    #[must_use]
    pub fn with_key(key: [u64; 4]) -> Self {
        Self {
            line: Queue::default(),
            front: 1,
            len: 0,
            marks: Queue::default(),
            index: LineIndex::default(),
            key,
        }
    }

    /// Returns how many ids are known.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Says whether no id is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the order behind an account's id; `None` for id 0 and ids that are not known.
    #[inline]
    #[must_use]
    pub fn get(&self, account: u32, client_id: u64) -> Option<ClientOrder> {
        let number = self.number(account, client_id)?;
        self.known(number).map(Known::target)
    }

    /// Returns the number of an account's id; `None` for id 0 and ids that are not known.
    #[inline]
    #[must_use]
    pub fn number(&self, account: u32, client_id: u64) -> Option<u32> {
        if client_id == 0 {
            return None;
        }
        let is_it = |number| {
            self.known(number)
                .is_some_and(|known| known.client_id == client_id && known.account == account)
        };
        self.index.find(hash(&self.key, account, client_id), is_it)
    }

    /// Returns the id with a number; 0 for numbers of none.
    #[must_use]
    pub fn client_id(&self, number: u32) -> u64 {
        self.known(number).map_or(0, |known| known.client_id)
    }

    /// Returns the number of the id that was stored last, 0 if there is none.
    #[inline]
    #[must_use]
    pub fn newest(&self) -> u32 {
        if self.line.len() == 0 {
            return 0;
        }
        self.next_number().wrapping_sub(1)
    }

    /// Stores an id that is not known yet; id 0 is not stored.
    #[inline]
    pub fn insert(&mut self, entry: ClientEntry) {
        if entry.client_id == 0 {
            return;
        }
        let known = Known {
            client_id: entry.client_id,
            order: entry.target.order,
            account: entry.account,
            instrument: entry.target.instrument,
        };
        let number = self.push(known, entry.time_ns);
        let Self {
            index,
            line,
            front,
            key,
            ..
        } = self;
        let hash_of = |number: u32| {
            let known = line.get(number.wrapping_sub(*front) as usize);
            known.map_or(0, |known| hash(key, known.account, known.client_id))
        };
        index.insert(hash(key, known.account, known.client_id), number, hash_of);
        self.len = self.len.saturating_add(1);
    }

    /// Forgets ids whose order is closed and whose time lies more than `window_ns` before `now_ns`.
    ///
    /// Ids of that age whose order is open get the time of now and go to the end of the line; `is_open`
    /// decides, and has to see to it that whoever knows such an id by its number learns the new one.
    pub fn forget(&mut self, now_ns: u64, window_ns: u64, mut is_open: impl FnMut(Due) -> bool) {
        while let Some(mark) = self.marks.get(0).copied() {
            if now_ns.saturating_sub(mark.time_ns) <= window_ns {
                return;
            }
            let Some((number, known)) = self.pop() else {
                return;
            };
            if known.client_id == 0 {
                continue;
            }
            let hash = hash(&self.key, known.account, known.client_id);
            let due = Due {
                account: known.account,
                target: known.target(),
                number: self.number_to_give(),
            };
            if is_open(due) {
                let new = self.push(known, now_ns);
                self.index.replace(hash, number, new);
            } else {
                self.index.remove(hash, number);
                self.len = self.len.saturating_sub(1);
            }
        }
    }

    /// Returns the line, the id that is forgotten first in front.
    pub fn line(&self) -> impl Iterator<Item = ClientEntry> + '_ {
        let mut marks = self.marks.iter().peekable();
        let mut time_ns = 0;
        let numbers = (0_u32..).map(|at| self.front.wrapping_add(at));
        let timed = numbers.zip(self.line.iter()).map(move |(number, known)| {
            if let Some(mark) = marks.next_if(|mark| mark.number == number) {
                time_ns = mark.time_ns;
            }
            ClientEntry {
                account: known.account,
                client_id: known.client_id,
                target: known.target(),
                time_ns,
            }
        });
        timed.filter(|entry| entry.client_id != 0)
    }

    /// Returns the bytes that line and index take.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.line
            .memory_bytes()
            .saturating_add(self.marks.memory_bytes())
            .saturating_add(self.index.memory_bytes())
    }

    #[inline]
    fn known(&self, number: u32) -> Option<&Known> {
        self.line.get(number.wrapping_sub(self.front) as usize)
    }

    #[inline]
    fn next_number(&self) -> u32 {
        self.front.wrapping_add(self.line.len() as u32)
    }

    /// The number of the id that comes next: 0 is left out when numbers start over.
    #[inline]
    fn number_to_give(&self) -> u32 {
        self.next_number().max(1)
    }

    #[inline]
    fn push(&mut self, known: Known, time_ns: u64) -> u32 {
        let latest = self.marks.len().wrapping_sub(1);
        if self
            .marks
            .get(latest)
            .is_none_or(|mark| mark.time_ns != time_ns)
        {
            self.marks.push(Mark {
                time_ns,
                number: self.next_number(),
            });
        }
        if self.next_number() == 0 {
            self.line.push(Known::default());
        }
        let number = self.next_number();
        self.line.push(known);
        number
    }

    fn pop(&mut self) -> Option<(u32, Known)> {
        let known = self.line.pop()?;
        let number = self.front;
        self.front = number.wrapping_add(1);
        let ends = self
            .marks
            .get(1)
            .is_some_and(|mark| mark.number == self.front);
        if ends || self.line.len() == 0 {
            self.marks.pop();
        }
        Some((number, known))
    }
}

/// Mixes account and id under a key; who does not know the key cannot tell which ids meet.
#[inline]
fn hash(key: &[u64; 4], account: u32, client_id: u64) -> u64 {
    let [first, second, third, fourth] = *key;
    let mixed = fold(client_id ^ first, second | 1);
    fold(mixed ^ third ^ u64::from(account), fourth | 1)
}

/// Multiplies to 128 bits and folds the halves.
#[inline]
const fn fold(word: u64, factor: u64) -> u64 {
    let wide = (word as u128).wrapping_mul(factor as u128);
    ((wide >> 64) as u64) ^ (wide as u64)
}
