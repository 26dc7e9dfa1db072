//! Where the next frame belongs, and whether a frame belongs there.

use super::{Chain, Defect, FrameHeader, SegmentHeader, BLOCK_BYTES};

/// A place in the log: segment, then byte offset in it. Ordered as the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Number of the segment, dense from zero.
    pub segment: u64,
    /// Byte offset in the segment's file.
    pub offset: u64,
}

impl Position {
    /// Returns the place of a segment's first frame.
    #[must_use]
    pub const fn start_of(segment: u64) -> Self {
        Self {
            segment,
            offset: BLOCK_BYTES as u64,
        }
    }
}

/// What is known at a place between two frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Where the next frame starts.
    pub position: Position,
    /// The sequence of the next record: also the count of records so far.
    pub next_sequence: u64,
    /// The highest epoch so far.
    pub epoch: u64,
    /// The hash of all frames so far.
    pub chain: Chain,
}

impl Cursor {
    /// Returns where an empty journal starts.
    #[must_use]
    pub const fn origin() -> Self {
        Self {
            position: Position::start_of(0),
            next_sequence: 0,
            epoch: 0,
            chain: Chain(0),
        }
    }

    /// Checks that a whole frame is the one that belongs here.
    ///
    /// # Errors
    /// [`Defect::Misplaced`], [`Defect::Sequence`], [`Defect::Chain`] or [`Defect::Epoch`].
    pub fn expects(&self, header: &FrameHeader) -> Result<(), Defect> {
        if header.position != self.position {
            return Err(Defect::Misplaced);
        }
        if header.first_sequence != self.next_sequence {
            return Err(Defect::Sequence);
        }
        if header.previous != self.chain {
            return Err(Defect::Chain);
        }
        if header.epoch < self.epoch {
            return Err(Defect::Epoch);
        }
        Ok(())
    }

    /// Moves behind a frame that [`Self::expects`] admitted; `chain` is the frame's own hash.
    ///
    /// # Errors
    /// [`Defect::Length`] if the offset or the sequence would leave 64 bits.
    pub fn pass(&mut self, header: &FrameHeader, chain: Chain) -> Result<(), Defect> {
        self.expects(header)?;
        let next_sequence = header
            .first_sequence
            .checked_add(u64::from(header.count))
            .ok_or(Defect::Length)?;
        let offset = self
            .position
            .offset
            .checked_add(header.frame_bytes() as u64)
            .ok_or(Defect::Length)?;
        self.position.offset = offset;
        self.next_sequence = next_sequence;
        self.epoch = header.epoch;
        self.chain = chain;
        Ok(())
    }

    /// Moves to the start of the segment that follows this one.
    ///
    /// # Errors
    /// [`Defect::Misplaced`], [`Defect::Sequence`], [`Defect::Chain`] or [`Defect::Epoch`] if the header
    /// is not that of the next segment.
    pub fn enter(&mut self, header: &SegmentHeader) -> Result<(), Defect> {
        if Some(header.segment) != self.position.segment.checked_add(1) {
            return Err(Defect::Misplaced);
        }
        self.agrees(header)?;
        self.position = Position::start_of(header.segment);
        self.epoch = header.epoch;
        Ok(())
    }

    /// Checks a segment's header against what is known at its start.
    ///
    /// # Errors
    /// [`Defect::Sequence`], [`Defect::Chain`] or [`Defect::Epoch`].
    pub fn agrees(&self, header: &SegmentHeader) -> Result<(), Defect> {
        if header.first_sequence != self.next_sequence {
            return Err(Defect::Sequence);
        }
        if header.previous != self.chain {
            return Err(Defect::Chain);
        }
        if header.epoch < self.epoch {
            return Err(Defect::Epoch);
        }
        Ok(())
    }
}
