//! Files that are open only while they are read: a lake of a thousand symbols has more files than a process may hold open.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};

use crate::data::fault::Fault;

/// A file by its path and length.
#[derive(Debug, Clone)]
pub struct Reopened {
    path: PathBuf,
    length: u64,
}

impl Reopened {
    /// Looks the file up.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), length: std::fs::metadata(path)?.len() })
    }
    /// Opens it at a place.
    ///
    /// # Errors
    /// What the system says.
    pub fn open_at(&self, start: u64) -> io::Result<File> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(start))?;
        Ok(file)
    }
}

impl Length for Reopened {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Reopened {
    type T = BufReader<File>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        // What is read this way are headers of pages, of some dozens of bytes.
        Ok(BufReader::with_capacity(256, self.open_at(start)?))
    }
    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        // A damaged footer may ask for more than there is, which must not be allocated.
        let end = u64::try_from(length).ok().and_then(|length| start.checked_add(length));
        if end.is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF("it points behind its end".to_owned()));
        }
        let mut bytes = vec![0; length];
        self.open_at(start)?.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// Reads with a decoder that may panic over damage; what it read from is not used again then.
pub(super) fn fenced<T>(format: &'static str, read: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(Fault::Damaged { format, reason: "its description makes no sense".into() }))
}
