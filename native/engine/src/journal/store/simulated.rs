//! A disk that loses, tears and reorders what was not synced, when it crashes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::rc::Rc;

use super::disk::{Disk, DiskFile};
use crate::random::SplitMix64;

const SECTOR: usize = 512;

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

#[derive(Debug, Clone, Default)]
struct Content {
    /// What a crash leaves, if nothing else; `None` where even the file may be gone.
    durable: Option<Vec<u8>>,
    now: Vec<u8>,
    /// What was done since, in order.
    changes: Vec<Change>,
}

#[derive(Debug)]
struct State {
    files: BTreeMap<String, Content>,
    /// So many operations until it crashes; then everything fails.
    left: usize,
    syncs: usize,
    /// Names of files that cannot grow.
    full: Option<String>,
}

/// A handle on a simulated disk: clones are the same disk.
#[derive(Debug, Clone)]
pub(super) struct SimulatedDisk(Rc<RefCell<State>>);

#[derive(Debug)]
pub(super) struct SimulatedFile {
    disk: SimulatedDisk,
    name: String,
}

impl SimulatedDisk {
    pub(super) fn new() -> Self {
        Self(Rc::new(RefCell::new(State { files: BTreeMap::new(), left: usize::MAX, syncs: 0, full: None })))
    }

    /// From now on it crashes in the middle of the operation after the next `operations`.
    pub(super) fn crash_after(&self, operations: usize) {
        self.0.borrow_mut().left = operations;
    }

    /// Files whose name contains this cannot grow.
    pub(super) fn fill_up(&self, name: &str) {
        self.0.borrow_mut().full = Some(name.to_owned());
    }

    pub(super) fn syncs(&self) -> usize {
        self.0.borrow().syncs
    }

    pub(super) fn content(&self, name: &str) -> Option<Vec<u8>> {
        self.0.borrow().files.get(name).map(|content| content.now.clone())
    }

    /// Somebody changes a file from outside, durably.
    pub(super) fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.0.borrow_mut();
        let content = state.files.get_mut(name).unwrap();
        change(&mut content.now);
        content.durable = Some(content.now.clone());
        content.changes.clear();
    }

    /// Somebody removes a file.
    pub(super) fn remove(&self, name: &str) {
        self.0.borrow_mut().files.remove(name);
    }

    /// The disk after a crash: of what was not synced each sector is there or not, by chance.
    pub(super) fn after_crash(&self, random: &mut SplitMix64) -> Self {
        let after = Self::new();
        // Sometimes nothing of it is there, sometimes all.
        let odds = random.below(5);
        let mut is_kept = || random.below(4) < odds;
        for (name, content) in &self.0.borrow().files {
            let mut left = content.durable.clone();
            if left.is_none() && is_kept() {
                left = Some(Vec::new());
            }
            let Some(mut left) = left else { continue };
            for change in &content.changes {
                match change {
                    Change::Write(offset, bytes) => {
                        let mut at = *offset;
                        let mut rest = bytes.as_slice();
                        while !rest.is_empty() {
                            let (sector, behind) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
                            if is_kept() {
                                write(&mut left, at, sector);
                            }
                            (at, rest) = (at + sector.len(), behind);
                        }
                    }
                    Change::Truncate(size) => {
                        if is_kept() {
                            left.truncate(*size);
                        }
                    }
                }
            }
            let durable = Some(left.clone());
            after.0.borrow_mut().files.insert(name.clone(), Content { durable, now: left, changes: Vec::new() });
        }
        after
    }

    /// An operation: true if it is to be done, false if the crash comes in the middle of it.
    fn begin(&self) -> Result<bool> {
        let mut state = self.0.borrow_mut();
        if state.left == 0 {
            return Err(Error::other("crashed"));
        }
        state.left -= 1;
        Ok(state.left > 0)
    }

    fn end(is_done: bool) -> Result<()> {
        if is_done { Ok(()) } else { Err(Error::other("crashed")) }
    }
}

fn write(into: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    into.resize(into.len().max(end), 0);
    into[offset..end].copy_from_slice(bytes);
}

impl Disk for SimulatedDisk {
    type File = SimulatedFile;

    fn open(&mut self, name: &str) -> Result<Option<SimulatedFile>> {
        let is_there = self.0.borrow().files.contains_key(name);
        Ok(is_there.then(|| SimulatedFile { disk: self.clone(), name: name.to_owned() }))
    }

    fn create(&mut self, name: &str) -> Result<SimulatedFile> {
        let is_done = self.begin()?;
        self.0.borrow_mut().files.entry(name.to_owned()).or_default();
        Self::end(is_done)?;
        Ok(SimulatedFile { disk: self.clone(), name: name.to_owned() })
    }
}

impl DiskFile for SimulatedFile {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize> {
        let state = self.disk.0.borrow();
        let content = state.files.get(&self.name).map(|c| c.now.as_slice()).unwrap_or_default();
        let rest = content.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let read = rest.len().min(into.len());
        into[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let is_done = self.disk.begin()?;
        let mut state = self.disk.0.borrow_mut();
        let is_full = state.full.as_ref().is_some_and(|full| self.name.contains(full));
        if let Some(content) = state.files.get_mut(&self.name) {
            let offset = usize::try_from(offset).unwrap();
            if is_full && offset + bytes.len() > content.now.len() {
                return Err(Error::new(ErrorKind::StorageFull, "no space left"));
            }
            write(&mut content.now, offset, bytes);
            content.changes.push(Change::Write(offset, bytes.to_vec()));
        }
        SimulatedDisk::end(is_done)
    }

    fn size(&self) -> Result<u64> {
        Ok(self.disk.0.borrow().files.get(&self.name).map_or(0, |c| c.now.len() as u64))
    }

    fn truncate(&mut self, size: u64) -> Result<()> {
        let is_done = self.disk.begin()?;
        if let Some(content) = self.disk.0.borrow_mut().files.get_mut(&self.name) {
            let size = usize::try_from(size).unwrap();
            content.now.truncate(size);
            content.changes.push(Change::Truncate(size));
        }
        SimulatedDisk::end(is_done)
    }

    fn sync(&mut self) -> Result<()> {
        if !self.disk.begin()? {
            return Err(Error::other("crashed"));
        }
        let mut state = self.disk.0.borrow_mut();
        state.syncs += 1;
        if let Some(content) = state.files.get_mut(&self.name) {
            content.durable = Some(content.now.clone());
            content.changes.clear();
        }
        Ok(())
    }
}
