//! Reading one file of the table, a batch at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::family::Family;
use crate::data::tick::table::arrow_file::ArrowFile;
use crate::data::tick::table::columns::{
    AUX, EXCHANGE_TIME, FLAGS, KIND, LOCAL_TIME, ORDER_ID, PRICE, QUANTITY, SEQUENCE, SIDE, SYMBOL, append_rows,
    schema, wanted,
};
use crate::data::tick::table::path::TableFormat;
use crate::data::tick::table::reopened::{Reopened, fenced};
use crate::data::tick::table::write::{SCHEMA_VERSION, key};
use crate::instrument::InstrumentId;
use crate::row::{Flags, Row, RowKind, RowSide};
use crate::time::Nanos;

/// A file of the table, looked into but not read.
#[derive(Debug, Clone)]
pub struct TableFile {
    path: PathBuf,
    format: TableFormat,
    parquet: Option<ArrowReaderMetadata>,
    /// The family of its rows.
    pub family: Family,
    /// The symbol of its rows.
    pub symbol: String,
    /// Their venue.
    pub venue: String,
    /// How many there are.
    pub rows: u64,
    /// 16 hex digits over them.
    pub digest: String,
    /// Whether local times never run backwards.
    pub is_local_sorted: bool,
}

impl TableFile {
    /// Looks into a file.
    ///
    /// # Errors
    /// [`SourceError`] for a file that is not there, damaged, or not one of the table.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let name = path.display().to_string();
        Self::look(path).map_err(|fault| SourceError::of_file(&name, fault))
    }

    fn look(path: &Path) -> Result<Self, Fault> {
        let format = format_of(path)?;
        let (parquet, notes) = match format {
            TableFormat::Parquet => {
                let file = Reopened::new(path).map_err(|e| Fault::of_io(&e))?;
                let metadata = load(&file)?;
                check_schema(metadata.schema())?;
                let pairs = metadata.metadata().file_metadata().key_value_metadata().into_iter().flatten();
                let notes = pairs.map(|p| (p.key.clone(), p.value.clone().unwrap_or_default())).collect();
                (Some(metadata), notes)
            }
            TableFormat::Arrow => {
                let file = ArrowFile::open(path)?;
                check_schema(&file.schema)?;
                (None, file.notes)
            }
        };
        Self::described(path, format, parquet, &notes)
    }

    fn described(
        path: &Path,
        format: TableFormat,
        parquet: Option<ArrowReaderMetadata>,
        notes: &BTreeMap<String, String>,
    ) -> Result<Self, Fault> {
        let note = |name: &str| {
            notes.get(name).cloned().ok_or_else(|| {
                Fault::Other(
                    format!("its metadata lack `{name}`: it was not written by `data import`; import it again").into(),
                )
            })
        };
        let version = note(key::SCHEMA)?;
        if version != SCHEMA_VERSION {
            let message = format!(
                "has version {version} of the table, this program reads {SCHEMA_VERSION}: import the recording again"
            );
            return Err(Fault::Other(message.into()));
        }
        let kind = note(key::KIND)?;
        let family = Family::named(&kind)
            .ok_or_else(|| Fault::Other(format!("holds `{kind}`, which is no kind of rows").into()))?;
        Ok(Self {
            path: path.to_owned(),
            format,
            parquet,
            family,
            symbol: note(key::SYMBOL)?,
            venue: note(key::VENUE)?,
            rows: note(key::ROWS)?.parse().map_err(|_| Fault::Other("its metadata name no count of rows".into()))?,
            digest: note(key::DIGEST)?,
            is_local_sorted: note(key::LOCAL_SORTED)? == "true",
        })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the rows of [start, end), `batch_rows` at a time where the format allows it, as those of `instrument`.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn rows(
        &self,
        instrument: InstrumentId,
        range: (Nanos, Nanos),
        batch_rows: usize,
    ) -> Result<TableRows, SourceError> {
        let name = self.path.display().to_string();
        let mut constant = Row::new(RowKind::Trade, instrument, Nanos::ZERO, Nanos::ZERO);
        let batches = match self.format {
            TableFormat::Parquet => {
                let read = || {
                    let file = Reopened::new(&self.path).map_err(|e| Fault::of_io(&e))?;
                    let metadata = match &self.parquet {
                        Some(metadata) => metadata.clone(),
                        None => load(&file)?,
                    };
                    open_parquet(file, metadata, &mut constant, range, batch_rows)
                };
                Batches::Parquet(Box::new(read_named(&name, || fenced("Parquet", read))?))
            }
            TableFormat::Arrow => Batches::Arrow(Box::new(read_named(&name, || ArrowFile::open(&self.path))?)),
        };
        Ok(TableRows { name, batches, constant, range, read: 0, last: Nanos::MIN, is_done: false })
    }
}

fn read_named<T>(name: &str, read: impl FnOnce() -> Result<T, Fault>) -> Result<T, SourceError> {
    read().map_err(|fault| SourceError::of_file(name, fault))
}

enum Batches {
    Parquet(Box<ParquetRecordBatchReader>),
    Arrow(Box<ArrowFile>),
}

impl Batches {
    fn next(&mut self) -> Result<Option<RecordBatch>, Fault> {
        match self {
            Self::Parquet(reader) => reader
                .next()
                .transpose()
                .map_err(|e| Fault::Damaged { format: "Parquet", reason: e.to_string().into() }),
            Self::Arrow(file) => file.next_batch(),
        }
    }
}

/// The rows of a file, in order.
pub struct TableRows {
    name: String,
    batches: Batches,
    constant: Row,
    range: (Nanos, Nanos),
    read: u64,
    last: Nanos,
    is_done: bool,
}

impl TableRows {
    /// Replaces `rows` by the next ones; false, without any, at the end.
    ///
    /// # Errors
    /// [`SourceError`] with the row, counted from the first that the range of time did not skip.
    pub fn next_rows(&mut self, rows: &mut Vec<Row>) -> Result<bool, SourceError> {
        rows.clear();
        while rows.is_empty() && !self.is_done {
            let batch = self.batches.next().map_err(|fault| SourceError::of_file(&self.name, fault))?;
            let Some(batch) = batch else {
                self.is_done = true;
                break;
            };
            append_rows(&batch, &self.constant, rows).map_err(|bad| SourceError {
                fault: bad.fault,
                file: Some(self.name.as_str().into()),
                line: u64::try_from(bad.row).ok().map(|row| self.read + row + 1),
                column: Some(bad.column.into()),
                value: Some(bad.value.into()),
            })?;
            self.check_order(rows)?;
            self.read += u64::try_from(rows.len()).unwrap_or(0);
            self.cut(rows);
        }
        Ok(!rows.is_empty())
    }

    fn check_order(&mut self, rows: &[Row]) -> Result<(), SourceError> {
        let before = self.last;
        let mut last = before;
        let mut is_sorted = true;
        for row in rows {
            is_sorted &= row.exchange_time >= last;
            last = row.exchange_time;
        }
        self.last = last;
        if is_sorted {
            return Ok(());
        }
        let times = std::iter::once(before).chain(rows.iter().map(|row| row.exchange_time));
        let at = times.zip(rows).position(|(previous, row)| row.exchange_time < previous).unwrap_or(0);
        let previous = at.checked_sub(1).and_then(|i| rows.get(i)).map_or(before, |row| row.exchange_time);
        Err(SourceError {
            fault: Fault::Earlier { previous },
            file: Some(self.name.as_str().into()),
            line: u64::try_from(at).ok().map(|at| self.read + at + 1),
            column: Some(EXCHANGE_TIME.into()),
            value: rows.get(at).map(|row| row.exchange_time.to_string().into()),
        })
    }

    /// Cuts the rows, which are sorted, to the range of time.
    fn cut(&mut self, rows: &mut Vec<Row>) {
        let (start, end) = self.range;
        if rows.last().is_some_and(|row| row.exchange_time >= end) {
            self.is_done = true;
            rows.truncate(rows.partition_point(|row| row.exchange_time < end));
        }
        if rows.first().is_some_and(|row| row.exchange_time < start) {
            rows.drain(..rows.partition_point(|row| row.exchange_time < start));
        }
    }
}

/// Told by the first bytes; the last ones say whether the file is whole.
fn format_of(path: &Path) -> Result<TableFormat, Fault> {
    let mut file = File::open(path).map_err(|e| Fault::of_io(&e))?;
    let (mut first, mut last) = ([0; 6], [0; 6]);
    let is_short = file.read_exact(&mut first).is_err() || file.seek(SeekFrom::End(-6)).is_err();
    if is_short || file.read_exact(&mut last).is_err() {
        return Err(Fault::Other("is too short to be a table: import the recording again".into()));
    }
    match (first, last) {
        ([b'P', b'A', b'R', b'1', ..], [.., b'P', b'A', b'R', b'1']) => Ok(TableFormat::Parquet),
        ([b'P', b'A', b'R', b'1', ..], _) => Err(Fault::Truncated { format: "Parquet" }),
        (f, l) if &f == b"ARROW1" && &l == b"ARROW1" => Ok(TableFormat::Arrow),
        (f, _) if &f == b"ARROW1" => Err(Fault::Truncated { format: "Arrow" }),
        _ => Err(Fault::Other("is neither Parquet nor Arrow IPC: make a table of it with `data import`".into())),
    }
}

fn check_schema(found: &Schema) -> Result<(), Fault> {
    for field in schema().fields() {
        let Ok(there) = found.field_with_name(field.name()) else {
            let columns = found.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>().join(", ");
            let hint = " Make a table of it with `data import`.".into();
            return Err(Fault::NoColumn { wanted: field.name().as_str().into(), columns: columns.into(), hint });
        };
        if there.data_type() != field.data_type() && field.name() != SYMBOL {
            let found = format!("{} (column {})", there.data_type(), field.name()).into();
            return Err(Fault::WrongType { found, wanted: wanted(field.name()) });
        }
    }
    Ok(())
}

fn load(file: &Reopened) -> Result<ArrowReaderMetadata, Fault> {
    fenced("Parquet", || ArrowReaderMetadata::load(file, ArrowReaderOptions::new()).map_err(|e| of_parquet(&e)))
}

fn open_parquet(
    file: Reopened,
    metadata: ArrowReaderMetadata,
    constant: &mut Row,
    (start, end): (Nanos, Nanos),
    batch_rows: usize,
) -> Result<ParquetRecordBatchReader, Fault> {
    let parquet = metadata.metadata();
    let range = |group| bounds(parquet, group, EXCHANGE_TIME);
    let reaches = |group: &usize| {
        range(*group).is_none_or(|(first, last)| Nanos::from_raw(last) >= start && Nanos::from_raw(first) < end)
    };
    let groups: Vec<usize> = (0..parquet.num_row_groups()).filter(reaches).collect();
    let names = [EXCHANGE_TIME, LOCAL_TIME, KIND, SIDE, PRICE, QUANTITY, ORDER_ID, SEQUENCE, FLAGS, AUX];
    // A column of one value is not read: most columns of most families are.
    let is_read = |name: &&str| match value(parquet, name) {
        Some(number) => !set(constant, name, number),
        None => true,
    };
    let read: Vec<&str> = names.into_iter().filter(is_read).collect();
    let mask = ProjectionMask::columns(metadata.parquet_schema(), read);
    ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone())
        .with_row_groups(groups)
        .with_projection(mask)
        .with_batch_size(batch_rows)
        .build()
        .map_err(|e| of_parquet(&e))
}

/// The least and the largest number of a column in a row group, as they are stored.
fn bounds(metadata: &ParquetMetaData, group: usize, name: &str) -> Option<(i64, i64)> {
    let columns = metadata.row_groups().get(group)?.columns();
    let column = columns.iter().find(|column| column.column_path().string() == name)?;
    let statistics = column.statistics()?;
    if statistics.null_count_opt() != Some(0) {
        return None;
    }
    match statistics {
        Statistics::Int64(s) => Some((*s.min_opt()?, *s.max_opt()?)),
        Statistics::Int32(s) => Some((i64::from(*s.min_opt()?), i64::from(*s.max_opt()?))),
        _ => None,
    }
}

/// The one value that a column has throughout; `None` if it has several, or nobody knows.
fn value(metadata: &ParquetMetaData, name: &str) -> Option<i64> {
    let mut groups = (0..metadata.num_row_groups()).map(|group| bounds(metadata, group, name));
    let (least, most) = groups.next()??;
    (least == most && groups.all(|bounds| bounds == Some((least, most)))).then_some(least)
}

/// Sets a column of one value; false if it has to be read after all.
fn set(row: &mut Row, name: &str, number: i64) -> bool {
    let small = u8::try_from(number).ok();
    match name {
        ORDER_ID => row.order_id = number.cast_unsigned(),
        SEQUENCE => row.sequence = number.cast_unsigned(),
        AUX => row.aux = number,
        FLAGS => return u16::try_from(number).map(|flags| row.flags = Flags(flags)).is_ok(),
        KIND => return small.and_then(RowKind::from_code).map(|kind| row.kind = kind).is_some(),
        SIDE => return small.and_then(RowSide::from_code).map(|side| row.side = side).is_some(),
        _ => return false,
    }
    true
}

fn of_parquet(error: &ParquetError) -> Fault {
    Fault::Damaged { format: "Parquet", reason: error.to_string().into() }
}
