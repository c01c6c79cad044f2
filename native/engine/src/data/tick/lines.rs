//! Formats of text: a line at a time, of bounded length.

use crate::data::fault::{Fault, SourceError};
use crate::data::input::Input;
use crate::data::tick::findings::Findings;
use crate::data::tick::{BATCH_ROWS, TickReader};
use crate::row::Row;

/// A longer line is not data. Whole books of a thousand levels need some 50 KiB.
const LINE_BYTES_MAX: usize = 64 << 20;
/// Bytes asked for at once.
const BLOCK_BYTES: usize = 1 << 16;

/// Turns the lines of one format into rows.
pub trait LineFormat: Send {
    /// A line without its end, never empty. What is wrong needs neither file nor line number.
    fn line(&mut self, line: &str, findings: &mut Findings, rows: &mut Vec<Row>) -> Result<(), SourceError>;
    /// The end of the file: what was held back.
    fn finish(&mut self, _tally: &mut Findings, _rows: &mut Vec<Row>) -> Result<(), SourceError> {
        Ok(())
    }
}

/// Reads a file of lines.
pub struct LineReader<F> {
    file: Box<str>,
    lines: Lines,
    format: F,
    findings: Findings,
    is_done: bool,
}

impl<F: LineFormat> LineReader<F> {
    /// Reads `input`; `file` is its name in messages.
    pub fn new(file: &str, input: Input, format: F, findings: Findings) -> Self {
        Self { file: file.into(), lines: Lines::new(input), format, findings, is_done: false }
    }

    fn read_lines(&mut self, rows: &mut Vec<Row>) -> Result<(), SourceError> {
        let enough = rows.len().saturating_add(BATCH_ROWS);
        while rows.len() < enough {
            let Some(line) = self.lines.next().map_err(|fault| fault.alone())? else {
                self.is_done = true;
                return self.format.finish(&mut self.findings, rows);
            };
            let text = std::str::from_utf8(line).map_err(|_| Fault::NotText.alone())?;
            let text = text.strip_suffix('\r').unwrap_or(text);
            if !text.is_empty() {
                self.format.line(text, &mut self.findings, rows)?;
            }
        }
        Ok(())
    }
}

impl<F: LineFormat> TickReader for LineReader<F> {
    fn read(&mut self, rows: &mut Vec<Row>) -> Result<bool, SourceError> {
        let before = rows.len();
        if self.is_done {
            return Ok(false);
        }
        self.read_lines(rows).map_err(|mut error| {
            self.is_done = true;
            error.line = Some(self.lines.number);
            error.in_file(&self.file)
        })?;
        Ok(rows.len() > before)
    }
    fn symbols(&self) -> &[String] {
        self.findings.symbols()
    }
    fn venue(&self) -> &str {
        self.findings.venue()
    }
    fn notes(&self) -> Vec<(String, u64)> {
        self.findings.notes()
    }
}

/// Lines of an input; the buffer grows to the longest line and is used again.
struct Lines {
    input: Input,
    buffer: Vec<u8>,
    /// What is used up.
    start: usize,
    /// The end of what has been read.
    end: usize,
    is_at_end: bool,
    /// The number of the line handed out last, from 1; of the one being read, when that fails.
    number: u64,
}

impl Lines {
    fn new(input: Input) -> Self {
        Self { input, buffer: Vec::new(), start: 0, end: 0, is_at_end: false, number: 0 }
    }

    fn next(&mut self) -> Result<Option<&[u8]>, Fault> {
        self.number += 1;
        // Bytes ahead that are known to hold no end of a line.
        let mut searched = 0;
        loop {
            let ahead = self.buffer.get(self.start..self.end).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', ahead.get(searched..).unwrap_or_default()) {
                let from = self.start;
                let to = from + searched + at;
                self.start = to + 1;
                return Ok(self.buffer.get(from..to));
            }
            searched = ahead.len();
            if self.is_at_end {
                let from = self.start;
                self.start = self.end;
                return Ok(self.buffer.get(from..self.end).filter(|rest| !rest.is_empty()));
            }
            if searched > LINE_BYTES_MAX {
                return Err(Fault::LongLine { limit: LINE_BYTES_MAX });
            }
            self.read_block()?;
        }
    }

    fn read_block(&mut self) -> Result<(), Fault> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < self.end + BLOCK_BYTES {
            self.buffer.resize(self.end + BLOCK_BYTES, 0);
        }
        let into = self.buffer.get_mut(self.end..).unwrap_or_default();
        let count = self.input.read(into)?;
        self.end += count;
        self.is_at_end = count == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Read};

    fn lines(input: Input) -> Result<Vec<Vec<u8>>, Fault> {
        let mut lines = Lines::new(input);
        let mut all = Vec::new();
        while let Some(line) = lines.next()? {
            all.push(line.to_vec());
        }
        Ok(all)
    }

    #[test]
    fn lines_come_whole_however_long_and_however_they_end() {
        let long = "x".repeat(3 * BLOCK_BYTES);
        let text = format!("a\n\n{long}\nb");
        let found = lines(Input::new(Cursor::new(text.into_bytes())).unwrap()).unwrap();
        assert_eq!(found, [b"a".to_vec(), Vec::new(), long.into_bytes(), b"b".to_vec()]);
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_the_memory() {
        let endless = std::io::repeat(b'x').take(u64::MAX);
        let error = lines(Input::new(endless).unwrap()).unwrap_err();
        assert_eq!(error, Fault::LongLine { limit: LINE_BYTES_MAX });
    }
}
