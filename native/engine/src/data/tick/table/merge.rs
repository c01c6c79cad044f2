//! Many files of one day as one series of rows, in the order of a run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::data::fault::SourceError;
use crate::data::tick::family::Family;
use crate::data::tick::table::file::TableRows;
use crate::row::Row;
use crate::time::Nanos;

/// Exchange time; instrument and family; sequence; the file, for what is equal.
type Key = (Nanos, u64, u64, usize);

/// A file that is being read.
struct Input {
    rows: TableRows,
    family: u8,
    chunk: Vec<Row>,
    at: usize,
}

impl Input {
    fn key(&self, row: &Row, index: usize) -> Key {
        (row.exchange_time, u64::from(row.instrument.0) << 8 | u64::from(self.family), row.sequence, index)
    }
    fn rest(&self) -> &[Row] {
        self.chunk.get(self.at..).unwrap_or_default()
    }
    /// Makes sure that there is a row; false at the end.
    fn fill(&mut self) -> Result<bool, SourceError> {
        if self.at < self.chunk.len() {
            return Ok(true);
        }
        self.at = 0;
        let has_rows = self.rows.next_rows(&mut self.chunk)?;
        if !has_rows {
            self.chunk = Vec::new();
        }
        Ok(has_rows)
    }
}

/// Merges files by `(exchange_time, instrument, family, sequence)`.
///
/// Rows of one file often follow each other, so they are copied in runs: up to the first row of the next file in line.
#[derive(Default)]
pub struct Merge {
    inputs: Vec<Input>,
    heads: BinaryHeap<Reverse<Key>>,
}

impl Merge {
    /// Starts reading.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn new(files: Vec<(Family, TableRows)>) -> Result<Self, SourceError> {
        let mut merge = Self::default();
        for (index, (family, rows)) in files.into_iter().enumerate() {
            let mut input = Input { rows, family: family as u8, chunk: Vec::new(), at: 0 };
            if input.fill()? {
                merge.heads.extend(input.rest().first().map(|row| Reverse(input.key(row, index))));
            }
            merge.inputs.push(input);
        }
        Ok(merge)
    }

    /// Appends rows until there are `limit` of them or no more; false if there were none.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn append(&mut self, rows: &mut Vec<Row>, limit: usize) -> Result<bool, SourceError> {
        let before = rows.len();
        while rows.len() < limit {
            let Some(Reverse((.., index))) = self.heads.pop() else { break };
            let rival = self.heads.peek().map(|head| head.0);
            let Some(input) = self.inputs.get_mut(index) else { break };
            let space = limit - rows.len();
            let rest = input.rest();
            let run = match rival {
                None => rest.len().min(space),
                Some(rival) => {
                    let is_ahead = |row: &&Row| input.key(row, index) < rival;
                    rest.iter().take(space).skip(1).take_while(is_ahead).count() + 1
                }
            };
            rows.extend_from_slice(rest.get(..run).unwrap_or(rest));
            input.at += run;
            if input.fill()? {
                let head = input.rest().first().map(|row| input.key(row, index));
                self.heads.extend(head.map(Reverse));
            }
        }
        Ok(rows.len() > before)
    }
}
