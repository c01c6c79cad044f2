//! A folder of the file system as a disk.

use std::fs::{File, OpenOptions, create_dir_all};
use std::io::{ErrorKind, Result};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use engine::journal::store::{Disk, DiskFile};

/// The files below a folder.
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder is made if it is not there.
    pub fn new(root: PathBuf) -> Result<Self> {
        create_dir_all(&root)?;
        Ok(Self { root: root.canonicalize()? })
    }

    fn wrap(&self, file: File, path: PathBuf) -> FolderFile {
        // The entries of the file and of its folders; up to that of the root.
        let top = self.root.parent().unwrap_or(&self.root);
        let folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(top)).map(Path::to_owned);
        FolderFile { file, unsynced_folders: folders.collect() }
    }
}

impl Disk for Folder {
    type File = FolderFile;

    fn open(&mut self, name: &str) -> Result<Option<FolderFile>> {
        let path = self.root.join(name);
        match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => Ok(Some(self.wrap(file, path))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn create(&mut self, name: &str) -> Result<FolderFile> {
        let path = self.root.join(name);
        if let Some(folder) = path.parent() {
            create_dir_all(folder)?;
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        Ok(self.wrap(file, path))
    }
}

/// A file in it.
pub struct FolderFile {
    file: File,
    /// Whether they name it was not made durable by us yet; whoever made it may not have come to that.
    unsynced_folders: Vec<PathBuf>,
}

impl DiskFile for FolderFile {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize> {
        loop {
            match self.file.read_at(into, offset) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn size(&self) -> Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn truncate(&mut self, size: u64) -> Result<()> {
        self.file.set_len(size)
    }

    fn sync(&mut self) -> Result<()> {
        self.file.sync_data()?;
        self.unsynced_folders.iter().try_for_each(|folder| File::open(folder)?.sync_all())?;
        self.unsynced_folders.clear();
        Ok(())
    }
}
