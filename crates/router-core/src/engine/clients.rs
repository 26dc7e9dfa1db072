//! Client order ids: which order an account's own id stands for, forgotten after a time window.
//!
//! One open-addressing table with a fixed mixer; it is looked up, never walked. The order in which ids
//! are forgotten is that of the line.

use std::collections::VecDeque;

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

#[derive(Debug, Clone, Copy)]
struct Cell {
    client_id: u64,
    order: u64,
    account: u32,
    instrument: u32,
}

/// Client id 0 means none, so it marks a free cell.
const FREE: Cell = Cell {
    client_id: 0,
    order: 0,
    account: 0,
    instrument: 0,
};
const FIRST_CELLS: usize = 64;

/// The client ids of all accounts.
#[derive(Debug, Clone)]
pub struct Clients {
    cells: Vec<Cell>,
    line: VecDeque<ClientEntry>,
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            cells: vec![FREE; FIRST_CELLS],
            line: VecDeque::new(),
        }
    }
}

impl Clients {
    /// Returns how many ids are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.line.len()
    }

    /// Says whether no id is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Returns the order behind an account's id; `None` for id 0 and ids that are not known.
    #[inline]
    #[must_use]
    pub fn get(&self, account: u32, client_id: u64) -> Option<ClientOrder> {
        if client_id == 0 {
            return None;
        }
        let mask = self.mask();
        let mut place = home(account, client_id) & mask;
        loop {
            let cell = self.cells.get(place)?;
            if cell.client_id == client_id && cell.account == account {
                return Some(ClientOrder {
                    instrument: cell.instrument,
                    order: cell.order,
                });
            }
            if cell.client_id == 0 {
                return None;
            }
            place = place.wrapping_add(1) & mask;
        }
    }

    /// Stores an id that is not known yet; id 0 is not stored.
    #[inline]
    pub fn insert(&mut self, entry: ClientEntry) {
        if entry.client_id == 0 {
            return;
        }
        if self.line.len().saturating_mul(4) >= self.cells.len().saturating_mul(3) {
            self.grow();
        }
        self.line.push_back(entry);
        self.place_cell(&entry);
    }

    /// Forgets ids whose order is closed and whose time lies more than `window_ns` before `now_ns`.
    ///
    /// Ids of that age whose order is open get the time of now and go to the end of the line.
    /// `is_open` is told account and order; after a no, the id is forgotten.
    pub fn forget(
        &mut self,
        now_ns: u64,
        window_ns: u64,
        mut is_open: impl FnMut(u32, ClientOrder) -> bool,
    ) {
        while let Some(front) = self.line.front().copied() {
            if now_ns.saturating_sub(front.time_ns) <= window_ns {
                return;
            }
            self.line.pop_front();
            if is_open(front.account, front.target) {
                self.line.push_back(ClientEntry {
                    time_ns: now_ns,
                    ..front
                });
            } else {
                self.remove_cell(front.account, front.client_id);
            }
        }
    }

    /// Returns the line, the id that is forgotten first in front.
    pub fn line(&self) -> impl ExactSizeIterator<Item = &ClientEntry> {
        self.line.iter()
    }

    /// Returns the bytes that the table and the line take.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let cells = self.cells.capacity().saturating_mul(size_of::<Cell>());
        cells.saturating_add(
            self.line
                .capacity()
                .saturating_mul(size_of::<ClientEntry>()),
        )
    }

    fn mask(&self) -> usize {
        self.cells.len().wrapping_sub(1)
    }

    fn place_cell(&mut self, entry: &ClientEntry) {
        let mask = self.mask();
        let mut place = home(entry.account, entry.client_id) & mask;
        while let Some(cell) = self.cells.get_mut(place) {
            if cell.client_id == 0 {
                *cell = Cell {
                    client_id: entry.client_id,
                    order: entry.target.order,
                    account: entry.account,
                    instrument: entry.target.instrument,
                };
                return;
            }
            place = place.wrapping_add(1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        self.cells = vec![FREE; self.cells.len().saturating_mul(2)];
        let line = core::mem::take(&mut self.line);
        for entry in &line {
            self.place_cell(entry);
        }
        self.line = line;
    }

    /// Frees the cell of an id and moves later ones of the same run forward, so that no tombstones stay.
    fn remove_cell(&mut self, account: u32, client_id: u64) {
        let mask = self.mask();
        let mut gap = home(account, client_id) & mask;
        loop {
            match self.cells.get(gap) {
                Some(cell) if cell.client_id == client_id && cell.account == account => break,
                Some(cell) if cell.client_id != 0 => gap = gap.wrapping_add(1) & mask,
                Some(_) | None => return,
            }
        }
        let mut next = gap;
        loop {
            next = next.wrapping_add(1) & mask;
            let Some(cell) = self.cells.get(next).copied() else {
                return;
            };
            if cell.client_id == 0 {
                break;
            }
            let wanted = home(cell.account, cell.client_id) & mask;
            let run = next.wrapping_sub(wanted) & mask;
            if run >= next.wrapping_sub(gap) & mask {
                if let Some(slot) = self.cells.get_mut(gap) {
                    *slot = cell;
                }
                gap = next;
            }
        }
        if let Some(slot) = self.cells.get_mut(gap) {
            *slot = FREE;
        }
    }
}

/// Mixes account and id into a table place; fixed, so that every run lays the table out alike.
#[inline]
fn home(account: u32, client_id: u64) -> usize {
    let mut mixed = client_id ^ u64::from(account).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (mixed ^ (mixed >> 32)) as usize
}
