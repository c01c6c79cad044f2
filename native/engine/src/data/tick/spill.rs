//! Sorting more rows than memory holds: sorted runs in temporary files, merged at the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use crate::instrument::InstrumentId;
use crate::num::{Price, Qty};
use crate::row::{Flags, Row, RowKind, RowSide};
use crate::time::Nanos;

/// Where a row stood: its file, and its number in it from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Index of the file among those read.
    pub file: u32,
    /// The row that the reader gave, from 1.
    pub record: u64,
}

/// A row, and what decides its place. Keys are unique, since origins are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyed {
    /// The row; its instrument is the number of its stream.
    pub row: Row,
    /// The number of its family.
    pub family: u8,
    /// The sequence of the first row of its batch: a batch moves as one.
    pub sequence: u64,
    /// Where it stood.
    pub origin: Origin,
}

/// Day, stream, family, time, sequence of the batch, place in the files.
type Key = (Nanos, InstrumentId, u8, Nanos, u64, Origin);

impl Keyed {
    fn key(&self) -> Key {
        let time = self.row.exchange_time;
        (time.floor_to(Nanos::DAY), self.row.instrument, self.family, time, self.sequence, self.origin)
    }
}

/// Rows kept in memory before a run is written: 24 MiB.
pub const RUN_ROWS: usize = 1 << 18;
/// Runs that are merged at a time; each holds about 200 KiB while it is read.
const FAN_IN: usize = 64;
const RECORD_BYTES: usize = 86;
const BLOCK_RECORDS: usize = 512;

/// Takes rows in any order and gives them back sorted by day, stream, family, time, sequence and place in the files.
pub struct Sorter {
    rows: Vec<Keyed>,
    run_rows: usize,
    folder: PathBuf,
    /// Runs by the number of merges they went through, so that each row is rewritten a logarithm of times.
    levels: Vec<Vec<PathBuf>>,
    made: u64,
}

impl Sorter {
    /// Runs go to `folder`, which its owner removes.
    #[must_use]
    pub fn new(folder: &Path, run_rows: usize) -> Self {
        Self { rows: Vec::new(), run_rows: run_rows.max(2), folder: folder.to_owned(), levels: Vec::new(), made: 0 }
    }

    /// Takes the next row in.
    ///
    /// # Errors
    /// What the system says when a run cannot be written.
    pub fn push(&mut self, row: Keyed) -> io::Result<()> {
        if self.rows.len() >= self.run_rows {
            self.spill()?;
        }
        self.rows.push(row);
        Ok(())
    }

    /// All rows in order. The last run stays in memory, so that small inputs touch no disk.
    ///
    /// # Errors
    /// What the system says when a run cannot be read.
    pub fn finish(mut self) -> io::Result<Sorted> {
        self.rows.sort_unstable_by_key(Keyed::key);
        let mut runs: Vec<Run> = Vec::new();
        for path in self.levels.iter().flatten() {
            runs.push(Run::open(path)?);
        }
        runs.push(Run::Memory(self.rows.into_iter()));
        Sorted::new(runs)
    }

    fn spill(&mut self) -> io::Result<()> {
        self.rows.sort_unstable_by_key(Keyed::key);
        let path = self.next_path();
        let mut out = RunWriter::create(&path)?;
        for row in self.rows.drain(..) {
            out.push(&row)?;
        }
        out.finish()?;
        self.file(path, 0)
    }

    fn next_path(&mut self) -> PathBuf {
        self.made += 1;
        self.folder.join(format!("run-{}", self.made))
    }

    /// Files a run away, and merges those of its level when there are many.
    fn file(&mut self, path: PathBuf, level: usize) -> io::Result<()> {
        while self.levels.len() <= level {
            self.levels.push(Vec::new());
        }
        let Some(paths) = self.levels.get_mut(level) else { return Ok(()) };
        paths.push(path);
        if paths.len() < FAN_IN {
            return Ok(());
        }
        let full = std::mem::take(paths);
        let merged = self.next_path();
        let mut out = RunWriter::create(&merged)?;
        let mut sorted = Sorted::new(full.iter().map(|p| Run::open(p)).collect::<io::Result<_>>()?)?;
        while let Some(row) = sorted.next_row()? {
            out.push(&row)?;
        }
        out.finish()?;
        for path in full {
            std::fs::remove_file(path)?;
        }
        self.file(merged, level + 1)
    }
}

/// Rows in order, out of several runs.
pub struct Sorted {
    runs: Vec<Run>,
    heads: BinaryHeap<Reverse<(Key, usize)>>,
    waiting: Vec<Option<Keyed>>,
}

impl Sorted {
    fn new(mut runs: Vec<Run>) -> io::Result<Self> {
        let mut heads = BinaryHeap::new();
        let mut waiting = Vec::new();
        for (index, run) in runs.iter_mut().enumerate() {
            let head = run.next()?;
            heads.extend(head.map(|row| Reverse((row.key(), index))));
            waiting.push(head);
        }
        Ok(Self { runs, heads, waiting })
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// What the system says when a run cannot be read.
    pub fn next_row(&mut self) -> io::Result<Option<Keyed>> {
        let Some(mut top) = self.heads.peek_mut() else { return Ok(None) };
        let index = top.0.1;
        let (Some(run), Some(place)) = (self.runs.get_mut(index), self.waiting.get_mut(index)) else { return Ok(None) };
        let next = run.next()?;
        match next {
            Some(row) => top.0.0 = row.key(),
            None => drop(std::collections::binary_heap::PeekMut::pop(top)),
        }
        Ok(std::mem::replace(place, next))
    }
}

enum Run {
    Memory(std::vec::IntoIter<Keyed>),
    File(zstd::Decoder<'static, BufReader<File>>),
}

impl Run {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::File(zstd::Decoder::new(File::open(path)?)?))
    }

    fn next(&mut self) -> io::Result<Option<Keyed>> {
        match self {
            Self::Memory(rows) => Ok(rows.next()),
            Self::File(input) => {
                let mut record = [0; RECORD_BYTES];
                match input.read(&mut record)? {
                    0 => return Ok(None),
                    some => input.read_exact(record.get_mut(some..).unwrap_or_default())?,
                }
                decode(&record).map(Some).ok_or_else(|| io::Error::other("a temporary file is damaged"))
            }
        }
    }
}

struct RunWriter {
    out: zstd::Encoder<'static, File>,
    block: Vec<u8>,
}

impl RunWriter {
    fn create(path: &Path) -> io::Result<Self> {
        let mut out = zstd::Encoder::new(File::create_new(path)?, 1)?;
        // A small window, since as many as 64 runs are read at a time.
        out.window_log(17)?;
        Ok(Self { out, block: Vec::with_capacity(BLOCK_RECORDS * RECORD_BYTES) })
    }
    fn push(&mut self, row: &Keyed) -> io::Result<()> {
        encode(row, &mut self.block);
        if self.block.len() >= BLOCK_RECORDS * RECORD_BYTES {
            self.out.write_all(&self.block)?;
            self.block.clear();
        }
        Ok(())
    }
    fn finish(mut self) -> io::Result<()> {
        self.out.write_all(&self.block)?;
        self.out.finish().map(drop)
    }
}

fn encode(keyed: &Keyed, into: &mut Vec<u8>) {
    let Keyed { row, family, sequence, origin } = keyed;
    for number in [row.exchange_time.raw(), row.local_time.raw(), row.price.raw(), row.quantity.raw(), row.aux] {
        into.extend_from_slice(&number.to_le_bytes());
    }
    for number in [row.order_id, row.sequence, *sequence, origin.record] {
        into.extend_from_slice(&number.to_le_bytes());
    }
    into.extend_from_slice(&row.instrument.0.to_le_bytes());
    into.extend_from_slice(&origin.file.to_le_bytes());
    into.extend_from_slice(&row.flags.0.to_le_bytes());
    // Kinds and sides are their numbers.
    into.extend_from_slice(&[row.kind as u8, row.side as u8, *family, 0]);
}

fn decode(record: &[u8; RECORD_BYTES]) -> Option<Keyed> {
    let (longs, rest) = record.split_at(72);
    let mut longs = longs.chunks_exact(8).filter_map(|b| b.try_into().ok()).map(u64::from_le_bytes);
    let mut long = || longs.next();
    let mut signed = || long().map(u64::cast_signed);
    let (exchange, local, price, quantity, aux) = (signed()?, signed()?, signed()?, signed()?, signed()?);
    let (order_id, row_sequence, sequence, record_number) = (long()?, long()?, long()?, long()?);
    let (ids, rest) = rest.split_at(8);
    let (instrument, file) = ids.split_at(4);
    let &[flags_low, flags_high, kind, side, family, _] = rest else { return None };
    let row = Row {
        exchange_time: Nanos::from_raw(exchange),
        local_time: Nanos::from_raw(local),
        price: Price::from_raw(price),
        quantity: Qty::from_raw(quantity),
        order_id,
        sequence: row_sequence,
        instrument: InstrumentId(u32::from_le_bytes(instrument.try_into().ok()?)),
        kind: RowKind::from_code(kind)?,
        side: RowSide::from_code(side)?,
        flags: Flags(u16::from_le_bytes([flags_low, flags_high])),
        aux,
    };
    let origin = Origin { file: u32::from_le_bytes(file.try_into().ok()?), record: record_number };
    Some(Keyed { row, family, sequence, origin })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    fn scattered(count: u64) -> Vec<Keyed> {
        let mut random = SplitMix64::new(5);
        let row = |record| {
            let (instrument, time) = (random.below(3), random.below(200) * 1_000_000_000_000);
            let kind = RowKind::ALL[usize::try_from(random.below(12)).unwrap()];
            let id = InstrumentId(u32::try_from(instrument).unwrap());
            let row = Row::new(kind, id, Nanos::from_raw(time), Nanos::from_raw(-time)).of(random.next_u64());
            let sequence = u64::try_from(random.below(4)).unwrap();
            Keyed { row, family: kind.rank(), sequence, origin: Origin { file: 1, record } }
        };
        (1..=count).map(row).collect()
    }

    fn sorted_by(rows: &[Keyed], run_rows: usize) -> Vec<Keyed> {
        let folder = std::env::temp_dir().join(format!("spill-{}-{run_rows}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut sorter = Sorter::new(&folder, run_rows);
        for row in rows {
            sorter.push(*row).unwrap();
        }
        let mut sorted = sorter.finish().unwrap();
        let all = std::iter::from_fn(|| sorted.next_row().unwrap()).collect();
        std::fs::remove_dir_all(&folder).unwrap();
        all
    }

    #[test]
    fn runs_on_disk_give_the_same_order_as_memory() {
        let rows = scattered(5_000);
        let mut expected = rows.clone();
        expected.sort_by_key(Keyed::key);
        // 5,000 rows in one run, in some runs, and in more runs than are merged at a time.
        for run_rows in [10_000, 700, 7] {
            assert!(sorted_by(&rows, run_rows) == expected, "runs of {run_rows}");
        }
    }

    #[test]
    fn a_record_survives_its_bytes() {
        for keyed in scattered(100) {
            let mut bytes = Vec::new();
            encode(&keyed, &mut bytes);
            assert_eq!(decode(&bytes.try_into().unwrap()), Some(keyed));
        }
    }
}
