//! Arrow IPC files, a batch at a time, whatever is in them.
//!
//! What a damaged footer says is checked against the length of the file before anything of that size is allocated; and
//! the decoder, which panics over some damage, is fenced in.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::convert::fb_to_schema;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::{Block, root_as_footer};
use arrow_schema::{ArrowError, SchemaRef};
use parquet::file::reader::Length;

use crate::data::fault::Fault;
use crate::data::tick::table::columns::SYMBOL;
use crate::data::tick::table::reopened::{Reopened, fenced};

/// The length of the footer, and the magic at the end.
const TRAILER_BYTES: u64 = 10;

/// An Arrow IPC file, its batches in order.
pub struct ArrowFile {
    file: Reopened,
    decoder: FileDecoder,
    blocks: std::vec::IntoIter<Block>,
    /// Its columns.
    pub schema: SchemaRef,
    /// What its footer says besides.
    pub notes: BTreeMap<String, String>,
}

impl ArrowFile {
    /// Reads the footer.
    ///
    /// # Errors
    /// [`Fault::NotFound`], [`Fault::Unreadable`], [`Fault::Damaged`].
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let file = Reopened::new(path).map_err(|error| Fault::of_io(&error))?;
        fenced("Arrow", || Self::read_footer(file))
    }

    fn read_footer(file: Reopened) -> Result<Self, Fault> {
        let length = file.len();
        let trailer_at = length.checked_sub(TRAILER_BYTES).ok_or_else(|| damaged("it is too short"))?;
        let trailer = piece(&file, trailer_at, TRAILER_BYTES)?;
        let trailer = trailer.as_slice().try_into().map_err(|_| damaged("it is too short"))?;
        let footer_length = read_footer_length(trailer).map_err(|e| of_arrow(&e))?;
        let footer_length = u64::try_from(footer_length).map_err(|_| damaged("its footer has no length"))?;
        let footer_at = trailer_at.checked_sub(footer_length).ok_or_else(|| damaged("its footer is too long"))?;
        let bytes = piece(&file, footer_at, footer_length)?;
        let footer = root_as_footer(&bytes).map_err(|error| damaged(&error.to_string()))?;
        let schema = footer.schema().ok_or_else(|| damaged("its footer names no columns"))?;
        let schema = Arc::new(fb_to_schema(schema));
        let mut notes = BTreeMap::new();
        for pair in footer.custom_metadata().into_iter().flatten() {
            notes.insert(pair.key().unwrap_or_default().to_owned(), pair.value().unwrap_or_default().to_owned());
        }
        let blocks: Vec<Block> = footer.recordBatches().into_iter().flatten().copied().collect();
        // The symbol is known from the notes, so that no dictionary has to be read.
        let read = (0..schema.fields().len()).filter(|i| schema.field(*i).name() != SYMBOL).collect();
        let decoder = FileDecoder::new(Arc::clone(&schema), footer.version()).with_projection(read);
        Ok(Self { file, decoder, blocks: blocks.into_iter(), schema, notes })
    }

    /// The next batch, without the column of symbols; `None` at the end.
    ///
    /// # Errors
    /// As [`ArrowFile::open`].
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, Fault> {
        let Some(block) = self.blocks.next() else { return Ok(None) };
        fenced("Arrow", || {
            let number = |n: i64| u64::try_from(n).map_err(|_| damaged("a batch has a negative length"));
            let length = number(block.bodyLength())?
                .checked_add(number(i64::from(block.metaDataLength()))?)
                .ok_or_else(|| damaged("a batch is too long"))?;
            let bytes = Buffer::from_vec(piece(&self.file, number(block.offset())?, length)?);
            self.decoder.read_record_batch(&block, &bytes).map_err(|error| of_arrow(&error))
        })
    }
}

/// Some bytes of a file, which must have them.
fn piece(file: &Reopened, start: u64, length: u64) -> Result<Vec<u8>, Fault> {
    if start.checked_add(length).is_none_or(|end| end > file.len()) {
        return Err(damaged("it points behind its end"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(|_| damaged("it is too long"))?);
    let opened = file.open_at(start).map_err(|error| Fault::of_io(&error))?;
    opened.take(length).read_to_end(&mut bytes).map_err(|error| Fault::of_io(&error))?;
    Ok(bytes)
}

fn damaged(reason: &str) -> Fault {
    Fault::Damaged { format: "Arrow", reason: reason.into() }
}

fn of_arrow(error: &ArrowError) -> Fault {
    damaged(&error.to_string())
}
