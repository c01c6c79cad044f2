//! The files of a store: real ones, or those of a simulation that crashes.

use std::io::{Read, Result};

/// Where files are.
pub trait Disk {
    /// A file that is open.
    type File: DiskFile;

    /// Opens a file; `None` if it is not there.
    ///
    /// # Errors
    /// Those of the system; so in all methods here.
    fn open(&mut self, name: &str) -> Result<Option<Self::File>>;

    /// Opens a file, and makes it, and the folders that it lies in, where they are not there.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn create(&mut self, name: &str) -> Result<Self::File>;
}

/// A file. Until it was synced, a crash may undo, tear or reorder whatever was done to it, its making among that.
pub trait DiskFile {
    /// Reads what is at a place; 0 beyond the end.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize>;

    /// Writes all of it at a place; the file grows as need be.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()>;

    /// How many bytes it has.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn size(&self) -> Result<u64>;

    /// Cuts it off.
    ///
    /// # Errors
    /// See [`Disk::open`].
    fn truncate(&mut self, size: u64) -> Result<()>;

    /// Comes back once all that was done to it is durable.
    ///
    /// # Errors
    /// See [`Disk::open`]. What was not durable then may be lost even if a later try succeeds.
    fn sync(&mut self) -> Result<()>;
}

/// Reads a file from its beginning on.
pub(super) struct FromStart<'a, F> {
    pub file: &'a F,
    pub offset: u64,
}

impl<F: DiskFile> Read for FromStart<'_, F> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let read = self.file.read_at(self.offset, into)?;
        self.offset += read as u64;
        Ok(read)
    }
}
