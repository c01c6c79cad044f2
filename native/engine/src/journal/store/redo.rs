//! The redo log: two files, one after the other filled with batches and written over when both are full.

use super::batch::{self, Batches, Part};
use super::disk::{Disk, DiskFile};
use super::{StoreError, named};

struct Log<F> {
    name: &'static str,
    file: F,
}

/// The two files. A batch is durable once [`Redo::append`] has returned.
pub(super) struct Redo<F> {
    current: Log<F>,
    other: Log<F>,
    /// Where the next batch goes, in the current file.
    offset: u64,
    /// The number of the first batch in it.
    begun: u64,
    number: u64,
    batch: Vec<u8>,
}

/// The log as it was found.
pub(super) struct Found<F> {
    older: Log<F>,
    newer: Log<F>,
    /// Number and `since` of the newest batch; `None` if there is none.
    newest: Option<(u64, u64)>,
}

impl<F: DiskFile> Found<F> {
    /// Opens the log, and makes its files if they are not there.
    pub(super) fn open(disk: &mut impl Disk<File = F>) -> Result<Self, StoreError> {
        let mut log = |name| disk.create(name).map(|file| Log { name, file }).map_err(|e| named(name, e));
        let (a, b) = (log("redo.a")?, log("redo.b")?);
        let (last_of_a, last_of_b) = (last_of(&a)?, last_of(&b)?);
        Ok(if last_of_a > last_of_b {
            Self { older: b, newer: a, newest: last_of_a }
        } else {
            Self { older: a, newer: b, newest: last_of_b }
        })
    }

    /// Gives away every part that may be missing from its journal, in order.
    pub(super) fn replay(&self, mut give: impl FnMut(Part<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
        // What the newest batch did not need any more is passed over: the files have it, and may have changed since.
        let Some((_, since)) = self.newest else { return Ok(()) };
        for log in [&self.older, &self.newer] {
            let mut batches = Batches::of(&log.file).map_err(|e| named(log.name, e))?;
            while let Some(batch) = batches.advance().map_err(|e| named(log.name, e))? {
                if batch.number >= since {
                    batch.parts().try_for_each(&mut give)?;
                }
            }
        }
        Ok(())
    }

    /// An empty log to go on with: what was given away is durable in the journals.
    pub(super) fn begin(mut self) -> Result<Redo<F>, StoreError> {
        // A file that cannot be read may hold numbers that are yet to come: it is not written over, but emptied.
        self.older.empty()?;
        if self.newest.is_none() {
            self.newer.empty()?;
        }
        let number = self.newest.map_or(0, |(number, _)| number).saturating_add(1);
        let (current, other) = (self.older, self.newer);
        let mut redo = Redo { current, other, offset: 0, begun: number, number, batch: Vec::new() };
        redo.append(number, std::iter::empty())?;
        Ok(redo)
    }
}

impl<F: DiskFile> Log<F> {
    fn empty(&mut self) -> Result<(), StoreError> {
        self.file.truncate(0).and_then(|()| self.file.sync()).map_err(|e| named(self.name, e))
    }
}

impl<F: DiskFile> Redo<F> {
    /// The number that the next batch will have.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The number of the first batch in the present file.
    pub(super) const fn begun(&self) -> u64 {
        self.begun
    }

    /// How large the present file is.
    pub(super) const fn size(&self) -> u64 {
        self.offset
    }

    /// Goes on in the other file, over what is there: none of it may be needed any more.
    pub(super) const fn switch(&mut self) {
        std::mem::swap(&mut self.current, &mut self.other);
        (self.offset, self.begun) = (0, self.number);
    }

    /// Writes a batch and waits until it is durable. All before `since` is durable in the journals.
    pub(super) fn append<'a>(&mut self, since: u64, parts: impl Iterator<Item = Part<'a>>) -> Result<(), StoreError> {
        batch::begin(&mut self.batch, self.number, since);
        parts.for_each(|part| batch::add(&mut self.batch, part));
        batch::finish(&mut self.batch);
        let log = &mut self.current;
        let written = log.file.write_at(self.offset, &self.batch).and_then(|()| log.file.sync());
        written.map_err(|e| named(log.name, e))?;
        self.offset += self.batch.len() as u64;
        self.number += 1;
        Ok(())
    }
}

/// Number and `since` of the last batch of a log.
fn last_of<F: DiskFile>(log: &Log<F>) -> Result<Option<(u64, u64)>, StoreError> {
    let mut last = None;
    let mut batches = Batches::of(&log.file).map_err(|e| named(log.name, e))?;
    while let Some(batch) = batches.advance().map_err(|e| named(log.name, e))? {
        last = Some((batch.number, batch.since));
    }
    Ok(last)
}
