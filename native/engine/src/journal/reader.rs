//! Reads a journal, up to the first damage.

use std::io::Read;

use super::frames::{Broken, FrameReader};
use super::{JournalError, Record};

/// Hands out the records of a journal in order.
#[derive(Debug)]
pub struct Reader<R: Read> {
    frames: FrameReader<R>,
    header: String,
    position: usize,
    records: u64,
}

impl<R: Read> Reader<R> {
    /// Opens a journal and reads its header.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn new(input: R) -> Result<Self, JournalError> {
        let mut frames = FrameReader::new(input)?;
        let header = header_of(&mut frames)?;
        let position = frames.payload().len();
        Ok(Self { frames, header, position, records: 0 })
    }

    /// The JSON header.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }

    /// How many records were handed out.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] where it stops being whole.
    #[expect(clippy::should_implement_trait, reason = "it is fallible")]
    pub fn next(&mut self) -> Result<Option<Record>, JournalError> {
        while self.position >= self.frames.payload().len() {
            match self.frames.advance()? {
                Ok(true) => self.position = 0,
                Ok(false) => return Ok(None),
                Err(broken) => return Err(damaged(&self.frames, broken, self.records)),
            }
        }
        let payload = self.frames.payload();
        let rest = payload.get(self.position..).unwrap_or_default();
        let Ok((record, tail)) = postcard::take_from_bytes(rest) else {
            return Err(JournalError::Unknown { before: self.frames.offset(), records: self.records });
        };
        self.position = payload.len() - tail.len();
        self.records += 1;
        Ok(Some(record))
    }
}

fn header_of(frames: &mut FrameReader<impl Read>) -> Result<String, JournalError> {
    match frames.advance()? {
        Ok(true) => String::from_utf8(frames.payload().to_vec()).map_err(|_| JournalError::NotAJournal),
        Ok(false) => Err(damaged(frames, Broken { what: "the header is missing", is_last: true }, 0)),
        Err(broken) => Err(damaged(frames, broken, 0)),
    }
}

fn damaged(frames: &FrameReader<impl Read>, broken: Broken, records: u64) -> JournalError {
    let Broken { what, is_last } = broken;
    JournalError::Damaged { offset: frames.offset(), what, records, is_last }
}

/// How much of a journal is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    /// So many bytes from its beginning: magic, header, and frames.
    pub bytes: u64,
    /// What is wrong with what comes after them; `None` if nothing does.
    pub damage: Option<&'static str>,
}

/// Looks how much of a journal is whole, without decoding its records.
///
/// # Errors
/// [`JournalError`], where there is not even a header.
pub fn whole(input: impl Read) -> Result<Whole, JournalError> {
    let mut frames = FrameReader::new(input)?;
    header_of(&mut frames)?;
    loop {
        let damage = match frames.advance()? {
            Ok(true) => continue,
            Ok(false) => None,
            Err(broken) => Some(broken.what),
        };
        return Ok(Whole { bytes: frames.offset(), damage });
    }
}
