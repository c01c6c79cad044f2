//! One file of ticks written from an Arrow stream.

use std::path::PathBuf;

use engine::data::tick::family::Family;
use engine::data::tick::table::columns::append_rows;
use engine::data::tick::table::path::{Partition, TableFormat};
use engine::data::tick::table::write::{PartWriter, Written};
use engine::instrument::InstrumentId;
use engine::num::{Price, Qty};
use engine::row::{Flags, Row, RowKind, RowSide};
use engine::time::Nanos;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3_arrow::PyRecordBatchReader;

use crate::errors::{DataError, ParameterError};

/// Writes the rows of one kind, venue, symbol and UTC day, in their order, into a new file of a lake, and syncs it.
///
/// Returns how many rows there are, the times that they cover, and 16 hex digits over them.
#[pyfunction]
#[pyo3(signature = (rows, path, *, kind, venue, symbol, day_ns, source))]
pub fn write_ticks(
    py: Python<'_>,
    rows: PyRecordBatchReader,
    path: PathBuf,
    kind: &str,
    venue: String,
    symbol: String,
    day_ns: i64,
    source: &str,
) -> PyResult<(u64, i64, i64, String)> {
    let family =
        Family::named(kind).ok_or_else(|| ParameterError::new_err(format!("kind = {kind}: is none of ticks")))?;
    let partition = Partition { day: Nanos::from_raw(day_ns), symbol, family, venue };
    let written = py.detach(|| write(rows, &path, partition, source));
    let Written { rows, first, last, digest, .. } = written.map_err(|failure| match failure {
        Failure::Rows(reason) => DataError::new_err(format!("{}: {reason}", path.display())),
        Failure::Disk(error) => PyOSError::new_err(error.to_string()),
    })?;
    Ok((rows, first.raw(), last.raw(), digest))
}

/// Why a file was not written.
enum Failure {
    /// Rows that cannot be.
    Rows(String),
    /// The system refused.
    Disk(std::io::Error),
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Rows(reason)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(error)
    }
}

fn write(
    batches: PyRecordBatchReader,
    path: &std::path::Path,
    partition: Partition,
    source: &str,
) -> Result<Written, Failure> {
    let (family, day) = (partition.family, partition.day);
    let reader = batches.into_reader().map_err(|error| error.to_string())?;
    let mut writer = PartWriter::create(path, partition, TableFormat::Parquet, source)?;
    // Every column is there: nothing of it stays.
    let blank = Row {
        exchange_time: Nanos::ZERO,
        local_time: Nanos::ZERO,
        price: Price::from_raw(0),
        quantity: Qty::from_raw(0),
        order_id: 0,
        sequence: 0,
        instrument: InstrumentId(0),
        kind: RowKind::Trade,
        side: RowSide::None,
        flags: Flags::default(),
        aux: 0,
    };
    let (mut rows, mut done, mut last) = (Vec::new(), 0_usize, Nanos::MIN);
    for batch in reader {
        let batch = batch.map_err(|error| error.to_string())?;
        rows.clear();
        append_rows(&batch, &blank, &mut rows)
            .map_err(|bad| format!("row {}: {} = {}: {}", done + bad.row + 1, bad.column, bad.value, bad.fault))?;
        for (index, row) in rows.iter().enumerate() {
            let number = done + index + 1;
            if row.exchange_time < last {
                let time = row.exchange_time;
                return Err(format!("row {number}: exchange_time = {time}: lies before that of the row before").into());
            }
            if row.exchange_time.floor_to(Nanos::DAY) != day {
                return Err(format!("row {number}: exchange_time = {}: lies on another day", row.exchange_time).into());
            }
            // A clear goes with whatever book it clears.
            let is_clear = row.kind == RowKind::BookClear && matches!(family, Family::Orders | Family::Book);
            if Family::of(row.kind) != family && !is_clear {
                return Err(format!("row {number}: kind = {}: is none of {}", row.kind as u8, family.as_str()).into());
            }
            last = row.exchange_time;
            writer.push(row)?;
        }
        done += rows.len();
    }
    Ok(writer.finish()?)
}
