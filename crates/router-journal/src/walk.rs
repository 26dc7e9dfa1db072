//! Walking the log from a place to its end, checking everything on the way.

use std::io;

use router_core::journal::{
    CommitMark, Cursor, Defect, FrameHeader, Position, Record, SegmentHeader, BLOCK_BYTES,
};

use crate::disk::{Access, Disk, DiskFile};
use crate::error::{FileId, JournalError};
use crate::names;
use crate::report::TornTail;
use crate::scan::{frame_at, NoFrame, Window};
use crate::tail::residue;

/// What stands at the start of a segment's file.
enum Start {
    /// No file, or only zeros: prepared or not, nobody has written to it.
    Unused,
    /// Something, but no whole header: the first write to it was cut off, or it is damaged.
    Dirty(Defect),
    /// A whole header.
    Begun(SegmentHeader),
}

/// Where a walk ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walked {
    pub(crate) cursor: Cursor,
    /// Whether the segment of the cursor has a header; if not, a writer begins it.
    pub(crate) begun: bool,
    /// The last frame read: the one whose sync may not have returned.
    pub(crate) last: Option<(Position, usize)>,
    pub(crate) torn: Option<TornTail>,
    pub(crate) frames: u64,
}

/// A walk over the segments of a disk.
pub(crate) struct Walk<'d, D: Disk> {
    disk: &'d D,
    segments: &'d [u64],
    mark: Option<CommitMark>,
    window: Window,
    walked: Walked,
}

impl<'d, D: Disk> Walk<'d, D> {
    /// `segments` are the numbers of all segments there are, ascending.
    pub(crate) fn new(
        disk: &'d D,
        segments: &'d [u64],
        mark: Option<CommitMark>,
        from: Cursor,
    ) -> Self {
        Self {
            disk,
            segments,
            mark,
            window: Window::new(),
            walked: Walked {
                cursor: from,
                begun: false,
                last: None,
                torn: None,
                frames: 0,
            },
        }
    }

    /// Walks to the end of the log, or to the start of segment `until`, and gives each frame to `visit`.
    pub(crate) fn run(
        mut self,
        until: Option<u64>,
        visit: &mut impl FnMut(&FrameHeader, &[Record]) -> Result<(), JournalError>,
    ) -> Result<Walked, JournalError> {
        if !self.begin()? {
            return self.finish();
        }
        loop {
            if Some(self.walked.cursor.position.segment) == until {
                return Ok(self.walked);
            }
            let stop = self.frames(visit)?;
            if !self.leave(stop)? {
                return self.finish();
            }
        }
    }

    /// Checks the header of the first segment; false if it was never begun.
    fn begin(&mut self) -> Result<bool, JournalError> {
        let cursor = self.walked.cursor;
        let segment = cursor.position.segment;
        match self.start_of(segment)? {
            Start::Begun(header) => {
                let at_start = cursor.position == Position::start_of(segment);
                if at_start {
                    cursor
                        .agrees(&header)
                        .map_err(|defect| segment_defect(segment, defect))?;
                } else if header.first_sequence > cursor.next_sequence {
                    return Err(segment_defect(segment, Defect::Sequence));
                }
                self.walked.begun = true;
                Ok(true)
            }
            // Only a new journal may lack its first segment: a snapshot is taken behind synced frames.
            Start::Unused | Start::Dirty(_) if cursor == Cursor::origin() => {
                self.no_later_segment(segment)?;
                self.torn_start(segment)?;
                Ok(false)
            }
            Start::Unused if !self.segments.contains(&segment) => {
                Err(JournalError::MissingSegment { segment })
            }
            Start::Unused => Err(segment_defect(segment, Defect::Blank)),
            Start::Dirty(defect) => Err(segment_defect(segment, defect)),
        }
    }

    /// Reads frames until there is none, and says why.
    fn frames(
        &mut self,
        visit: &mut impl FnMut(&FrameHeader, &[Record]) -> Result<(), JournalError>,
    ) -> Result<NoFrame, JournalError> {
        let segment = self.walked.cursor.position.segment;
        let file = self.open(segment)?;
        let file_bytes = file
            .bytes()
            .map_err(|error| JournalError::io(FileId::Segment(segment), &error))?;
        self.window.reset();
        loop {
            let at = self.walked.cursor.position;
            let frame = match frame_at(&mut self.window, &file, file_bytes, &self.walked.cursor)? {
                Ok(frame) => frame,
                Err(NoFrame::Wrong(defect)) => return Err(JournalError::at(at, defect)),
                Err(stop) => return Ok(stop),
            };
            visit(&frame.header, frame.records)?;
            self.walked
                .cursor
                .pass(&frame.header, frame.chain)
                .map_err(|defect| JournalError::at(at, defect))?;
            self.walked.last = Some((at, frame.header.frame_bytes()));
            self.walked.frames = self.walked.frames.saturating_add(1);
            self.agrees_with_mark(at)?;
        }
    }

    fn agrees_with_mark(&self, frame: Position) -> Result<(), JournalError> {
        let cursor = &self.walked.cursor;
        let differs = self.mark.is_some_and(|mark| {
            mark.position == cursor.position
                && (mark.chain != cursor.chain || mark.end_sequence != cursor.next_sequence)
        });
        if differs {
            return Err(JournalError::at(frame, Defect::Mark));
        }
        Ok(())
    }

    /// Goes on to the next segment; false if the log ends here.
    fn leave(&mut self, stop: NoFrame) -> Result<bool, JournalError> {
        let at = self.walked.cursor.position;
        let next = at.segment.saturating_add(1);
        let start = self.start_of(next)?;
        let (defect, header) = match stop {
            NoFrame::EndOfFile => (Defect::Blank, None),
            NoFrame::MaybeTorn(defect, header) => (defect, header),
            NoFrame::Wrong(defect) => return Err(JournalError::at(at, defect)),
        };
        let used = self.residue_behind(at, header, defect)?;
        match start {
            Start::Begun(_) | Start::Dirty(_) if used > 0 => Err(JournalError::at(at, defect)),
            Start::Begun(header) => {
                self.walked
                    .cursor
                    .enter(&header)
                    .map_err(|defect| segment_defect(next, defect))?;
                Ok(true)
            }
            Start::Dirty(_) => {
                self.no_later_segment(next)?;
                self.torn_start(next)?;
                Ok(false)
            }
            Start::Unused => {
                self.no_later_segment(next)?;
                if used > 0 {
                    self.walked.torn = Some(self.torn_at(at, used, header));
                }
                Ok(false)
            }
        }
    }

    fn residue_behind(
        &mut self,
        at: Position,
        header: Option<FrameHeader>,
        defect: Defect,
    ) -> Result<u64, JournalError> {
        let own = header.map_or(BLOCK_BYTES, |header| header.frame_bytes());
        let search = at.offset.saturating_add(own as u64);
        let file = self.open(at.segment)?;
        residue(&mut self.window, &file, at, search, defect)
    }

    /// Measures what the cut-off first write to a segment left behind, if there is anything.
    fn torn_start(&mut self, segment: u64) -> Result<(), JournalError> {
        let Start::Dirty(defect) = self.start_of(segment)? else {
            return Ok(());
        };
        let file = self.open(segment)?;
        let id = FileId::Segment(segment);
        self.window.reset();
        let first = self
            .window
            .bytes(&file, id, BLOCK_BYTES as u64, BLOCK_BYTES)?;
        let header = FrameHeader::decode(first).ok();
        let own = header.map_or(BLOCK_BYTES, |header| header.frame_bytes());
        let search = (BLOCK_BYTES as u64).saturating_add(own as u64);
        let at = Position { segment, offset: 0 };
        let used = residue(&mut self.window, &file, at, search, defect)?;
        self.walked.torn = Some(self.torn_at(at, used, header));
        Ok(())
    }

    fn torn_at(&self, at: Position, bytes: u64, header: Option<FrameHeader>) -> TornTail {
        TornTail {
            position: at,
            bytes,
            first_sequence: self.walked.cursor.next_sequence,
            records: header.map(|header| header.count),
        }
    }

    /// Refuses if a segment behind `last` has been begun: then `last` had been written and synced.
    fn no_later_segment(&mut self, last: u64) -> Result<(), JournalError> {
        for segment in self
            .segments
            .iter()
            .copied()
            .filter(|number| *number > last)
        {
            if !matches!(self.start_of(segment)?, Start::Unused) {
                return Err(match self.start_of(last)? {
                    Start::Dirty(defect) => segment_defect(last, defect),
                    Start::Unused | Start::Begun(_) => {
                        JournalError::MissingSegment { segment: last }
                    }
                });
            }
        }
        Ok(())
    }

    /// Compares the end of the log with the commit mark.
    fn finish(self) -> Result<Walked, JournalError> {
        let found = self.walked.cursor.position;
        match self.mark {
            Some(mark) if mark.position > found => Err(JournalError::AcknowledgedLost {
                found,
                marked: mark.position,
            }),
            _ => Ok(self.walked),
        }
    }

    fn open(&self, segment: u64) -> Result<D::File, JournalError> {
        self.disk
            .open(&names::segment(segment), Access::Read)
            .map_err(|error| {
                if error.kind() == io::ErrorKind::NotFound {
                    JournalError::MissingSegment { segment }
                } else {
                    JournalError::io(FileId::Segment(segment), &error)
                }
            })
    }

    fn start_of(&mut self, segment: u64) -> Result<Start, JournalError> {
        if self.segments.binary_search(&segment).is_err() {
            return Ok(Start::Unused);
        }
        let file = self.open(segment)?;
        let id = FileId::Segment(segment);
        self.window.reset();
        let block = self.window.bytes(&file, id, 0, BLOCK_BYTES)?;
        let header = match SegmentHeader::decode(block) {
            Ok(header) => header,
            Err(Defect::Blank) => return self.blank_start(&file, segment),
            Err(defect @ (Defect::Magic | Defect::HeaderChecksum)) => {
                return Ok(Start::Dirty(defect));
            }
            Err(defect) => return Err(segment_defect(segment, defect)),
        };
        if header.segment != segment {
            return Err(segment_defect(segment, Defect::Misplaced));
        }
        let file_bytes = file.bytes().map_err(|error| JournalError::io(id, &error))?;
        if header.segment_bytes != file_bytes {
            return Err(segment_defect(segment, Defect::Length));
        }
        Ok(Start::Begun(header))
    }

    /// Tells a file that nobody has written to from one whose first block was lost.
    fn blank_start(&mut self, file: &D::File, segment: u64) -> Result<Start, JournalError> {
        let at = Position { segment, offset: 0 };
        // With nothing to search for, this cannot fail on what the bytes say.
        let used = residue(&mut self.window, file, at, u64::MAX, Defect::Blank)?;
        Ok(if used == 0 {
            Start::Unused
        } else {
            Start::Dirty(Defect::Blank)
        })
    }
}

const fn segment_defect(segment: u64, defect: Defect) -> JournalError {
    JournalError::Corrupt {
        file: FileId::Segment(segment),
        offset: 0,
        defect,
    }
}
