//! Opening a file of tick data, whatever its format.

use std::path::Path;

use crate::data::fault::SourceError;
use crate::data::input::Input;
use crate::data::tick::findings::Findings;
use crate::data::tick::format::Format;
use crate::data::tick::{TickReader, hftbacktest};

/// As much of a file as its format is told by.
const HEAD_BYTES: usize = 1 << 16;

/// What a file does not say of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TickOptions {
    /// The symbol of a file that names none, or another name for the one symbol that it has.
    pub symbol: Option<String>,
    /// The venue, whatever the file says.
    pub venue: Option<String>,
}

/// Opens a file: packed with gzip, zstd, lz4 or zip, or not at all.
///
/// # Errors
/// [`SourceError`] with the file: it cannot be read, or is in no known format ([`Fault::UnknownFormat`] names them).
///
/// [`Fault::UnknownFormat`]: crate::data::fault::Fault::UnknownFormat
pub fn open(path: &Path, format: Format, options: &TickOptions) -> Result<Box<dyn TickReader>, SourceError> {
    let file = path.to_string_lossy();
    let input = Input::open(path).map_err(|fault| SourceError::of_file(&file, fault))?;
    read_input(&file, input, format, options)
}

/// Reads from any input; `file` is its name in messages, and may hold the symbol as the archives name their files.
///
/// # Errors
/// As [`open`].
pub fn read_input(
    file: &str,
    mut input: Input,
    format: Format,
    options: &TickOptions,
) -> Result<Box<dyn TickReader>, SourceError> {
    let in_file = |fault| SourceError::of_file(file, fault);
    let head = input.head(HEAD_BYTES).map_err(in_file)?;
    let format = match format {
        Format::Auto => Format::of(head).map_err(in_file)?,
        named => named,
    };
    match format {
        Format::Hftbacktest => Ok(Box::new(hftbacktest::EventReader::new(file, input, Findings::new(options, ""))?)),
        other => Err(SourceError::other(&format!("{other} cannot be read yet")).in_file(file)),
    }
}
