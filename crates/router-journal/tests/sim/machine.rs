//! A state machine whose state depends on every record and on their order.

use router_journal::{Record, StateMachine, RECORD_BYTES};

/// Chains a hash over all records. A record whose byte 1 is not zero belongs to the one before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    pub count: u64,
    pub hash: u64,
    /// Makes snapshots longer than one block.
    pub ballast: Vec<u8>,
}

impl Counter {
    pub fn with_ballast(bytes: usize) -> Self {
        Self {
            ballast: vec![7; bytes],
            ..Self::default()
        }
    }
}

pub const SEMANTICS: u32 = 3;

impl StateMachine for Counter {
    fn apply(&mut self, records: &[Record], events: &mut Vec<Record>) {
        for record in records {
            for word in record.chunks(8) {
                let word = u64::from_le_bytes(word.try_into().unwrap());
                self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(0x100_0000_01b3);
            }
            let mut event = [0; RECORD_BYTES];
            event[..8].copy_from_slice(&self.count.to_le_bytes());
            event[8..16].copy_from_slice(&self.hash.to_le_bytes());
            // Some records give two events, as a trade does.
            for _ in 0..=(record[8] & 1) {
                events.push(event);
            }
            self.count += 1;
        }
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&self.hash.to_le_bytes());
        out.extend_from_slice(&self.ballast);
    }

    fn load(bytes: &[u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk()?;
        let (hash, ballast) = rest.split_first_chunk()?;
        Some(Self {
            count: u64::from_le_bytes(*count),
            hash: u64::from_le_bytes(*hash),
            ballast: ballast.to_vec(),
        })
    }

    fn state_hash(&self) -> u64 {
        self.hash ^ self.count.rotate_left(32)
    }

    fn semantics_version() -> u32 {
        SEMANTICS
    }

    fn starts_submission(record: &Record) -> bool {
        record[1] == 0
    }
}

/// Returns a record of its own for each number, beginning a submission.
pub fn record(number: u64) -> Record {
    let mut record = [0; RECORD_BYTES];
    record[0] = 1;
    record[8..16].copy_from_slice(&number.to_le_bytes());
    record[16..24].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    record
}

pub fn records(from: u64, count: u64) -> Vec<Record> {
    (from..from + count).map(record).collect()
}

/// Returns a record that belongs to the one before it.
pub fn leg(number: u64) -> Record {
    let mut record = record(number);
    record[1] = 1;
    record
}

/// Returns what a machine that never crashed has after `records`.
pub fn oracle(records: &[Record]) -> Counter {
    oracle_from(Counter::default(), records)
}

pub fn oracle_from(mut machine: Counter, records: &[Record]) -> Counter {
    machine.apply(records, &mut Vec::new());
    machine
}
