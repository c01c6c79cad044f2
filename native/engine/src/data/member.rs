//! The one file in a zip archive, unpacked as it is read.

use std::io::{self, BufReader, Error, ErrorKind, Read, Seek, SeekFrom, Take};

use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::data::fault::Fault;

/// Bytes read at once.
const BUFFER_BYTES: usize = 1 << 17;

/// The bytes of the file in an archive; its length and checksum are compared at its end.
pub struct Member<R: Read> {
    bytes: Bytes<BufReader<Take<R>>>,
    checksum: crc32fast::Hasher,
    expected: u32,
    left: u64,
}

enum Bytes<R: io::BufRead> {
    Stored(R),
    Deflated(DeflateDecoder<R>),
}

impl<R: Read + Seek> Member<R> {
    /// Finds the file: directories, and what an archiver adds for one system (`__MACOSX`), are no files.
    pub fn open(raw: R) -> Result<Self, Fault> {
        let damaged = |reason: &str| Fault::Damaged { format: "zip", reason: reason.into() };
        let mut archive = ZipArchive::new(raw).map_err(|e| damaged(&e.to_string()))?;
        let is_file = |name: &[u8]| !name.ends_with(b"/") && !name.starts_with(b"__MACOSX");
        let mut names = archive.file_names_raw().enumerate().filter(|(_, name)| is_file(name)).map(|(index, _)| index);
        let (first, others) = (names.next(), names.count());
        let Some(index) = first.filter(|_| others == 0) else {
            return Err(Fault::Members { count: usize::from(first.is_some()) + others });
        };
        let file = archive.by_index_raw(index).map_err(|e| damaged(&e.to_string()))?;
        let (method, length, packed, expected) =
            (file.compression(), file.size(), file.compressed_size(), file.crc32());
        if file.encrypted() {
            return Err(damaged("the file in it is encrypted"));
        }
        let start = file.data_start().ok_or_else(|| damaged("the file in it has no place"))?;
        drop(file);
        let mut raw = archive.into_inner();
        raw.seek(SeekFrom::Start(start)).map_err(|e| damaged(&e.to_string()))?;
        let packed = BufReader::with_capacity(BUFFER_BYTES, raw.take(packed));
        let bytes = match method {
            CompressionMethod::Stored => Bytes::Stored(packed),
            CompressionMethod::DEFLATE => Bytes::Deflated(DeflateDecoder::new(packed)),
            other => return Err(damaged(&format!("the compression {other} is not supported"))),
        };
        Ok(Self { bytes, checksum: crc32fast::Hasher::new(), expected, left: length })
    }
}

impl<R: Read> Read for Member<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.bytes {
            Bytes::Stored(bytes) => bytes.read(into)?,
            Bytes::Deflated(bytes) => bytes.read(into)?,
        };
        if count == 0 && !into.is_empty() {
            if self.left > 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            if self.checksum.clone().finalize() != self.expected {
                return Err(Error::new(ErrorKind::InvalidData, "its checksum is wrong"));
            }
            return Ok(0);
        }
        let left = u64::try_from(count).ok().and_then(|count| self.left.checked_sub(count));
        self.left = left.ok_or_else(|| Error::new(ErrorKind::InvalidData, "it is longer than it says"))?;
        self.checksum.update(into.get(..count).unwrap_or_default());
        Ok(count)
    }
}
