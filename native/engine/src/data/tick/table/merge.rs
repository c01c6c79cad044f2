//! Many files of one day as one series of rows, in the order of a run.

use crate::data::fault::SourceError;
use crate::data::tick::family::Family;
use crate::data::tick::table::file::TableRows;
use crate::row::Row;

/// Exchange time, then instrument and family, in one number that is compared without a branch.
type Head = u128;
/// The head of a file that has no more rows.
const END: Head = Head::MAX;

/// A file that is being read.
struct Input {
    rows: TableRows,
    family: u8,
    chunk: Vec<Row>,
    at: usize,
}

impl Input {
    fn rest(&self) -> &[Row] {
        self.chunk.get(self.at..).unwrap_or_default()
    }
    fn head_of(&self, row: &Row) -> Head {
        // Times before 1970 come first too.
        let time = row.exchange_time.raw().wrapping_sub(i64::MIN).cast_unsigned();
        Head::from(time) << 64 | Head::from(row.instrument.0) << 8 | Head::from(self.family)
    }
    /// Makes sure that there is a row, and returns its head.
    fn fill(&mut self) -> Result<Head, SourceError> {
        if self.at >= self.chunk.len() {
            self.at = 0;
            if !self.rows.next_rows(&mut self.chunk)? {
                self.chunk = Vec::new();
            }
        }
        Ok(self.rest().first().map_or(END, |row| self.head_of(row)))
    }
}

/// Merges files by `(exchange_time, instrument, family, sequence)`, with a tree of losers (Knuth, volume 3, section 5.4.1).
///
/// Rows of one file often follow each other, so they are copied in runs: up to the first row of the next file in line.
#[derive(Default)]
pub struct Merge {
    inputs: Vec<Input>,
    heads: Vec<Head>,
    /// Who lost at each inner node, the leaves being the inputs; the winner of all stands at 0.
    losers: Vec<usize>,
}

impl Merge {
    /// Starts reading.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn new(files: Vec<(Family, TableRows)>) -> Result<Self, SourceError> {
        let input = |(family, rows)| Input { rows, family: family as u8, chunk: Vec::new(), at: 0 };
        let mut inputs: Vec<Input> = files.into_iter().map(input).collect();
        let heads = inputs.iter_mut().map(Input::fill).collect::<Result<_, _>>()?;
        let mut merge = Self { losers: vec![0; inputs.len()], inputs, heads };
        if !merge.inputs.is_empty() {
            let winner = merge.play(1);
            merge.set(0, winner);
        }
        Ok(merge)
    }

    /// Lets the inputs under a node play, and returns who wins.
    fn play(&mut self, node: usize) -> usize {
        if node >= self.inputs.len() {
            return node - self.inputs.len();
        }
        let (a, b) = (self.play(2 * node), self.play(2 * node + 1));
        let (winner, loser) = if self.is_before(a, b) { (a, b) } else { (b, a) };
        self.set(node, loser);
        winner
    }

    fn set(&mut self, node: usize, input: usize) {
        if let Some(place) = self.losers.get_mut(node) {
            *place = input;
        }
    }

    fn head(&self, input: usize) -> Head {
        self.heads.get(input).copied().unwrap_or(END)
    }

    #[inline]
    fn is_before(&self, a: usize, b: usize) -> bool {
        let (one, other) = (self.head(a), self.head(b));
        if one == other { self.is_before_at_once(a, b) } else { one < other }
    }

    /// Two files about the same at the same time: the sequence decides, then their order.
    #[cold]
    fn is_before_at_once(&self, a: usize, b: usize) -> bool {
        let sequence = |i: usize| self.inputs.get(i).and_then(|input| input.rest().first()).map(|row| row.sequence);
        (sequence(a), a) < (sequence(b), b)
    }

    /// The best of those who lost against an input: the next in line, if that input is the winner.
    fn rival(&self, winner: usize) -> Option<usize> {
        let mut node = (winner + self.inputs.len()) / 2;
        let mut best = None;
        while node > 0 {
            let loser = self.losers.get(node).copied();
            best = match (best, loser) {
                (Some(best), Some(loser)) if self.is_before(best, loser) => Some(best),
                _ => loser,
            };
            node /= 2;
        }
        best
    }

    /// The winner has another head: who wins now?
    fn replay(&mut self, input: usize) {
        let mut node = (input + self.inputs.len()) / 2;
        let mut winner = input;
        while node > 0 {
            if let Some(loser) = self.losers.get(node).copied()
                && self.is_before(loser, winner)
            {
                self.set(node, winner);
                winner = loser;
            }
            node /= 2;
        }
        self.set(0, winner);
    }

    /// Appends rows until there are `limit` of them or no more; false if there were none.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn append(&mut self, rows: &mut Vec<Row>, limit: usize) -> Result<bool, SourceError> {
        let before = rows.len();
        while rows.len() < limit {
            let Some(index) = self.losers.first().copied().filter(|index| self.head(*index) < END) else { break };
            let rival = self.rival(index).map_or(END, |rival| self.head(rival));
            let Some(input) = self.inputs.get_mut(index) else { break };
            let rest = input.rest();
            let space = (limit - rows.len()).min(rest.len());
            // What is the rival's equal waits for a closer look.
            let is_ahead = |row: &&Row| input.head_of(row) < rival;
            let run = 1 + rest.iter().take(space).skip(1).take_while(is_ahead).count();
            rows.extend_from_slice(rest.get(..run).unwrap_or(rest));
            input.at += run;
            let head = input.fill()?;
            if let Some(place) = self.heads.get_mut(index) {
                *place = head;
            }
            self.replay(index);
        }
        Ok(rows.len() > before)
    }
}
