//! The 40-byte record in which other programs read a tape.

use super::Command;
use std::io::{self, Write};

/// Size of one record.
pub const RECORD_BYTES: usize = 40;

/// Writes little-endian records: action, side, immediate, 0 (u8 each), user u32, id u64, price i64,
/// quantity i64, position u64.
///
/// # Errors
///
/// What `target` says.
pub fn write_records(commands: &[Command], target: &mut impl Write) -> io::Result<()> {
    for (position, command) in commands.iter().enumerate() {
        let head = [
            command.action as u8,
            command.side as u8,
            u8::from(command.immediate),
            0,
        ];
        target.write_all(&head)?;
        target.write_all(&command.user.to_le_bytes())?;
        target.write_all(&command.id.to_le_bytes())?;
        target.write_all(&command.price.to_le_bytes())?;
        target.write_all(&command.quantity.to_le_bytes())?;
        target.write_all(&(position as u64).to_le_bytes())?;
    }
    Ok(())
}
