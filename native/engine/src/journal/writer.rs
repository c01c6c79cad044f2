//! Writes a journal.

use std::io::Write;

use super::{JournalError, MAGIC, Record};

/// A frame is written when it has grown to this.
const FRAME: usize = 64 << 10;

/// Appends records; they are on their way to disk once [`Writer::commit`] has returned.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    frame: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Starts a journal with a JSON header.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn new(mut out: W, header: &str) -> Result<Self, JournalError> {
        out.write_all(&MAGIC)?;
        let mut writer = Self { out, frame: header.as_bytes().to_vec() };
        writer.commit()?;
        Ok(writer)
    }

    /// Adds a record to the present frame.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn append(&mut self, record: &Record) -> Result<(), JournalError> {
        // `to_extend` hands the buffer back, so records are encoded in place without an allocation each.
        self.frame = postcard::to_extend(record, std::mem::take(&mut self.frame))?;
        if self.frame.len() >= FRAME { self.commit() } else { Ok(()) }
    }

    /// Writes the present frame, if there is anything in it.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn commit(&mut self) -> Result<(), JournalError> {
        if self.frame.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(self.frame.len()).map_err(|_| std::io::Error::other("a frame above 4 GiB"))?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&crc32fast::hash(&self.frame).to_le_bytes())?;
        self.out.write_all(&self.frame)?;
        self.out.flush()?;
        self.frame.clear();
        Ok(())
    }

    /// Writes what is left and gives the destination back.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn finish(mut self) -> Result<W, JournalError> {
        self.commit()?;
        Ok(self.out)
    }
}
