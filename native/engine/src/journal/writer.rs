//! Writes a journal.

use std::io::Write;

use super::frames::Frames;
use super::{JournalError, Record};
use crate::event::{Command, Event};

/// Appends records; they are on their way to disk once [`Writer::commit`] has returned.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    frames: Frames,
    written: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Starts a journal with a JSON header.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn new(out: W, header: &str) -> Result<Self, JournalError> {
        let mut writer = Self { out, frames: Frames::with_header(header)?, written: Vec::new() };
        writer.commit()?;
        Ok(writer)
    }

    /// Adds a record to the present frame.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn append(&mut self, record: &Record) -> Result<(), JournalError> {
        self.frames.push(record)?;
        self.commit_if_full()
    }

    /// Adds an event and the commands that it led to; no torn write parts them.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn append_step(&mut self, event: Event<'_>, commands: &[Command]) -> Result<(), JournalError> {
        self.frames.push_step(event, commands)?;
        self.commit_if_full()
    }

    fn commit_if_full(&mut self) -> Result<(), JournalError> {
        if self.frames.is_closed() { self.commit() } else { Ok(()) }
    }

    /// Writes the present frame, if there is anything in it.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn commit(&mut self) -> Result<(), JournalError> {
        self.frames.take(&mut self.written);
        if self.written.is_empty() {
            return Ok(());
        }
        self.out.write_all(&self.written)?;
        self.out.flush()?;
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
