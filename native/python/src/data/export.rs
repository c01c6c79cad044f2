//! Bars as Arrow record batches.

use std::sync::Arc;

use arrow_array::{ArrayRef, Decimal128Array, RecordBatch, RecordBatchReader, StringArray, TimestampNanosecondArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use engine::event::{Bar, MarketEvent};
use engine::instrument::Instruments;
use engine::stream::Source;

const PRECISION: u8 = 20;
const SCALE: i8 = 8;

/// The bars of some sources, one source after the other.
pub struct BarBatches {
    sources: std::vec::IntoIter<Box<dyn Source>>,
    current: Option<Box<dyn Source>>,
    instruments: Instruments,
    schema: SchemaRef,
}

impl BarBatches {
    /// Columns `timestamp` (open time, UTC), `symbol`, the prices and `volume` as decimal128(20, 8).
    pub fn new(sources: Vec<Box<dyn Source>>, instruments: Instruments) -> Self {
        let decimal = |name| Field::new(name, DataType::Decimal128(PRECISION, SCALE), name == "volume");
        let time = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        let mut fields = vec![Field::new("timestamp", time, false), Field::new("symbol", DataType::Utf8, false)];
        fields.extend(["open", "high", "low", "close", "volume"].map(decimal));
        Self { sources: sources.into_iter(), current: None, instruments, schema: Arc::new(Schema::new(fields)) }
    }

    fn batch(&self, bars: &[Bar]) -> Result<RecordBatch, ArrowError> {
        let decimal = |values: Decimal128Array| -> Result<ArrayRef, ArrowError> {
            Ok(Arc::new(values.with_precision_and_scale(PRECISION, SCALE)?))
        };
        let price = |of: fn(&Bar) -> i64| decimal(bars.iter().map(|bar| Some(i128::from(of(bar)))).collect());
        let times = TimestampNanosecondArray::from_iter_values(bars.iter().map(|bar| bar.open_time.raw()));
        let symbols = StringArray::from_iter_values(bars.iter().map(|bar| self.instruments.symbol(bar.instrument)));
        RecordBatch::try_new(
            Arc::clone(&self.schema),
            vec![
                Arc::new(times.with_timezone("UTC")),
                Arc::new(symbols),
                price(|bar| bar.open.raw())?,
                price(|bar| bar.high.raw())?,
                price(|bar| bar.low.raw())?,
                price(|bar| bar.close.raw())?,
                decimal(bars.iter().map(|bar| bar.volume.map(|v| i128::from(v.raw()))).collect())?,
            ],
        )
    }
}

impl Iterator for BarBatches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let source = match &mut self.current {
                Some(source) => source,
                none => none.insert(self.sources.next()?),
            };
            match source.next_chunk() {
                Ok(Some(chunk)) => {
                    let bars: Vec<Bar> = chunk
                        .iter()
                        .filter_map(|event| if let MarketEvent::Bar(bar) = event { Some(*bar) } else { None })
                        .collect();
                    return Some(self.batch(&bars));
                }
                Ok(None) => self.current = None,
                Err(error) => return Some(Err(ArrowError::ExternalError(Box::new(error)))),
            }
        }
    }
}

impl RecordBatchReader for BarBatches {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
