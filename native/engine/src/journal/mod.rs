//! The journal: every event in and every command out, in order, append-only, framed and checksummed.
//!
//! Layout: eight bytes of magic, then frames `length u32 | crc32 u32 | payload`, little endian. The payload of the first
//! frame is a JSON header; every other one holds whole records in postcard's wire format. A frame is either there with a
//! right checksum, or it is where the journal ends: a torn last write costs that frame and nothing before it.

mod appender;
mod estate;
mod frames;
mod reader;
mod record;
pub mod store;
mod writer;

pub use appender::{Appender, Gate};
pub use estate::{Estate, EstateError, estate};
pub use frames::Frames;
pub(crate) use frames::encode_event;
pub use reader::{Reader, Whole, whole};
pub use record::Record;
pub use writer::Writer;

/// The first bytes of every journal; the last one is the version of the format.
const MAGIC: [u8; 8] = *b"ATJRNL\x00\x01";
/// A larger frame is damage, not data.
const FRAME_MAX: u32 = 64 << 20;

/// Why a journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("the journal cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// It is something else.
    #[error("this is not a journal of this program (or of a newer version of it)")]
    NotAJournal,
    /// A frame is not whole or its checksum is wrong.
    #[error("the journal is damaged at byte {offset}: {what}; {records} records before it are whole")]
    Damaged {
        /// Where the frame starts.
        offset: u64,
        /// In which way.
        what: &'static str,
        /// Whole records before it.
        records: u64,
        /// Nothing whole can come after it: the last write was torn.
        is_last: bool,
    },
    /// A frame is whole, and yet holds something else than records.
    #[error(
        "the journal holds a record of a kind that this version does not know, before byte {before}; {records} records before \
         it are known: use the version that wrote it"
    )]
    Unknown {
        /// Where its frame ends.
        before: u64,
        /// Records before it.
        records: u64,
    },
    /// A journal was to begin with nothing.
    #[error("the header is empty: give JSON that says how the system was made, or {{}}")]
    NoHeader,
    /// One step would not fit into a frame.
    #[error("a frame of {size} bytes: it may have {FRAME_MAX}; give fewer events at a time")]
    TooLarge {
        /// What it would have had.
        size: usize,
    },
    /// Nothing is taken any more.
    #[error("nothing can be appended to the journal: {0}")]
    Closed(String),
    /// A record cannot be encoded or decoded.
    #[error("a record cannot be encoded: {0}")]
    Codec(#[from] postcard::Error),
}

#[cfg(test)]
mod tests;
