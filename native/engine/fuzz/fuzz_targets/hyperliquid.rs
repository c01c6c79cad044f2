#![no_main]

use engine::data::tick::Format;
use engine_fuzz::read_ticks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read_ticks(bytes, Format::Hyperliquid));
