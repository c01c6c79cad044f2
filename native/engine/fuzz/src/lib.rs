//! What the fuzz targets share.

use std::io::Cursor;

use engine::data::input::Input;
use engine::data::tick::{Format, TickOptions, read_input};

/// Reads bytes as ticks to their end or their first fault, and holds the reader to what it promises.
pub fn read_ticks(bytes: &[u8], format: Format) {
    let Ok(input) = Input::seekable(Cursor::new(bytes.to_vec())) else { return };
    // Files of these need not name their symbol; a name would refuse a second symbol in the others.
    let is_nameless = matches!(format, Format::Hftbacktest | Format::Binance | Format::Auto);
    let options = TickOptions { symbol: is_nameless.then(|| "X".to_owned()), venue: None };
    let Ok(mut reader) = read_input("fuzz", input, format, &options) else { return };
    let mut rows = Vec::new();
    loop {
        rows.clear();
        match reader.read(&mut rows) {
            Ok(more) => assert_eq!(more, !rows.is_empty(), "a reader says whether it gave rows"),
            Err(error) => {
                assert!(error.file.is_some(), "a fault names its file: {error}");
                assert!(!matches!(reader.read(&mut rows), Ok(true)), "nothing is handed out after a fault");
                return;
            }
        }
        let symbols = reader.symbols().len();
        assert!(rows.iter().all(|row| (row.instrument.0 as usize) < symbols), "a row names a symbol that was seen");
        if rows.is_empty() {
            return;
        }
    }
}
