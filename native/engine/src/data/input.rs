//! Bytes of a file, decompressed by what its first bytes say rather than by its name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read, Seek};
use std::path::Path;

use lz4_flex::frame::FrameDecoder;

use crate::data::fault::Fault;
use crate::data::member::Member;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip, possibly of several members.
    Gzip,
    /// Zstandard, possibly of several frames.
    Zstd,
    /// LZ4, possibly of several frames.
    Lz4,
    /// A zip archive of one file.
    Zip,
}

impl Packing {
    /// Told by the first bytes.
    #[must_use]
    pub const fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Lz4,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
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
            Self::Lz4 => "lz4",
            Self::Zip => "zip",
        }
    }
}

/// Unpacked bytes, read forwards.
pub struct Input {
    packing: Packing,
    reader: Box<dyn Read + Send>,
    /// What was looked at before it was read, and how much of it has been read since.
    head: Vec<u8>,
    head_read: usize,
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
    /// [`Fault::NotFound`], [`Fault::Unreadable`], [`Fault::Empty`]; [`Fault::Damaged`] and [`Fault::Members`] for an archive.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let file = File::open(path).map_err(|e| fault_of(Packing::Plain, &e))?;
        Self::seekable(file)
    }

    /// Reads from what has a beginning and an end, as an archive needs.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn seekable(mut raw: impl Read + Seek + Send + 'static) -> Result<Self, Fault> {
        let mut first = Vec::with_capacity(4);
        raw.by_ref().take(4).read_to_end(&mut first).map_err(|e| fault_of(Packing::Plain, &e))?;
        raw.rewind().map_err(|e| fault_of(Packing::Plain, &e))?;
        match Packing::of(&first) {
            Packing::Zip => Ok(Self::unpacked(Packing::Zip, Box::new(Member::open(raw)?))),
            _ => Self::new(raw),
        }
    }

    /// Reads from anything, forwards.
    ///
    /// # Errors
    /// [`Fault::Unreadable`], [`Fault::Empty`]; [`Fault::Damaged`] for an archive, which cannot be read forwards.
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
            Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(1 << 17, whole))),
            Packing::Zstd => Box::new(zstd::Decoder::new(whole).map_err(|e| fault_of(packing, &e))?),
            Packing::Lz4 => Box::new(Lz4Frames(FrameDecoder::new(BufReader::with_capacity(1 << 16, whole)))),
            Packing::Zip => {
                let reason = "an archive must be a file, not a stream".into();
                return Err(Fault::Damaged { format: packing.name(), reason });
            }
        };
        Ok(Self::unpacked(packing, reader))
    }

    fn unpacked(packing: Packing, reader: Box<dyn Read + Send>) -> Self {
        Self { packing, reader, head: Vec::new(), head_read: 0 }
    }

    /// The first bytes, to tell what they are; all of them are still to be read. To be called before [`Input::read`].
    ///
    /// # Errors
    /// As [`Input::read`].
    pub fn head(&mut self, bytes_max: usize) -> Result<&[u8], Fault> {
        while self.head.len() < bytes_max {
            let from = self.head.len();
            self.head.resize(bytes_max, 0);
            let into = self.head.get_mut(from..).unwrap_or_default();
            let count = read_some(&mut self.reader, into).map_err(|e| fault_of(self.packing, &e));
            self.head.truncate(from + count.as_ref().copied().unwrap_or(0));
            if count? == 0 {
                break;
            }
        }
        Ok(&self.head)
    }

    /// Reads some bytes; 0 at the end.
    ///
    /// # Errors
    /// [`Fault::Truncated`], [`Fault::Damaged`], [`Fault::Unreadable`].
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let head = self.head.get(self.head_read..).unwrap_or_default();
        if !head.is_empty() {
            let count = head.len().min(into.len());
            for (to, from) in into.iter_mut().zip(head) {
                *to = *from;
            }
            self.head_read += count;
            return Ok(count);
        }
        read_some(&mut self.reader, into).map_err(|e| fault_of(self.packing, &e))
    }
}

fn read_some(reader: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(into) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// The decoder stops at the end of each frame; a file may hold many.
struct Lz4Frames<R: Read>(FrameDecoder<BufReader<R>>);

impl<R: Read> Read for Lz4Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.0.read(into)?;
            if count > 0 || into.is_empty() || self.0.get_mut().fill_buf()?.is_empty() {
                return Ok(count);
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
