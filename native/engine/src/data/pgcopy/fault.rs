//! What is wrong with rows on their way to or from a server.

/// Why rows cannot be written as COPY, or a COPY cannot be read. Rows count from one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyFault {
    /// A column of a type that no table has.
    #[error("column {column}: {of} has no place in a table")]
    Unsupported {
        /// Its name.
        column: String,
        /// Its Arrow type.
        of: String,
    },
    /// A column whose values would overflow the format.
    #[error("{fields} columns: must be 1 to {}", super::form::FIELDS_MAX)]
    Width {
        /// How many fields a row would have.
        fields: usize,
    },
    /// A time with nanoseconds where only microseconds are kept.
    #[error("row {row}: {column} = {value} ns: must be a whole microsecond")]
    NotWhole {
        /// The row.
        row: usize,
        /// Its column.
        column: String,
        /// The time in nanoseconds since the epoch.
        value: i64,
    },
    /// Text that PostgreSQL cannot keep.
    #[error("row {row}: {column}: holds a zero byte or is too long, which no text of PostgreSQL may")]
    Text {
        /// The row.
        row: usize,
        /// Its column.
        column: String,
    },
    /// Not the beginning of a binary COPY.
    #[error("does not begin as a binary COPY does")]
    Header,
    /// It ends in the middle.
    #[error("ends within row {row}")]
    Truncated {
        /// The row.
        row: usize,
    },
    /// Something follows the end.
    #[error("goes on after its end, behind row {row}")]
    Beyond {
        /// The last row.
        row: usize,
    },
    /// A row of another width.
    #[error("row {row}: has {found} fields: must have {wanted}")]
    FieldCount {
        /// The row.
        row: usize,
        /// What it has.
        found: i16,
        /// What was asked for.
        wanted: usize,
    },
    /// A field that is not of its type.
    #[error("row {row}: {column}: {why}")]
    Field {
        /// The row.
        row: usize,
        /// Its column.
        column: String,
        /// What is wrong.
        why: FieldFault,
    },
    /// The columns do not make a batch.
    #[error("{0}")]
    Batch(String),
}

/// What is wrong with one field of a COPY.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldFault {
    /// Too short or too long for its type.
    #[error("{0} bytes do not fit its type")]
    Length(i32),
    /// No value, where there must be one.
    #[error("has no value")]
    Missing,
    /// NaN or an infinity.
    #[error("is not a finite number")]
    NotFinite,
    /// Digits below the last decimal of the column.
    #[error("is finer than its column")]
    Finer,
    /// More than the column holds.
    #[error("is out of range")]
    Range,
    /// A number that is none.
    #[error("is malformed")]
    Malformed,
    /// Text that is not UTF-8.
    #[error("is not UTF-8")]
    Utf8,
}
