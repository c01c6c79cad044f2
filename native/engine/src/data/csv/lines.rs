//! Whole lines of an input, read block by block.

use crate::data::fault::Fault;
use crate::data::input::Input;

/// A longer line is not a bar.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// Bytes kept behind the text, so that eight can be looked at anywhere in it.
const PADDING: usize = 32;

/// Text of an input as whole lines: what has been read and not yet used.
#[derive(Debug)]
pub struct Lines {
    input: Input,
    block_bytes: usize,
    buffer: Vec<u8>,
    /// What is used up.
    start: usize,
    /// The end of the last whole line.
    whole: usize,
    /// The end of what has been read.
    end: usize,
    is_at_end: bool,
    /// The number of the line read last, or being read.
    pub line: u64,
}

impl Lines {
    pub fn new(input: Input, block_bytes: usize) -> Self {
        Self {
            input,
            block_bytes: block_bytes.max(1),
            buffer: Vec::new(),
            start: 0,
            whole: 0,
            end: 0,
            is_at_end: false,
            line: 0,
        }
    }

    /// The whole lines ahead.
    pub fn text(&self) -> &[u8] {
        self.buffer.get(self.start..self.whole).unwrap_or_default()
    }
    /// The whole lines ahead and what lies behind them in memory: [`Lines::beyond`] bytes that do not count.
    pub fn ahead(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }
    pub fn beyond(&self) -> usize {
        self.buffer.len() - self.whole
    }
    pub fn is_used_up(&self) -> bool {
        self.start == self.whole
    }
    pub fn advance(&mut self, bytes: usize, lines: u64) {
        self.start += bytes;
        self.line += lines;
    }

    /// The next line without its end. Counts it.
    pub fn next_line(&mut self) -> Option<&[u8]> {
        let text = self.buffer.get(self.start..self.whole)?;
        let length = memchr::memchr(b'\n', text)?;
        let from = self.start;
        self.start += length + 1;
        self.line += 1;
        let line = self.buffer.get(from..from + length)?;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    pub fn skip_byte_order_mark(&mut self) {
        if self.text().starts_with(b"\xef\xbb\xbf") {
            self.start += 3;
        }
    }

    /// Reads on until there is a whole line that has not been used; `false` at the end.
    pub fn fill(&mut self) -> Result<bool, Fault> {
        while self.is_used_up() {
            if self.is_at_end {
                return Ok(false);
            }
            if self.end - self.start > LINE_BYTES_MAX {
                return Err(Fault::LongLine { limit: LINE_BYTES_MAX });
            }
            self.read_block()?;
        }
        Ok(true)
    }

    /// Reads on until the whole lines ahead satisfy `is_enough`, or there are `bytes_max` of them, or the end.
    pub fn fill_until(&mut self, is_enough: impl Fn(&[u8]) -> bool, bytes_max: usize) -> Result<(), Fault> {
        while !self.is_at_end && !is_enough(self.text()) && self.end - self.start <= bytes_max {
            self.read_block()?;
        }
        if self.is_used_up() && !self.is_at_end {
            return Err(Fault::LongLine { limit: bytes_max });
        }
        Ok(())
    }

    fn read_block(&mut self) -> Result<(), Fault> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.whole -= self.start;
        self.start = 0;
        if self.buffer.len() < self.end + self.block_bytes + PADDING {
            self.buffer.resize(self.end + self.block_bytes + PADDING, 0);
        }
        let target = self.end + self.block_bytes;
        while self.end < target {
            let into = self.buffer.get_mut(self.end..target).unwrap_or_default();
            let count = self.input.read(into)?;
            if count == 0 {
                self.is_at_end = true;
                // The last line may lack its end.
                let has_end = self.end == 0 || self.buffer.get(self.end - 1) == Some(&b'\n');
                if !has_end && let Some(byte) = self.buffer.get_mut(self.end) {
                    *byte = b'\n';
                    self.end += 1;
                }
                break;
            }
            self.end += count;
        }
        let fresh = self.buffer.get(self.whole..self.end).unwrap_or_default();
        if let Some(last) = memchr::memrchr(b'\n', fresh) {
            self.whole += last + 1;
        }
        Ok(())
    }
}
