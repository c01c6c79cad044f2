//! What can be wrong with data, and where: `bars.csv:52: open = -1: is not above zero: fix or drop the row`.

use std::fmt;

use crate::data::options::Column;
use crate::num::{NumError, Price};
use crate::time::Nanos;

/// Why a source could not go on: the fault and its place.
///
/// Prints one line: where, what was given, what is wrong with it, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceError {
    /// What is wrong.
    pub fault: Fault,
    /// The file or table, if known.
    pub file: Option<Box<str>>,
    /// The physical line of a text file (the header is line 1), or the row of a table from 1.
    pub line: Option<u64>,
    /// The column, as the file calls it.
    pub column: Option<Box<str>>,
    /// The offending value as the file has it.
    pub value: Option<Box<str>>,
}

impl SourceError {
    /// A fault of a whole file or table.
    #[must_use]
    pub fn of_file(file: &str, fault: Fault) -> Self {
        Self { fault, file: Some(file.into()), line: None, column: None, value: None }
    }
    /// A fault that the other kinds do not describe.
    #[must_use]
    pub fn other(message: &str) -> Self {
        Self { fault: Fault::Other(message.into()), file: None, line: None, column: None, value: None }
    }
    /// The same fault in a named file.
    #[must_use]
    pub fn in_file(mut self, file: &str) -> Self {
        self.file = Some(file.into());
        self
    }
}

impl std::error::Error for SourceError {}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
        }
        if let Some(line) = self.line {
            write!(f, "{}{line}:", if self.file.is_some() { "" } else { "row " })?;
        }
        if self.file.is_some() || self.line.is_some() {
            write!(f, " ")?;
        }
        match (&self.column, self.value.as_deref()) {
            (Some(column), None | Some("")) => write!(f, "{column}: ")?,
            (Some(column), Some(value)) => write!(f, "{column} = {value}: ")?,
            (None, _) => {}
        }
        self.fault.fmt(f)
    }
}

/// What is wrong with a row, its columns, or a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Time runs backwards.
    #[error("is earlier than the row before ({previous}): sort the file by time")]
    Earlier {
        /// The time of the row before.
        previous: Nanos,
    },
    /// A symbol has two rows of one time.
    #[error("is the time of an earlier row of {symbol} too: keep one row for each time")]
    Repeated {
        /// The symbol with two rows.
        symbol: Box<str>,
    },
    /// A field is empty.
    #[error("is empty: fill it in, or drop the row")]
    Missing,
    /// A field is not a time.
    #[error("is not a time: write YYYY-MM-DD HH:MM:SS (1678 to 2261), or the seconds, ms, us or ns since 1970")]
    NotATime,
    /// A field is not a number.
    #[error("is not a number: write digits with a decimal point")]
    NotANumber,
    /// NaN or infinity.
    #[error("is not a finite number: fill it in, or drop the row")]
    NotFinite,
    /// More decimals than the engine holds.
    #[error("is finer than 1e-8: round it to at most 8 decimals")]
    TooFine,
    /// The value does not fit.
    #[error("is out of range: the largest value is about 92,233,720,368")]
    OutOfRange,
    /// A price of zero or below.
    #[error("is not above zero: fix the price, or drop the row")]
    NotPositive,
    /// A volume below zero.
    #[error("is negative: fix the volume, or drop the row")]
    Negative,
    /// `high` is below another price of the bar.
    #[error("is below the {other} of the bar ({price}): fix or drop the row; are the columns mapped right?")]
    HighBelow {
        /// The price that is above.
        other: Column,
        /// Its value.
        price: Box<str>,
    },
    /// `low` is above another price of the bar.
    #[error("is above the {other} of the bar ({price}): fix or drop the row; are the columns mapped right?")]
    LowAbove {
        /// The price that is below.
        other: Column,
        /// Its value.
        price: Box<str>,
    },
    /// The numbering of a feed has a hole.
    #[error("{missing} numbers are missing before it: the recording lost data there; leave --strict out to go on")]
    Gap {
        /// How many are missing.
        missing: u64,
    },
    /// A book whose best bid reaches its best offer.
    #[error(
        "leaves the book crossed, best bid {bid}, best offer {ask}: fix the recording; leave --strict out to go on"
    )]
    Crossed {
        /// The best bid.
        bid: Price,
        /// The best offer.
        ask: Price,
    },
    /// A row with more or fewer fields than the header.
    #[error("has {found} fields, the header has {expected}: fix the row")]
    Ragged {
        /// Fields in the row.
        found: usize,
        /// Fields in the header.
        expected: usize,
    },
    /// A quote is not closed on its line.
    #[error("has a quote (\") that is not closed on the same line: fix the row")]
    OpenQuote,
    /// A line is too long to be a row.
    #[error("the line is longer than {limit} bytes: this is not a text file of rows")]
    LongLine {
        /// The limit in bytes.
        limit: usize,
    },
    /// Text that is not UTF-8.
    #[error("is not UTF-8 text: save the file as UTF-8")]
    NotText,
    /// More symbols than can be meant.
    #[error("more than {limit} symbols: is this the symbol column?")]
    TooManySymbols {
        /// The limit.
        limit: usize,
    },
    /// A column is not there.
    #[error("there is no column `{wanted}`: the file has {columns}.{hint}")]
    NoColumn {
        /// The header that was looked for.
        wanted: Box<str>,
        /// The headers there are.
        columns: Box<str>,
        /// What may be meant.
        hint: Box<str>,
    },
    /// Two columns with one name.
    #[error("two columns are called `{name}`: rename one")]
    TwoColumns {
        /// The name.
        name: Box<str>,
    },
    /// The first line does not name columns.
    #[error("the first line holds data ({first}): put a line with the column names on top, such as {example}")]
    NoHeader {
        /// How the line begins.
        first: Box<str>,
        /// A header line that would do.
        example: &'static str,
    },
    /// A column of a type that cannot be read.
    #[error("is a column of {found}: it must hold {wanted}")]
    WrongType {
        /// What it holds.
        found: Box<str>,
        /// What it must hold.
        wanted: &'static str,
    },
    /// No symbol column, and no symbol given.
    #[error("there is no `symbol` column: name the symbol that the file holds (--symbol NAME, or symbols=\"NAME\")")]
    NoSymbol,
    /// No symbol column, and several symbols given.
    #[error("there is no `symbol` column, so the file holds one symbol, but {given} were given: name one")]
    ManySymbols {
        /// How many were given.
        given: usize,
    },
    /// A symbol that was asked for is not there.
    #[error("there are no rows of {wanted}: the data hold {holds}")]
    NoSuchSymbol {
        /// The symbol asked for.
        wanted: Box<str>,
        /// The symbols there are.
        holds: Box<str>,
    },
    /// Nothing lies in the range of time asked for.
    #[error("there are no rows of {symbol} in the range of time asked for: its rows reach from {first} to {last}")]
    NothingInRange {
        /// The symbol.
        symbol: Box<str>,
        /// Time of its first row.
        first: Nanos,
        /// Time of its last row.
        last: Nanos,
    },
    /// Two sources hold the same bars.
    #[error("it holds {symbol} from {from} to {to}, and so does {other}: give each bar once")]
    Overlap {
        /// The symbol.
        symbol: Box<str>,
        /// Start of the common time.
        from: Nanos,
        /// End of the common time.
        to: Nanos,
        /// The other file.
        other: Box<str>,
    },
    /// A file without a byte.
    #[error("the file is empty: it must hold a header and rows")]
    Empty,
    /// A header, and nothing below.
    #[error("there are no rows, only a header")]
    NoRows,
    /// The bar length cannot be told.
    #[error("one time only, so the length of a bar cannot be told: give the resolution (resolution=\"1m\")")]
    NoResolution,
    /// A compressed file that ends early.
    #[error("the {format} data end too early: the file is truncated, fetch it again")]
    Truncated {
        /// The compression.
        format: &'static str,
    },
    /// A compressed file that is damaged.
    #[error("the {format} data are damaged ({reason}): fetch the file again")]
    Damaged {
        /// The compression.
        format: &'static str,
        /// What the decoder says.
        reason: Box<str>,
    },
    /// The file is not there.
    #[error("there is no such file")]
    NotFound,
    /// The operating system refused.
    #[error("cannot be read: {reason}")]
    Unreadable {
        /// What the system says.
        reason: Box<str>,
    },
    /// Bytes that are nothing of what the format has at this place.
    #[error("is not {wanted}: fetch the file again, or drop the {unit}")]
    Unexpected {
        /// What the format has here.
        wanted: &'static str,
        /// What to drop: `row`, `line`, `record`.
        unit: &'static str,
    },
    /// Text that is not the JSON which the format has at this place.
    #[error("is not the JSON that belongs here ({reason}): fetch the file again, or drop the line")]
    NotJson {
        /// What the parser says.
        reason: Box<str>,
    },
    /// None of the formats that can be read.
    #[error("the file is in none of the known formats ({known}): name the one that it is in, if it is one of these")]
    UnknownFormat {
        /// Their names.
        known: Box<str>,
    },
    /// A name was given for a file of one symbol, and the file has a second.
    #[error("is a second symbol, but one name was given ({given}) and stands for {first}: give no name")]
    Renamed {
        /// The name that was given.
        given: Box<str>,
        /// The symbol that it stands for.
        first: Box<str>,
    },
    /// An archive of no file, or of several.
    #[error("the archive holds {count} files: unpack it and give one")]
    Members {
        /// How many.
        count: usize,
    },
    /// Anything else.
    #[error("{0}")]
    Other(Box<str>),
}

impl Fault {
    /// What the system says about a file.
    #[must_use]
    pub fn of_io(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::NotFound,
            _ => Self::Unreadable { reason: error.to_string().into() },
        }
    }
    /// The fault of a field; a long value is shown by its beginning.
    pub(crate) fn of(self, column: &str, value: &str) -> SourceError {
        const SHOWN: usize = 80;
        let shown = value.char_indices().nth(SHOWN).and_then(|(end, _)| value.get(..end));
        let value = shown.map_or_else(|| value.into(), |start| format!("{start}…").into_boxed_str());
        SourceError { fault: self, file: None, line: None, column: Some(column.into()), value: Some(value) }
    }
    /// The fault of a whole line or record.
    pub(crate) const fn alone(self) -> SourceError {
        SourceError { fault: self, file: None, line: None, column: None, value: None }
    }
}

impl From<NumError> for Fault {
    fn from(error: NumError) -> Self {
        match error {
            NumError::Invalid { .. } => Self::NotANumber,
            NumError::NotFinite { .. } => Self::NotFinite,
            NumError::TooFine { .. } => Self::TooFine,
            NumError::OutOfRange { .. } | NumError::Overflow { .. } | NumError::DivisionByZero { .. } => {
                Self::OutOfRange
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_prints_where_what_and_what_to_do_in_one_line() {
        let error = SourceError {
            fault: Fault::Earlier { previous: Nanos::MINUTE },
            file: Some("bars.csv".into()),
            line: Some(52),
            column: Some("timestamp".into()),
            value: Some("1970-01-01 00:00:00".into()),
        };
        assert_eq!(
            error.to_string(),
            "bars.csv:52: timestamp = 1970-01-01 00:00:00: is earlier than the row before (1970-01-01T00:01:00Z): sort the file by time"
        );
        let missing = SourceError { fault: Fault::Missing, value: Some("".into()), ..error };
        assert_eq!(missing.to_string(), "bars.csv:52: timestamp: is empty: fill it in, or drop the row");
        assert_eq!(
            SourceError::of_file("bars.csv", Fault::Empty).to_string(),
            "bars.csv: the file is empty: it must hold a header and rows"
        );
    }

    #[test]
    fn an_error_is_small_enough_to_be_returned_by_value() {
        assert!(size_of::<SourceError>() <= 128, "{}", size_of::<SourceError>());
    }
}
