//! Writing one file of the table.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use arrow_ipc::writer::FileWriter;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::data::tick::table::columns::{EXCHANGE_TIME, LOCAL_TIME, ORDER_ID, SEQUENCE, schema, symbols, to_batch};
use crate::data::tick::table::path::{Partition, TableFormat};
use crate::instrument::InstrumentId;
use crate::row::{Flags, Row};
use crate::time::Nanos;

/// The version of the columns and their meaning.
pub const SCHEMA_VERSION: &str = "1";

/// Keys of the metadata of a file.
pub mod key {
    /// [`super::SCHEMA_VERSION`].
    pub const SCHEMA: &str = "algo_trade.schema";
    /// The symbol of all rows.
    pub const SYMBOL: &str = "algo_trade.symbol";
    /// The folder of its family.
    pub const KIND: &str = "algo_trade.kind";
    /// The venue.
    pub const VENUE: &str = "algo_trade.venue";
    /// The recordings that it was made of.
    pub const SOURCE: &str = "algo_trade.source";
    /// `true` if local times never run backwards.
    pub const LOCAL_SORTED: &str = "algo_trade.local_sorted";
    /// How many rows.
    pub const ROWS: &str = "algo_trade.rows";
    /// 16 hex digits over the rows.
    pub const DIGEST: &str = "algo_trade.digest";
}

/// Rows that are taken and written together.
const BATCH_ROWS: usize = 4_096;
/// Rows of a row group: what a range of time may skip, and what is held in memory, packed, while it is written.
const GROUP_ROWS: usize = 1 << 17;
/// Rows of a page: what a reader holds of each column.
const PAGE_ROWS: usize = 1 << 14;
const DICTIONARY_BYTES: usize = 1 << 18;
const ZSTD_LEVEL: i32 = 3;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The family, venue, symbol and day.
    pub partition: Partition,
    /// Rows.
    pub rows: u64,
    /// The first time that it covers. Rows of before the stream started count only if there are no others.
    pub first: Nanos,
    /// The last.
    pub last: Nanos,
    /// Whether all rows are of before the stream started.
    pub is_history: bool,
    /// 16 hex digits over the rows.
    pub digest: String,
}

enum Out {
    Parquet(Box<ArrowWriter<File>>),
    Arrow(Box<FileWriter<BufWriter<File>>>),
}

/// Writes the rows of one symbol and family, in order.
pub struct PartWriter {
    out: Out,
    schema: SchemaRef,
    partition: Partition,
    pending: Vec<Row>,
    hasher: RowHasher,
    covered: Option<(Nanos, Nanos)>,
    history: Option<(Nanos, Nanos)>,
    rows: u64,
    last_local: Nanos,
    is_local_sorted: bool,
}

impl PartWriter {
    /// Starts a new file. `source` says what it is made of.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(path: &Path, partition: Partition, format: TableFormat, source: &str) -> io::Result<Self> {
        let (schema, file) = (schema(), File::create_new(path)?);
        let about = [
            (key::SCHEMA, SCHEMA_VERSION),
            (key::SYMBOL, &partition.symbol),
            (key::KIND, partition.family.as_str()),
            (key::VENUE, &partition.venue),
            (key::SOURCE, source),
        ];
        let mut out = match format {
            TableFormat::Parquet => Out::Parquet(Box::new(
                ArrowWriter::try_new(file, schema.clone(), Some(properties()?)).map_err(io::Error::other)?,
            )),
            TableFormat::Arrow => {
                Out::Arrow(Box::new(FileWriter::try_new_buffered(file, &schema).map_err(io::Error::other)?))
            }
        };
        for (name, value) in about {
            out.note(name, value);
        }
        Ok(Self {
            out,
            schema,
            partition,
            pending: Vec::with_capacity(BATCH_ROWS),
            hasher: RowHasher::default(),
            covered: None,
            history: None,
            rows: 0,
            last_local: Nanos::MIN,
            is_local_sorted: true,
        })
    }

    /// What the file is about.
    #[must_use]
    pub const fn partition(&self) -> &Partition {
        &self.partition
    }

    /// Takes the next row.
    ///
    /// # Errors
    /// What the system says.
    pub fn push(&mut self, row: &Row) -> io::Result<()> {
        let span = if row.flags.has(Flags::HISTORY) { &mut self.history } else { &mut self.covered };
        let (_, last) = span.get_or_insert((row.exchange_time, row.exchange_time));
        *last = row.exchange_time;
        self.is_local_sorted &= row.local_time >= self.last_local;
        self.last_local = row.local_time;
        self.rows += 1;
        self.hasher.observe(row);
        self.pending.push(*row);
        if self.pending.len() == BATCH_ROWS { self.write_pending() } else { Ok(()) }
    }

    fn write_pending(&mut self) -> io::Result<()> {
        // All rows are of the one symbol, whatever its number was on the way here.
        self.pending.iter_mut().for_each(|row| row.instrument = InstrumentId(0));
        let batch = symbols(std::slice::from_ref(&self.partition.symbol), &self.pending)
            .and_then(|symbols| to_batch(&self.schema, symbols, &self.pending))
            .map_err(io::Error::other)?;
        self.pending.clear();
        match &mut self.out {
            Out::Parquet(out) => out.write(&batch).map_err(io::Error::other),
            Out::Arrow(out) => out.write(&batch).map_err(io::Error::other),
        }
    }

    /// Writes what is left and makes sure that it is on the disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(mut self) -> io::Result<Written> {
        if !self.pending.is_empty() {
            self.write_pending()?;
        }
        let digest = self.hasher.digest();
        self.out.note(key::LOCAL_SORTED, if self.is_local_sorted { "true" } else { "false" });
        self.out.note(key::ROWS, &self.rows.to_string());
        self.out.note(key::DIGEST, &digest);
        match self.out {
            Out::Parquet(out) => out.into_inner().map_err(io::Error::other)?.sync_all()?,
            Out::Arrow(mut out) => {
                out.finish().map_err(io::Error::other)?;
                let file = out.into_inner().map_err(io::Error::other)?;
                file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            }
        }
        let (first, last) = self.covered.or(self.history).unwrap_or_default();
        let is_history = self.covered.is_none();
        Ok(Written { partition: self.partition, rows: self.rows, first, last, is_history, digest })
    }
}

impl Out {
    fn note(&mut self, name: &str, value: &str) {
        match self {
            Self::Parquet(out) => out.append_key_value_metadata(KeyValue::new(name.to_owned(), value.to_owned())),
            Self::Arrow(out) => out.write_metadata(name, value),
        }
    }
}

/// Times and numbers that grow are written as differences; prices and quantities, of which few differ, through a dictionary.
fn properties() -> io::Result<WriterProperties> {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(io::Error::other)?;
    let mut builder = WriterProperties::builder()
        .set_created_by("algo_trade".to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_sorting_columns(Some(vec![SortingColumn { column_idx: 0, descending: false, nulls_first: false }]))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES);
    for name in [EXCHANGE_TIME, LOCAL_TIME, ORDER_ID, SEQUENCE] {
        let path = ColumnPath::from(name);
        builder = builder
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    // Rows lie in its order: its pages say which of all columns hold a range of time.
    builder = builder.set_column_statistics_enabled(ColumnPath::from(EXCHANGE_TIME), EnabledStatistics::Page);
    Ok(builder.build())
}

/// A digest over rows in order, the same whatever the format of the file.
#[derive(Debug, Default)]
pub struct RowHasher {
    hasher: blake3::Hasher,
    run: Vec<u8>,
}

const HASHED_BYTES: usize = 60;

impl RowHasher {
    /// Takes the next row in. The number of the instrument, which differs from run to run, is left out.
    pub fn observe(&mut self, row: &Row) {
        if self.run.len() >= 256 * HASHED_BYTES {
            self.hasher.update(&self.run);
            self.run.clear();
        }
        for number in [row.exchange_time.raw(), row.local_time.raw(), row.price.raw(), row.quantity.raw(), row.aux] {
            self.run.extend_from_slice(&number.to_le_bytes());
        }
        self.run.extend_from_slice(&row.order_id.to_le_bytes());
        self.run.extend_from_slice(&row.sequence.to_le_bytes());
        let [low, high] = row.flags.0.to_le_bytes();
        self.run.extend_from_slice(&[row.kind as u8, row.side as u8, low, high]);
    }
    /// The first 16 hex digits of the digest.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = self.hasher.clone();
        hasher.update(&self.run);
        hasher.finalize().to_hex().chars().take(16).collect()
    }
}
