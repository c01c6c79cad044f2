//! Bytes of a file, decompressed by what its first bytes say rather than by its name.

use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::Path;

use crate::data::fault::Fault;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip, possibly of several members.
    Gzip,
    /// Zstandard, possibly of several frames.
    Zstd,
}

impl Packing {
    /// Told by the first bytes.
    #[must_use]
    pub const fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// Unpacked bytes, read forwards.
pub struct Input {
    packing: Packing,
    reader: Box<dyn Read + Send>,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("packing", &self.packing).finish_non_exhaustive()
    }
}

impl Input {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Fault::NotFound`], [`Fault::Unreadable`], [`Fault::Empty`].
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let file = File::open(path).map_err(|e| fault_of(Packing::Plain, &e))?;
        Self::new(file)
    }

    /// Reads from anything.
    ///
    /// # Errors
    /// [`Fault::Unreadable`], [`Fault::Empty`].
    pub fn new(mut raw: impl Read + Send + 'static) -> Result<Self, Fault> {
        let mut first = Vec::with_capacity(4);
        raw.by_ref().take(4).read_to_end(&mut first).map_err(|e| fault_of(Packing::Plain, &e))?;
        if first.is_empty() {
            return Err(Fault::Empty);
        }
        let packing = Packing::of(&first);
        let whole = Cursor::new(first).chain(raw);
        let reader: Box<dyn Read + Send> = match packing {
            Packing::Plain => Box::new(whole),
            Packing::Gzip => {
                Box::new(flate2::bufread::MultiGzDecoder::new(io::BufReader::with_capacity(1 << 17, whole)))
            }
            Packing::Zstd => Box::new(zstd::Decoder::new(whole).map_err(|e| fault_of(packing, &e))?),
        };
        Ok(Self { packing, reader })
    }

    /// Reads some bytes; 0 at the end.
    ///
    /// # Errors
    /// [`Fault::Truncated`], [`Fault::Damaged`], [`Fault::Unreadable`].
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        loop {
            match self.reader.read(into) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(fault_of(self.packing, &error)),
            }
        }
    }
}

fn fault_of(packing: Packing, error: &io::Error) -> Fault {
    let reason = error.to_string().into_boxed_str();
    match (packing, error.kind()) {
        (Packing::Plain, ErrorKind::NotFound) => Fault::NotFound,
        (Packing::Plain, _) => Fault::Unreadable { reason },
        (_, ErrorKind::UnexpectedEof) => Fault::Truncated { format: packing.name() },
        _ => Fault::Damaged { format: packing.name(), reason },
    }
}
