//! Frames: records put together in memory, and taken out of a file whole or not at all.

use std::io::Read;

use postcard::ser_flavors::Flavor;
use serde::Serialize;

use super::record::Borrowed;
use super::{FRAME_MAX, JournalError, MAGIC};
use crate::event::{Command, Event};

/// Length and checksum.
const HEAD: usize = 8;
/// A frame is closed when it has grown to this.
const FRAME: usize = 64 << 10;

/// Frames in memory: records are added to the last one until it is closed.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// Where the frame begins that is not closed yet.
    open: Option<usize>,
}

impl Frames {
    /// The beginning of a journal: magic, and the header in a frame of its own.
    ///
    /// # Errors
    /// [`JournalError::NoHeader`], [`JournalError::TooLarge`].
    pub fn with_header(header: &str) -> Result<Self, JournalError> {
        if header.is_empty() {
            return Err(JournalError::NoHeader);
        }
        let mut frames = Self { bytes: MAGIC.to_vec(), open: None };
        frames.add(|bytes| {
            bytes.extend_from_slice(header.as_bytes());
            Ok(())
        })?;
        frames.close();
        Ok(frames)
    }

    /// Adds a record.
    ///
    /// # Errors
    /// [`JournalError`]; nothing has been added then.
    pub fn push(&mut self, record: &impl Serialize) -> Result<(), JournalError> {
        self.add(|bytes| encode(record, bytes))
    }

    /// Adds an event and the commands that it led to: all of them in one frame, so that no torn write parts them.
    ///
    /// # Errors
    /// [`JournalError`]; nothing has been added then.
    pub fn push_step(&mut self, event: Event<'_>, commands: &[Command]) -> Result<(), JournalError> {
        self.add(|bytes| {
            encode(&Borrowed::from(event), bytes)?;
            commands.iter().try_for_each(|command| encode(&Borrowed::Command(command), bytes))
        })
    }

    /// Closes the last frame.
    pub fn close(&mut self) {
        let Some(start) = self.open.take() else { return };
        let Some((head, payload)) = self.bytes.get_mut(start..).and_then(|frame| frame.split_at_mut_checked(HEAD))
        else {
            return;
        };
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
        let checksum = crc32fast::hash(payload).to_le_bytes();
        head.copy_from_slice([length, checksum].as_flattened());
    }

    /// All that is there; the last frame may not be closed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether no frame waits to be closed.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.open.is_none()
    }

    /// Closes the last frame and gives all of them away; what `into` held is lost, and its room used again.
    pub fn take(&mut self, into: &mut Vec<u8>) {
        self.close();
        into.clear();
        std::mem::swap(&mut self.bytes, into);
    }

    /// Lets something be written at the end of the last frame, or takes it back.
    fn add(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), JournalError>) -> Result<(), JournalError> {
        let before = self.bytes.len();
        let start = self.open.unwrap_or(before);
        if self.open.is_none() {
            self.bytes.extend_from_slice(&[0; HEAD]);
        }
        let written = write(&mut self.bytes).and_then(|()| {
            let size = self.bytes.len() - start - HEAD;
            if size > FRAME_MAX as usize { Err(JournalError::TooLarge { size }) } else { Ok(size) }
        });
        let size = written.inspect_err(|_| self.bytes.truncate(before))?;
        self.open = Some(start);
        if size >= FRAME {
            self.close();
        }
        Ok(())
    }
}

/// An event as a journal has it, without a frame, at the end of a buffer.
pub(crate) fn encode_event(event: Event<'_>, bytes: &mut Vec<u8>) -> Result<(), JournalError> {
    encode(&Borrowed::from(event), bytes)
}

fn encode(record: &impl Serialize, bytes: &mut Vec<u8>) -> Result<(), JournalError> {
    Ok(postcard::serialize_with_flavor(record, Tail(bytes))?)
}

/// Encodes at the end of a buffer, which is still there if encoding fails.
struct Tail<'a>(&'a mut Vec<u8>);

impl Flavor for Tail<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }
    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Hands out the frames of a journal, up to the first that is not whole.
#[derive(Debug)]
pub(super) struct FrameReader<R: Read> {
    input: R,
    payload: Vec<u8>,
    /// Where the next frame begins.
    offset: u64,
}

/// How a frame is not whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Broken {
    pub what: &'static str,
    /// Nothing but zeros comes after it.
    pub is_last: bool,
}

impl<R: Read> FrameReader<R> {
    /// At the first frame of a journal.
    pub(super) fn new(mut input: R) -> Result<Self, JournalError> {
        let mut magic = [0; MAGIC.len()];
        if fill(&mut input, &mut magic)? != magic.len() || magic != MAGIC {
            return Err(JournalError::NotAJournal);
        }
        Ok(Self { input, payload: Vec::new(), offset: MAGIC.len() as u64 })
    }

    /// Where the next frame begins: all before it is whole.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// What is in the present frame.
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Goes to the next frame; false at the end.
    pub(super) fn advance(&mut self) -> std::io::Result<Result<bool, Broken>> {
        self.payload.clear();
        let mut head = [0; HEAD];
        match fill(&mut self.input, &mut head)? {
            0 => return Ok(Ok(false)),
            HEAD => {}
            _ => return self.broken("a frame is cut off"),
        }
        let [a, b, c, d, e, f, g, h] = head;
        let (length, checksum) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        if length == 0 || length > FRAME_MAX {
            return self.broken("a frame of an impossible length");
        }
        // Read through `take`, so that a damaged length costs no memory beyond what the file holds.
        let read = self.input.by_ref().take(u64::from(length)).read_to_end(&mut self.payload)?;
        if read != length as usize {
            return self.broken("a frame is cut off");
        }
        if crc32fast::hash(&self.payload) != checksum {
            return self.broken("a wrong checksum");
        }
        self.offset += HEAD as u64 + u64::from(length);
        Ok(Ok(true))
    }

    /// A write that was torn leaves less than there should be, or zeros where the file had grown already.
    fn broken(&mut self, what: &'static str) -> std::io::Result<Result<bool, Broken>> {
        self.payload.clear();
        let mut rest = [0; 4096];
        loop {
            let read = fill(&mut self.input, &mut rest)?;
            if rest.get(..read).unwrap_or_default().iter().any(|byte| *byte != 0) {
                return Ok(Err(Broken { what, is_last: false }));
            }
            if read == 0 {
                return Ok(Err(Broken { what, is_last: true }));
            }
        }
    }
}

/// Reads until the buffer is full or the input ends; says how much it was.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|r| !r.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
