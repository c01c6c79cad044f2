//! Many journals made durable together: what was appended to any of them is written to one redo log as one batch, which is synced. One
//! wait for the disk serves all of them.
//!
//! Their own files follow when nobody waits, one at a time between batches ([`Store::tidy`]): first what they lack is written, and when
//! the log file goes out of use that holds a journal's last batches, its own is synced. So an order waits neither for the writes nor
//! for the syncs of three hundred files.
//!
//! Whatever crashes, opening the store writes to the journals what the log has and they may lack. So in each journal there is a prefix of
//! what was appended to it, and in it everything that was acknowledged.

mod batch;
mod disk;
mod names;
mod redo;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use disk::{Disk, DiskFile};
pub use names::file_of;

use self::batch::Part;
use self::disk::FromStart;
use self::redo::{Found, Redo};
use super::{Appender, Frames, Gate, JournalError, Whole, whole};

/// A log file is written over once it has grown to this.
pub const LOG_BYTES: u64 = 64 << 20;

/// So much may be in the log and not in the journals' own files; more is written there before the next batch.
const BEHIND_MAX: usize = 4 << 20;

/// Why nothing is taken any more by a store that was closed.
pub const CLOSED: &str = "the store was closed";

/// Why a store cannot do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("{file}: {source}")]
    Io {
        /// Of which file.
        file: String,
        /// What it said.
        source: std::io::Error,
    },
    /// A journal cannot be used.
    #[error("{file}: {source}")]
    Journal {
        /// Its file.
        file: String,
        /// Why not.
        source: JournalError,
    },
    /// It would be another file than it seems, or no good one everywhere.
    #[error(
        "`{0}` is no name for a journal: give at most 200 of the characters A-Z, a-z, 0-9, `.`, `_` and `-`, in parts between \
         slashes, none of which is empty or begins with a dot"
    )]
    Name(String),
    /// There is one already.
    #[error("{0}: there is such a journal already: resume it, or give the new one another name")]
    Exists(String),
    /// There is none.
    #[error("{0}: there is no such journal: create it")]
    Missing(String),
    /// Somebody appends to it.
    #[error("{0}: this journal is open already: close it first")]
    IsOpen(String),
    /// Something was refused before, and from then on everything is.
    #[error("{0}")]
    Failed(String),
}

fn named(file: &str, source: std::io::Error) -> StoreError {
    StoreError::Io { file: file.to_owned(), source }
}

/// A journal of the store.
struct Member<F> {
    name: String,
    appender: Arc<Appender>,
    /// `None` until it is written to: the log comes first, so that no file is ever there without its beginning.
    file: Option<F>,
    /// How much of it is in the log or in its file.
    length: u64,
    /// What the next batch has of it.
    taken: Vec<u8>,
    /// What is in the log, and not yet in its file: the end of those `length` bytes.
    behind: Vec<u8>,
    /// The first batch that its file may lack after a crash.
    dirty: Option<u64>,
}

impl<F> Member<F> {
    /// Nobody appends to it any more.
    fn is_left(&self) -> bool {
        Arc::strong_count(&self.appender) == 1 || self.appender.is_closed()
    }

    /// Takes note that what was taken is in the log.
    fn logged(&mut self) {
        self.length += self.taken.len() as u64;
        if self.behind.is_empty() {
            std::mem::swap(&mut self.taken, &mut self.behind);
        } else {
            self.behind.append(&mut self.taken);
        }
    }

    /// Writes to its file what that lacks.
    fn settle(&mut self, disk: &mut impl Disk<File = F>) -> Result<(), StoreError>
    where
        F: DiskFile,
    {
        if self.behind.is_empty() {
            return Ok(());
        }
        let name = file_of(&self.name)?;
        if self.file.is_none() {
            self.file = Some(disk.create(&name).map_err(|e| named(&name, e))?);
        }
        if let Some(file) = &mut self.file {
            let offset = self.length - self.behind.len() as u64;
            file.write_at(offset, &self.behind).map_err(|e| named(&name, e))?;
        }
        self.behind.clear();
        Ok(())
    }
}

/// The back of a store: everything that touches the disk. What appends is elsewhere, and waits for none of it.
pub struct Store<D: Disk> {
    disk: D,
    redo: Redo<D::File>,
    log_bytes: u64,
    gate: Arc<Gate>,
    members: Vec<Member<D::File>>,
    /// Journals that were here before, and how long they were then.
    left: BTreeMap<String, u64>,
}

impl<D: Disk> Store<D> {
    /// Opens a store: its journals get what the log has and they may lack. One store at a time may use a disk.
    ///
    /// # Errors
    /// [`StoreError::Io`]; nothing is lost, and opening may be tried again.
    pub fn open(mut disk: D, log_bytes: u64) -> Result<Self, StoreError> {
        let log = Found::open(&mut disk)?;
        let mut touched = BTreeMap::new();
        log.replay(|part| apply(&mut disk, &mut touched, part))?;
        touched
            .iter_mut()
            .try_for_each(|(name, file): (&String, &mut D::File)| file.sync().map_err(|e| named(name, e)))?;
        let redo = log.begin()?;
        let (gate, members, left) = (Arc::new(Gate::default()), Vec::new(), BTreeMap::new());
        Ok(Self { disk, redo, log_bytes, gate, members, left })
    }

    /// What all its journals share.
    #[must_use]
    pub const fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Makes everything durable that was appended before the call; false if there was nothing. [`Store::tidy`] does the rest.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is taken any more then.
    pub fn commit(&mut self) -> Result<bool, StoreError> {
        self.guarded(Self::commit_all)
    }

    /// Does one thing of those that can wait, between commits: writes to a journal's own file what is in the log, syncs one, or closes
    /// one. False if there is nothing to do.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn tidy(&mut self) -> Result<bool, StoreError> {
        self.guarded(|store| {
            if let Some(member) = store.members.iter_mut().find(|member| !member.behind.is_empty()) {
                return member.settle(&mut store.disk).map(|()| true);
            }
            store.members.retain(|member| !is_done(member, &mut store.left));
            store.sync_one(|member, begun| member.dirty.is_some_and(|dirty| dirty < begun || member.is_left()))
        })
    }

    /// Makes everything durable, in the journals' own files, and takes nothing any more.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn close(&mut self) -> Result<(), StoreError> {
        let closed = self.guarded(|store| {
            store.members.iter().for_each(|member| member.appender.close());
            store.commit_all()?;
            store.checkpoint()
        });
        self.gate.shut(CLOSED);
        closed
    }

    /// Begins a journal. Its file is there once it was committed.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Name`].
    pub fn create(&mut self, name: &str, header: &str) -> Result<Arc<Appender>, StoreError> {
        let file = file_of(name)?;
        self.check()?;
        self.members.retain(|member| !is_done(member, &mut self.left));
        let is_member = self.members.iter().any(|member| member.name == name);
        if is_member || self.disk.open(&file).map_err(|e| named(&file, e))?.is_some() {
            return Err(StoreError::Exists(file));
        }
        // One that somebody has taken away: what the log has of it must not come back.
        if self.left.contains_key(name) {
            self.guarded(Self::checkpoint)?;
        }
        let frames = Frames::with_header(header).map_err(|source| StoreError::Journal { file, source })?;
        Ok(self.admit(name, None, 0, frames))
    }

    /// Finds a journal that is to go on, so that it can be looked through ([`look_through`]) while the store works for others.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::IsOpen`], [`StoreError::Name`].
    pub fn find(&mut self, name: &str) -> Result<D::File, StoreError> {
        let file = file_of(name)?;
        self.check()?;
        self.part_with(name)?;
        self.disk.open(&file).map_err(|e| named(&file, e))?.ok_or(StoreError::Missing(file))
    }

    /// Goes on with a journal: cuts it where it stops being whole. Nobody else must have done so since it was found.
    ///
    /// # Errors
    /// [`StoreError::IsOpen`], [`StoreError::Io`].
    pub fn resume(&mut self, name: &str, mut file: D::File, whole: Whole) -> Result<Arc<Appender>, StoreError> {
        self.check()?;
        if self.members.iter().any(|member| member.name == name) {
            return Err(StoreError::IsOpen(file_of(name)?));
        }
        let is_known = self.left.get(name).is_none_or(|length| *length == whole.bytes);
        if whole.damage.is_some() || !is_known {
            // What the log has of what is cut off must not come back over what will be there.
            self.guarded(Self::checkpoint)?;
        }
        if whole.damage.is_some() {
            let cut = file.truncate(whole.bytes).and_then(|()| file.sync());
            cut.map_err(|e| named(name, e))?;
        }
        Ok(self.admit(name, Some(file), whole.bytes, Frames::default()))
    }

    fn admit(&mut self, name: &str, file: Option<D::File>, length: u64, frames: Frames) -> Arc<Appender> {
        let appender = Arc::new(Appender::new(self.gate.clone(), frames));
        self.left.remove(name);
        self.members.push(Member {
            name: name.to_owned(),
            appender: appender.clone(),
            file,
            length,
            taken: Vec::new(),
            behind: Vec::new(),
            dirty: None,
        });
        appender
    }

    /// Lets a journal go that nobody appends to any more.
    fn part_with(&mut self, name: &str) -> Result<(), StoreError> {
        let Some(member) = self.members.iter().find(|member| member.name == name) else { return Ok(()) };
        if !member.is_left() {
            return Err(StoreError::IsOpen(file_of(name)?));
        }
        self.guarded(|store| {
            store.commit_all()?;
            store.settle_all()?;
            store.sync_one(|member, _| member.name == name).map(|_| ())
        })?;
        self.members.retain(|member| !is_done(member, &mut self.left));
        Ok(())
    }

    fn check(&self) -> Result<(), StoreError> {
        self.gate.why().map_or(Ok(()), |why| Err(StoreError::Failed(why.to_owned())))
    }

    /// After the first failure nothing is tried any more: what the disk then holds is for the next opening to find out.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.check()?;
        work(self).inspect_err(|error| self.gate.shut(&error.to_string()))
    }

    fn commit_all(&mut self) -> Result<bool, StoreError> {
        let mut has_any = false;
        for member in &mut self.members {
            member.appender.take(&mut member.taken);
            has_any |= !member.taken.is_empty();
        }
        if !has_any {
            return Ok(false);
        }
        if self.members.iter().map(|member| member.behind.len()).sum::<usize>() > BEHIND_MAX {
            self.settle_all()?;
        }
        if self.redo.size() >= self.log_bytes {
            while self.sync_one(|member, begun| member.dirty.is_some_and(|dirty| dirty < begun))? {}
            self.redo.switch();
        }
        let number = self.redo.number();
        let written = self.members.iter().filter(|member| !member.taken.is_empty());
        let parts = written.map(|m| Part { name: &m.name, offset: m.length, bytes: &m.taken });
        let since = self.members.iter().filter_map(|member| member.dirty).min().unwrap_or(number);
        self.redo.append(since, parts)?;
        for member in self.members.iter_mut().filter(|member| !member.taken.is_empty()) {
            member.logged();
            member.dirty.get_or_insert(number);
        }
        Ok(true)
    }

    fn settle_all(&mut self) -> Result<(), StoreError> {
        self.members.iter_mut().try_for_each(|member| member.settle(&mut self.disk))
    }

    /// Syncs the first file for which this holds, with all that the log has of it, and forgets it if nobody appends to it; false if
    /// there is none.
    fn sync_one(&mut self, which: impl Fn(&Member<D::File>, u64) -> bool) -> Result<bool, StoreError> {
        let begun = self.redo.begun();
        let found = self.members.iter_mut().find(|member| which(member, begun));
        let Some(member) = found else { return Ok(false) };
        member.settle(&mut self.disk)?;
        if let Some(file) = &mut member.file {
            file.sync().map_err(|e| named(&member.name, e))?;
        }
        member.dirty = None;
        self.members.retain(|member| !is_done(member, &mut self.left));
        Ok(true)
    }

    /// Makes everything durable in the journals' own files, so that nothing that the log has is needed any more.
    fn checkpoint(&mut self) -> Result<(), StoreError> {
        while self.sync_one(|member, _| member.dirty.is_some())? {}
        self.redo.switch();
        self.redo.append(self.redo.number(), std::iter::empty())?;
        self.left.clear();
        Ok(())
    }
}

/// Whether a journal can be forgotten; then how long it was is kept.
fn is_done<F>(member: &Member<F>, left: &mut BTreeMap<String, u64>) -> bool {
    // What is behind its log is dirty until it was synced.
    let is_clean = member.dirty.is_none() && member.taken.is_empty();
    let is_done = member.is_left() && is_clean && member.appender.waiting() == 0;
    if is_done {
        left.insert(member.name.clone(), member.length);
    }
    is_done
}

/// How much of a journal that was found is whole.
///
/// # Errors
/// [`StoreError::Journal`], where it has not even a header.
pub fn look_through<F: DiskFile>(name: &str, file: &F) -> Result<Whole, StoreError> {
    let input = std::io::BufReader::with_capacity(1 << 20, FromStart { file, offset: 0 });
    whole(input).map_err(|source| StoreError::Journal { file: name.to_owned(), source })
}

/// Writes a part of a batch to its journal once more.
fn apply<D: Disk>(disk: &mut D, open: &mut BTreeMap<String, D::File>, part: Part<'_>) -> Result<(), StoreError> {
    let Ok(name) = file_of(part.name) else { return Ok(()) };
    if !open.contains_key(&name) {
        // Its beginning may never have reached its file. If something else is missing, somebody has taken it away.
        let found = if part.offset == 0 { disk.create(&name).map(Some) } else { disk.open(&name) };
        let Some(file) = found.map_err(|e| named(&name, e))? else { return Ok(()) };
        open.insert(name.clone(), file);
    }
    let Some(file) = open.get_mut(&name) else { return Ok(()) };
    if part.offset <= file.size().map_err(|e| named(&name, e))? {
        file.write_at(part.offset, part.bytes).map_err(|e| named(&name, e))?;
    }
    Ok(())
}
