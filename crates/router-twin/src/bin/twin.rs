//! The twin as a process, for tests in other languages.
//!
//! In: a `u32` count, then as many 64-byte command records, one submission after the other. Out, for each:
//! a `u32` count, as many 64-byte event records, and the `u64` hash of the state. All little endian. It ends
//! with its input. The caps are those of the generator: 6 accounts, 4 assets, 4 instruments, 48 orders.

use std::io::{self, ErrorKind, Read, Write};

use router_core::engine::{image_hash, CommandRecord};
use router_twin::gen::Generator;
use router_twin::Twin;

/// The most records of one submission: what a caller has to gain by more is only memory here.
const MOST: u32 = 1 << 16;

fn submission(input: &mut impl Read) -> io::Result<Option<Vec<CommandRecord>>> {
    let mut count = [0; 4];
    match input.read_exact(&mut count) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let count = u32::from_le_bytes(count);
    if count > MOST {
        return Err(io::Error::new(ErrorKind::InvalidData, "too many records"));
    }
    let mut records = Vec::new();
    for _ in 0..count {
        let mut bytes = [0; size_of::<CommandRecord>()];
        input.read_exact(&mut bytes)?;
        records.push(bytemuck::pod_read_unaligned(&bytes));
    }
    Ok(Some(records))
}

fn main() -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut twin = Twin::new(Generator::limits());
    while let Some(records) = submission(&mut input)? {
        let events = twin.submit(&records);
        let count = u32::try_from(events.len()).map_err(io::Error::other)?;
        output.write_all(&count.to_le_bytes())?;
        output.write_all(bytemuck::cast_slice(&events))?;
        output.write_all(&image_hash(&twin.image()).to_le_bytes())?;
        output.flush()?;
    }
    Ok(())
}
