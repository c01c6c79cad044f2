//! Putting new parts in place: all of them, or none.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::table::path::{Partition, TableFormat, covered, is_part, part_name};
use crate::data::tick::table::write::{PartWriter, Written};

/// A folder beside the table for temporary files. It goes when this does, and with it what was not put in place.
pub struct Stage {
    out: PathBuf,
    folder: PathBuf,
    is_out_new: bool,
    format: TableFormat,
    made: usize,
}

/// Folders for temporary files begin with this; nobody takes them for data.
const PREFIX: &str = ".import-";

impl Stage {
    /// Makes the folder of the table, if need be, and one for temporary files in it.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(out: &Path, format: TableFormat) -> io::Result<Self> {
        let is_out_new = !out.exists();
        fs::create_dir_all(out)?;
        remove_leftovers(out)?;
        let folder = out.join(format!("{PREFIX}{}", std::process::id()));
        // Two imports of one process into one table: the second is refused rather than let loose on the files of the first.
        fs::create_dir(&folder)?;
        Ok(Self { out: out.to_owned(), folder, is_out_new, format, made: 0 })
    }

    /// For temporary files of any kind.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts a part. `source` says what it is made of.
    ///
    /// # Errors
    /// What the system says.
    pub fn part(&mut self, partition: Partition, source: &str) -> io::Result<StagedWriter> {
        self.made += 1;
        let path = self.folder.join(format!("part-{}", self.made));
        Ok(StagedWriter { writer: PartWriter::create(&path, partition, self.format, source)?, path })
    }

    /// Puts parts in place. Parts that are there already go where a new one covers all of their time.
    ///
    /// # Errors
    /// A part that is there already and covers only a part of the time of a new one, before anything has changed; and
    /// what the system says.
    pub fn commit(self, parts: &[Staged]) -> Result<Vec<PathBuf>, CommitError> {
        let mut moves = Vec::new();
        for Staged { path, written } in parts {
            let folder = self.out.join(written.partition.folder());
            let replaced = replaced(&folder, written)?;
            let target = folder.join(part_name(written.first, written.last, self.format));
            moves.push((path, folder, target, replaced));
        }
        let mut paths = Vec::with_capacity(moves.len());
        for (path, folder, target, replaced) in moves {
            fs::create_dir_all(&folder)?;
            fs::rename(path, &target)?;
            for old in replaced.iter().filter(|old| **old != target) {
                fs::remove_file(old)?;
            }
            File::open(&folder)?.sync_all()?;
            paths.push(target);
        }
        Ok(paths)
    }
}

/// Why parts could not be put in place.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// What is there already is in the way.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A part that is being written.
pub struct StagedWriter {
    /// Takes the rows.
    pub writer: PartWriter,
    path: PathBuf,
}

impl StagedWriter {
    /// Writes what is left.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(self) -> io::Result<Staged> {
        Ok(Staged { path: self.path, written: self.writer.finish()? })
    }
}

/// A part that waits to be put in place.
pub struct Staged {
    path: PathBuf,
    /// What is in it.
    pub written: Written,
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Nothing sensible is left to do where even this fails.
        drop(fs::remove_dir_all(&self.folder));
        if self.is_out_new {
            // Refused by the system unless it is empty.
            drop(fs::remove_dir(&self.out));
        }
    }
}

/// The parts in a folder that a new one takes the place of.
fn replaced(folder: &Path, new: &Written) -> Result<Vec<PathBuf>, CommitError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut replaced = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if !is_part(&path) {
            continue;
        }
        let Some((first, last)) = covered(&path) else { continue };
        if first >= new.first && last <= new.last {
            replaced.push(path);
        } else if first <= new.last && last >= new.first {
            let message = format!(
                "it covers {first} to {last} of {}, and the recording {} to {}: import all recordings of that day at once, or delete the file",
                new.partition.symbol, new.first, new.last
            );
            let name = path.display().to_string();
            return Err(SourceError::of_file(&name, Fault::Other(message.into())).into());
        }
    }
    replaced.sort();
    Ok(replaced)
}

/// Removes what a killed import left behind.
fn remove_leftovers(out: &Path) -> io::Result<()> {
    // Where there is no such folder, nobody can tell whether a process runs; leftovers stay, and harm nothing.
    if !Path::new("/proc/self").exists() {
        return Ok(());
    }
    for entry in fs::read_dir(out)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        if process.parse::<u32>().is_ok() && !Path::new("/proc").join(process).exists() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
