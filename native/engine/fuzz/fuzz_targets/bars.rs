#![no_main]

use std::io::Cursor;

use engine::data::csv::CsvBars;
use engine::data::input::Input;
use engine::data::options::BarOptions;
use engine::stream::Source;

// Blocks of a few bytes, so that lines lie across their ends.
const BLOCK_BYTES: usize = 64;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(input) = Input::new(Cursor::new(bytes.to_vec())) else { return };
    let Ok(mut bars) = CsvBars::new("fuzz", input, &BarOptions::for_symbols(&["X"]), BLOCK_BYTES) else { return };
    while let Ok(Some(_)) = bars.next_chunk() {}
});
