//! The journal: every event in and every command out, in order, append-only, framed and checksummed.
//!
//! Layout: eight bytes of magic, then frames `length u32 | crc32 u32 | payload`, little endian. The payload of the first
//! frame is a JSON header; every other one holds whole records in postcard's wire format. A frame is either there with a
//! right checksum, or it is where the journal ends: a torn last write costs that frame and nothing before it.

mod reader;
mod record;
mod writer;

pub use reader::Reader;
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
    },
    /// A record cannot be encoded or decoded.
    #[error("a record cannot be encoded: {0}")]
    Codec(#[from] postcard::Error),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::{Command, Level, TimerEvent};
    use crate::time::Nanos;

    #[expect(clippy::cast_possible_wrap, reason = "small numbers")]
    fn journal(ids: &[u64], per_frame: usize) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), r#"{"a": 1}"#).unwrap();
        for (index, id) in ids.iter().enumerate() {
            writer.append(&Record::Timer(TimerEvent { time: Nanos::from_raw(*id as i64), id: *id })).unwrap();
            if index % per_frame == 0 {
                writer.commit().unwrap();
            }
        }
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> (Vec<u64>, Option<JournalError>) {
        let mut ids = Vec::new();
        let mut reader = match Reader::new(bytes) {
            Ok(reader) => reader,
            Err(error) => return (ids, Some(error)),
        };
        loop {
            match reader.next() {
                Ok(Some(Record::Timer(timer))) => ids.push(timer.id),
                Ok(Some(other)) => panic!("{other:?}"),
                Ok(None) => return (ids, None),
                Err(error) => return (ids, Some(error)),
            }
        }
    }

    #[test]
    fn the_header_comes_back_and_what_is_no_journal_is_refused() {
        assert_eq!(Reader::new(journal(&[], 1).as_slice()).unwrap().header(), r#"{"a": 1}"#);
        assert!(matches!(Reader::new(&b"PAR1 something else"[..]), Err(JournalError::NotAJournal)));
        assert!(matches!(Reader::new(&b""[..]), Err(JournalError::NotAJournal)));
    }

    #[test]
    fn a_command_with_text_survives() {
        let record = Record::Command(Command::Notice { level: Level::Warning, text: "größe".into() });
        let mut writer = Writer::new(Vec::new(), "{}").unwrap();
        writer.append(&record).unwrap();
        let bytes = writer.finish().unwrap();
        assert_eq!(Reader::new(bytes.as_slice()).unwrap().next().unwrap(), Some(record));
    }

    proptest! {
        /// Cut anywhere: all whole frames before the cut are read, the cut is named, nothing wrong is served.
        #[test]
        fn a_torn_write_costs_only_what_was_torn(ids in prop::collection::vec(any::<u64>().prop_map(|x| x >> 1), 1..50), per_frame in 1_usize..5, cut in any::<prop::sample::Index>()) {
            let bytes = journal(&ids, per_frame);
            let cut = cut.index(bytes.len());
            let (read, error) = read(&bytes[..cut]);
            prop_assert_eq!(&read[..], &ids[..read.len()]);
            if read.len() < ids.len() && cut > 40 {
                prop_assert!(error.is_some() || cut < bytes.len());
            }
        }

        /// A flipped bit is never served as data.
        #[test]
        fn a_flipped_bit_is_found(ids in prop::collection::vec(any::<u64>().prop_map(|x| x >> 1), 1..50), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let mut bytes = journal(&ids, 3);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let (read, error) = read(&bytes);
            prop_assert!(error.is_some());
            prop_assert_eq!(&read[..], &ids[..read.len()]);
        }
    }
}
