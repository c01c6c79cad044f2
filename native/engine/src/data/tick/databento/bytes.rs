//! Bytes of a file as records: each begins with its length in words of four bytes.

use crate::data::fault::{Fault, SourceError};
use crate::data::input::Input;

/// Bytes asked for at once.
const BLOCK_BYTES: usize = 1 << 16;

/// Reads records out of an input.
pub struct Records {
    input: Input,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Records {
    pub const fn new(input: Input) -> Self {
        Self { input, buffer: Vec::new(), start: 0, end: 0 }
    }

    /// The next record; `None` at the end.
    pub fn next(&mut self) -> Result<Option<&[u8]>, SourceError> {
        let length = match self.ahead(1)? {
            [] => return Ok(None),
            [words, ..] => 4 * usize::from(*words),
        };
        if length < 16 {
            return Err(damaged("a record is shorter than its head"));
        }
        self.take(length)?.map_or(Err(Fault::Truncated { format: "DBN" }.alone()), |bytes| Ok(Some(bytes)))
    }

    /// So many bytes; `None` if there are fewer.
    pub fn take(&mut self, count: usize) -> Result<Option<&[u8]>, SourceError> {
        if self.ahead(count)?.len() < count {
            return Ok(None);
        }
        let from = self.start;
        self.start += count;
        Ok(self.buffer.get(from..from + count))
    }

    /// At least so many bytes, unless the input ends before.
    fn ahead(&mut self, count: usize) -> Result<&[u8], SourceError> {
        if self.end - self.start < count {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            // By blocks, so that a false length costs no more memory than the file has bytes.
            while self.end < count {
                if self.buffer.len() < self.end + BLOCK_BYTES {
                    self.buffer.resize(self.end + BLOCK_BYTES, 0);
                }
                let into = self.buffer.get_mut(self.end..).unwrap_or_default();
                match self.input.read(into).map_err(|fault| fault.alone())? {
                    0 => break,
                    read => self.end += read,
                }
            }
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }
}

pub fn damaged(reason: &str) -> SourceError {
    Fault::Damaged { format: "DBN", reason: reason.into() }.alone()
}

pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}
pub fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}
pub fn i64_at(bytes: &[u8], at: usize) -> Option<i64> {
    bytes.get(at..)?.first_chunk().map(|bytes| i64::from_le_bytes(*bytes))
}
