//! Opening a file of tick data, whatever its format.

use std::path::Path;

use crate::data::fault::SourceError;
use crate::data::input::Input;
use crate::data::tick::bybit::Bybit;
use crate::data::tick::findings::Findings;
use crate::data::tick::format::{Format, first_line};
use crate::data::tick::lines::{LineFormat, LineReader};
use crate::data::tick::tardis::Tardis;
use crate::data::tick::{TickReader, binance, databento, hftbacktest, hyperliquid};

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
    let first = first_line(head);
    match format {
        Format::Auto => Err(in_file(Format::unknown())),
        Format::Hftbacktest => Ok(Box::new(hftbacktest::EventReader::new(file, input, Findings::new(options, ""))?)),
        Format::Tardis => Ok(lines(file, input, Tardis::default(), Findings::new(options, ""))),
        Format::Bybit => Ok(lines(file, input, Bybit::default(), Findings::new(options, "bybit"))),
        Format::Binance => {
            let findings = Findings::new(options, "binance");
            match std::str::from_utf8(first).ok().and_then(binance::Kind::of) {
                Some(kind) => Ok(lines(file, input, binance::Archive::new(kind, file), findings)),
                None => Ok(lines(file, input, binance::Stream::default(), findings)),
            }
        }
        Format::Hyperliquid => {
            let findings = Findings::new(options, "hyperliquid");
            if first.starts_with(b"time,") {
                Ok(lines(file, input, hyperliquid::Contexts::default(), findings))
            } else {
                Ok(lines(file, input, hyperliquid::Stream::default(), findings))
            }
        }
        Format::Databento => Ok(Box::new(databento::ChangeReader::new(file, input, Findings::new(options, ""))?)),
    }
}

fn lines(file: &str, input: Input, format: impl LineFormat + 'static, findings: Findings) -> Box<dyn TickReader> {
    Box::new(LineReader::new(file, input, format, findings))
}
