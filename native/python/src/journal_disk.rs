//! The real disk under a store of journals.

use std::fs::{File, OpenOptions, create_dir_all};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use engine::journal::store::{Disk, DiskFile};

/// The files of a folder.
pub struct RealDisk {
    folder: PathBuf,
}

impl RealDisk {
    /// A folder, which is made if it is not there.
    pub fn new(folder: &Path) -> Result<Self> {
        create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }
}

/// A file of the folder.
pub struct RealFile(File);

impl Disk for RealDisk {
    type File = RealFile;

    fn open(&mut self, name: &str) -> Result<Option<RealFile>> {
        match OpenOptions::new().read(true).write(true).open(self.folder.join(name)) {
            Ok(file) => Ok(Some(RealFile(file))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn create(&mut self, name: &str) -> Result<RealFile> {
        let path = self.folder.join(name);
        let folder = path.parent().ok_or_else(|| Error::other("a file without a folder"))?;
        create_dir_all(folder)?;
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        // That it is there, and its folder, has to be durable too.
        for each in [Some(folder), folder.parent()].into_iter().flatten() {
            File::open(each)?.sync_all()?;
        }
        Ok(RealFile(file))
    }
}

impl DiskFile for RealFile {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize> {
        self.0.read_at(into, offset)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn size(&self) -> Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn truncate(&mut self, size: u64) -> Result<()> {
        self.0.set_len(size)
    }

    fn sync(&mut self) -> Result<()> {
        self.0.sync_data()
    }
}
