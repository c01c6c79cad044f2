//! A batch of the redo log: what is to be written to the journals, all of it or nothing.
//!
//! Layout, little endian: `length u32 | crc32 u32 | number u64 | since u64 | parts`; the first two are of what follows them. A part is
//! `length u8 | name | offset u64 | length u32 | bytes`.

use std::io::{Read, Result};

use super::disk::{DiskFile, FromStart};

const HEAD: usize = 8;

/// A piece of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'a> {
    /// Of which one.
    pub name: &'a str,
    /// Where it belongs.
    pub offset: u64,
    pub bytes: &'a [u8],
}

/// Begins a batch in a buffer.
pub(super) fn begin(into: &mut Vec<u8>, number: u64, since: u64) {
    into.clear();
    into.extend_from_slice(&[0; HEAD]);
    into.extend_from_slice([number.to_le_bytes(), since.to_le_bytes()].as_flattened());
}

/// Adds a part; names are shorter than 256 bytes, and what may wait to be written than 4 GiB.
pub(super) fn add(into: &mut Vec<u8>, part: Part<'_>) {
    into.push(u8::try_from(part.name.len()).unwrap_or(u8::MAX));
    into.extend_from_slice(part.name.as_bytes());
    into.extend_from_slice(&part.offset.to_le_bytes());
    into.extend_from_slice(&u32::try_from(part.bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    into.extend_from_slice(part.bytes);
}

/// Writes length and checksum.
pub(super) fn finish(batch: &mut [u8]) {
    if let Some((head, payload)) = batch.split_at_mut_checked(HEAD) {
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
        head.copy_from_slice([length, crc32fast::hash(payload).to_le_bytes()].as_flattened());
    }
}

/// A batch that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batch<'a> {
    /// Batches are numbered one after the other, over both logs and for ever.
    pub number: u64,
    /// What is in batches before this one was durable in the journals when it was written.
    pub since: u64,
    parts: &'a [u8],
}

impl<'a> Batch<'a> {
    fn of(payload: &'a [u8]) -> Option<Self> {
        let mut rest = payload;
        let (number, since) = (u64::from_le_bytes(take(&mut rest)?), u64::from_le_bytes(take(&mut rest)?));
        Some(Self { number, since, parts: rest })
    }

    /// Its parts, in order.
    pub(super) fn parts(self) -> impl Iterator<Item = Part<'a>> {
        let mut rest = self.parts;
        std::iter::from_fn(move || {
            let [length] = take(&mut rest)?;
            let name = std::str::from_utf8(take_slice(&mut rest, length.into())?).ok()?;
            let offset = u64::from_le_bytes(take(&mut rest)?);
            let length = u32::from_le_bytes(take(&mut rest)?);
            Some(Part { name, offset, bytes: take_slice(&mut rest, length as usize)? })
        })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*first)
}

fn take_slice<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (first, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(first)
}

/// The batches of a log that follow on each other. A log is written over from its beginning: where the numbers stop following on,
/// older batches come.
pub(super) struct Batches<'a, F> {
    input: std::io::Take<FromStart<'a, F>>,
    payload: Vec<u8>,
    next: Option<u64>,
}

impl<'a, F: DiskFile> Batches<'a, F> {
    pub(super) fn of(file: &'a F) -> Result<Self> {
        let input = FromStart { file, offset: 0 }.take(file.size()?);
        Ok(Self { input, payload: Vec::new(), next: None })
    }

    /// The next one; `None` where they end.
    pub(super) fn advance(&mut self) -> Result<Option<Batch<'_>>> {
        let mut head = Vec::with_capacity(HEAD);
        self.input.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
        let mut head = head.as_slice();
        let (Some(length), Some(checksum)) = (take(&mut head), take(&mut head)) else { return Ok(None) };
        let (length, checksum) = (u32::from_le_bytes(length), u32::from_le_bytes(checksum));
        if u64::from(length) > self.input.limit() {
            return Ok(None);
        }
        self.payload.clear();
        self.input.by_ref().take(length.into()).read_to_end(&mut self.payload)?;
        if self.payload.len() != length as usize || crc32fast::hash(&self.payload) != checksum {
            return Ok(None);
        }
        let Some(batch) = Batch::of(&self.payload) else { return Ok(None) };
        if self.next.is_some_and(|next| next != batch.number) {
            return Ok(None);
        }
        self.next = Some(batch.number.saturating_add(1));
        Ok(Some(batch))
    }
}
