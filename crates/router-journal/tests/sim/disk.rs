//! A disk in memory that knows what is synced and what is not.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use router_journal::{Access, Disk, DiskFile};

const SECTOR: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    Write,
    Sync,
    Rename,
    Remove,
    SyncNames,
    Open,
}

/// What happens at one operation and, but for `Lose`, at all that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The machine loses power: nothing works any more.
    PowerCut,
    /// A write or sync says EIO; other operations go on.
    Io,
    /// A write says that the disk is full.
    Full,
    /// A sync says that it worked and did nothing.
    Lose,
    /// The operation takes long.
    Slow(Duration),
}

#[derive(Clone, Debug, Default)]
struct Node {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// Sectors written since the last sync, with what they held after each write.
    unsynced: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Set(String, u64),
    Rename(String, String),
    Remove(String),
}

#[derive(Default)]
struct State {
    nodes: BTreeMap<u64, Node>,
    names: BTreeMap<String, u64>,
    synced_names: BTreeMap<String, u64>,
    changes: Vec<NameChange>,
    next_node: u64,
    operations: u64,
    counts: BTreeMap<Operation, u64>,
    /// The fault, and at which operation it happens; `None` counts all kinds.
    fault: Option<(Option<Operation>, u64, Fault)>,
    broken: bool,
    locked: bool,
    /// Bytes that may be written in all before the disk is full.
    room: Option<u64>,
}

/// A simulated disk. Clones are the same disk.
#[derive(Clone, Default)]
pub struct SimDisk(Arc<Mutex<State>>);

fn error(text: &str) -> io::Error {
    io::Error::other(text.to_owned())
}

impl SimDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Makes something happen at the `at`-th operation from now, counted from 0 over one kind or all.
    pub fn inject(&self, kind: Option<Operation>, at: u64, fault: Fault) {
        let mut state = self.state();
        let base = match kind {
            None => state.operations,
            Some(kind) => state.counts.get(&kind).copied().unwrap_or(0),
        };
        state.fault = Some((kind, base + at, fault));
    }

    /// Lets the disk be full after so many more bytes of files that grow.
    pub fn limit_growth(&self, bytes: Option<u64>) {
        self.state().room = bytes;
    }

    /// Waits until a file is there: until a background thread has finished it.
    pub fn wait_for(&self, name: &str) {
        let since = std::time::Instant::now();
        while !self.state().names.contains_key(name) {
            assert!(since.elapsed().as_secs() < 20, "{name} never came");
            std::thread::yield_now();
        }
    }

    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Returns how many files were ever created.
    pub fn created(&self) -> u64 {
        self.state().next_node
    }

    pub fn count(&self, kind: Operation) -> u64 {
        self.state().counts.get(&kind).copied().unwrap_or(0)
    }

    /// Stops everything at once, as SIGKILL does: what was written stays in the system's cache.
    pub fn kill(&self) {
        self.state().broken = true;
    }

    /// Returns the disk as the next process finds it if only the process died.
    pub fn after_kill(&self) -> Self {
        let state = self.state();
        let nodes = state.nodes.clone();
        let names = state.names.clone();
        Self::with(nodes, names, state.next_node)
    }

    /// Returns the disk as the next boot finds it: of what was not synced, `choose` keeps some sectors,
    /// and some of the name changes from the front.
    pub fn after_power_cut(&self, choose: &mut impl FnMut(usize) -> usize) -> Self {
        let state = self.state();
        let mut names = state.synced_names.clone();
        let kept = choose(state.changes.len() + 1);
        for change in &state.changes[..kept] {
            match change {
                NameChange::Set(name, node) => {
                    names.insert(name.clone(), *node);
                }
                NameChange::Rename(from, to) => {
                    if let Some(node) = names.remove(from) {
                        names.insert(to.clone(), node);
                    }
                }
                NameChange::Remove(name) => {
                    names.remove(name);
                }
            }
        }
        let mut nodes = BTreeMap::new();
        for (id, node) in &state.nodes {
            let mut bytes = node.synced.clone();
            for (offset, sector) in &node.unsynced {
                if choose(2) == 1 {
                    let end = offset + sector.len();
                    if bytes.len() < end {
                        bytes.resize(end, 0);
                    }
                    bytes[*offset..end].copy_from_slice(sector);
                }
            }
            nodes.insert(*id, bytes);
        }
        let nodes = nodes
            .into_iter()
            .map(|(id, bytes)| {
                let node = Node {
                    now: bytes.clone(),
                    synced: bytes,
                    unsynced: Vec::new(),
                };
                (id, node)
            })
            .collect();
        Self::with(nodes, names, state.next_node)
    }

    fn with(nodes: BTreeMap<u64, Node>, names: BTreeMap<String, u64>, next_node: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            nodes,
            synced_names: names.clone(),
            names,
            next_node,
            ..State::default()
        })))
    }

    pub fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    /// Bytes of all files at one moment; the journal's threads may be renaming them.
    pub fn bytes_in_use(&self) -> u64 {
        let state = self.state();
        let sizes = state
            .names
            .values()
            .map(|id| state.nodes[id].now.len() as u64);
        sizes.sum()
    }

    pub fn contents(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.nodes[&state.names[name]].now.clone()
    }

    /// Replaces a file's bytes, all of them durable.
    pub fn set_contents(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        let id = match state.names.get(name) {
            Some(id) => *id,
            None => {
                let id = state.next_node;
                state.next_node += 1;
                state.names.insert(name.to_owned(), id);
                state.synced_names.insert(name.to_owned(), id);
                id
            }
        };
        let node = Node {
            now: bytes.clone(),
            synced: bytes,
            unsynced: Vec::new(),
        };
        state.nodes.insert(id, node);
    }

    pub fn delete(&self, name: &str) {
        let mut state = self.state();
        state.names.remove(name);
        state.synced_names.remove(name);
    }

    pub fn flip(&self, name: &str, offset: usize, mask: u8) {
        let mut bytes = self.contents(name);
        bytes[offset] ^= mask;
        self.set_contents(name, bytes);
    }

    /// Counts an operation and returns the fault that happens at it.
    fn enter(&self, kind: Operation) -> io::Result<Option<Fault>> {
        let mut state = self.state();
        if state.broken {
            return Err(error("no power"));
        }
        let index = state.operations;
        state.operations += 1;
        let count = state.counts.entry(kind).or_insert(0);
        let of_kind = *count;
        *count += 1;
        let Some((wanted, at, fault)) = state.fault else {
            return Ok(None);
        };
        let now = match wanted {
            None => index,
            Some(wanted) if wanted == kind => of_kind,
            Some(_) => return Ok(None),
        };
        let lasting = fault != Fault::Lose;
        if now < at || (now > at && !lasting) {
            return Ok(None);
        }
        match fault {
            Fault::PowerCut => {
                state.broken = true;
                // The operation under way may or may not have reached the disk's cache.
                if kind == Operation::Write {
                    Ok(Some(fault))
                } else {
                    Err(error("no power"))
                }
            }
            Fault::Io => match kind {
                Operation::Write | Operation::Sync | Operation::SyncNames => {
                    Err(io::Error::from_raw_os_error(5))
                }
                Operation::Rename | Operation::Remove | Operation::Open => Ok(None),
            },
            Fault::Full => match kind {
                Operation::Write => Err(io::Error::from_raw_os_error(28)),
                Operation::Sync
                | Operation::Rename
                | Operation::Remove
                | Operation::SyncNames
                | Operation::Open => Ok(None),
            },
            Fault::Lose => Ok(Some(fault)),
            Fault::Slow(time) => {
                drop(state);
                std::thread::sleep(time);
                Ok(None)
            }
        }
    }
}

/// An open file of a [`SimDisk`].
pub struct SimFile {
    disk: SimDisk,
    node: u64,
    writable: bool,
}

/// Frees the lock.
pub struct SimLock(SimDisk);

impl Drop for SimLock {
    fn drop(&mut self) {
        self.0.state().locked = false;
    }
}

impl Disk for SimDisk {
    type File = SimFile;
    type Lock = SimLock;

    fn lock(&self) -> io::Result<Option<SimLock>> {
        let mut state = self.state();
        if std::mem::replace(&mut state.locked, true) {
            return Ok(None);
        }
        drop(state);
        Ok(Some(SimLock(self.clone())))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        if self.state().broken {
            return Err(error("no power"));
        }
        Ok(self.names())
    }

    fn open(&self, name: &str, access: Access) -> io::Result<SimFile> {
        self.enter(Operation::Open)?;
        let mut state = self.state();
        let node = if access == Access::Create {
            let node = state.next_node;
            state.next_node += 1;
            state.nodes.insert(node, Node::default());
            state.names.insert(name.to_owned(), node);
            state.changes.push(NameChange::Set(name.to_owned(), node));
            node
        } else {
            *state
                .names
                .get(name)
                .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?
        };
        Ok(SimFile {
            disk: self.clone(),
            node,
            writable: access != Access::Read,
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.enter(Operation::Rename)?;
        let mut state = self.state();
        let node = state
            .names
            .remove(from)
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        state.names.insert(to.to_owned(), node);
        let change = NameChange::Rename(from.to_owned(), to.to_owned());
        state.changes.push(change);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.enter(Operation::Remove)?;
        let mut state = self.state();
        state
            .names
            .remove(name)
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        state.changes.push(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        self.enter(Operation::SyncNames)?;
        let mut state = self.state();
        state.synced_names = state.names.clone();
        state.changes.clear();
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.disk.state().nodes[&self.node].now.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        if state.broken {
            return Err(error("no power"));
        }
        let bytes = &state.nodes[&self.node].now;
        let from = usize::try_from(offset).unwrap().min(bytes.len());
        let count = buffer.len().min(bytes.len() - from);
        buffer[..count].copy_from_slice(&bytes[from..from + count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        assert!(self.writable, "a file opened for reading is never written");
        let fault = self.disk.enter(Operation::Write)?;
        let mut state = self.disk.state();
        let from = usize::try_from(offset).unwrap();
        let end = from + bytes.len();
        let before = state.nodes[&self.node].now.len();
        let growth = end.saturating_sub(before) as u64;
        if let Some(room) = state.room {
            if growth > room {
                return Err(io::Error::from_raw_os_error(28));
            }
            state.room = Some(room - growth);
        }
        let node = state.nodes.get_mut(&self.node).unwrap();
        if node.now.len() < end {
            node.now.resize(end, 0);
        }
        node.now[from..end].copy_from_slice(bytes);
        let mut start = from / SECTOR * SECTOR;
        while start < end {
            let stop = (start + SECTOR).min(node.now.len());
            let sector = node.now[start..stop].to_vec();
            node.unsynced.push((start, sector));
            start += SECTOR;
        }
        if fault == Some(Fault::PowerCut) {
            return Err(error("no power"));
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let fault = self.disk.enter(Operation::Sync);
        if matches!(fault, Ok(Some(Fault::Lose))) {
            return Ok(());
        }
        let mut state = self.disk.state();
        let power = !state.broken;
        let node = state.nodes.get_mut(&self.node).unwrap();
        if let Err(error) = fault {
            // As Linux does: the cache keeps the bytes but takes them for written, so the next sync skips them.
            if power {
                node.unsynced.clear();
            }
            return Err(error);
        }
        for (offset, sector) in std::mem::take(&mut node.unsynced) {
            let end = offset + sector.len();
            if node.synced.len() < end {
                node.synced.resize(end, 0);
            }
            node.synced[offset..end].copy_from_slice(&sector);
        }
        Ok(())
    }
}
