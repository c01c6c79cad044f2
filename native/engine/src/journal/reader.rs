//! Reads a journal, up to the first damage.

use std::io::Read;

use super::{FRAME_MAX, JournalError, MAGIC, Record};

/// Hands out the records of a journal in order.
#[derive(Debug)]
pub struct Reader<R: Read> {
    input: R,
    header: String,
    frame: Vec<u8>,
    position: usize,
    offset: u64,
    records: u64,
}

impl<R: Read> Reader<R> {
    /// Opens a journal and reads its header.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn new(mut input: R) -> Result<Self, JournalError> {
        let mut magic = [0; MAGIC.len()];
        if fill(&mut input, &mut magic)? != magic.len() || magic != MAGIC {
            return Err(JournalError::NotAJournal);
        }
        let offset = MAGIC.len() as u64;
        let mut reader = Self { input, header: String::new(), frame: Vec::new(), position: 0, offset, records: 0 };
        if !reader.next_frame()? {
            return Err(reader.damaged("the header is missing"));
        }
        reader.header = String::from_utf8(std::mem::take(&mut reader.frame)).map_err(|_| JournalError::NotAJournal)?;
        Ok(reader)
    }

    /// The JSON header.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] where it stops being whole.
    #[expect(clippy::should_implement_trait, reason = "it is fallible")]
    pub fn next(&mut self) -> Result<Option<Record>, JournalError> {
        while self.position >= self.frame.len() {
            if !self.next_frame()? {
                return Ok(None);
            }
        }
        let rest = self.frame.get(self.position..).unwrap_or_default();
        let Ok((record, tail)) = postcard::take_from_bytes(rest) else {
            return Err(self.damaged("a record of an unknown kind"));
        };
        self.position = self.frame.len() - tail.len();
        self.records += 1;
        Ok(Some(record))
    }

    fn next_frame(&mut self) -> Result<bool, JournalError> {
        let mut head = [0; 8];
        match fill(&mut self.input, &mut head)? {
            0 => return Ok(false),
            8 => {}
            _ => return Err(self.damaged("a frame is cut off")),
        }
        let [a, b, c, d, e, f, g, h] = head;
        let (length, checksum) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        if length == 0 || length > FRAME_MAX {
            return Err(self.damaged("a frame of an impossible length"));
        }
        // Read through `take`, so that a damaged length costs no memory beyond what the file holds.
        self.frame.clear();
        let read = self.input.by_ref().take(u64::from(length)).read_to_end(&mut self.frame)?;
        if read != length as usize {
            return Err(self.damaged("a frame is cut off"));
        }
        if crc32fast::hash(&self.frame) != checksum {
            return Err(self.damaged("a wrong checksum"));
        }
        self.position = 0;
        self.offset += 8 + u64::from(length);
        Ok(true)
    }

    fn damaged(&mut self, what: &'static str) -> JournalError {
        self.frame.clear();
        JournalError::Damaged { offset: self.offset, what, records: self.records }
    }
}

/// Reads until the buffer is full or the input ends; says how much it was.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|r| !r.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
