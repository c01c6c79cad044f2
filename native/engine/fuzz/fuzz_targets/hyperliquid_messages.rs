//! Messages of the socket and answers: the first byte says which. What the quick reader of books takes is what the general
//! one takes.
#![no_main]

use engine::hyperliquid::message::{Answer, Decoder, ExchangeAnswer, Message};
use engine::hyperliquid::names::info;
use engine::instrument::InstrumentId;
use engine::time::Nanos;

const QUESTIONS: [&str; 12] = [
    info::META_AND_ASSET_CTXS,
    info::SPOT_META,
    info::ALL_MIDS,
    info::L2_BOOK,
    info::CANDLE_SNAPSHOT,
    info::CLEARINGHOUSE_STATE,
    info::FRONTEND_OPEN_ORDERS,
    info::HISTORICAL_ORDERS,
    info::USER_FILLS,
    info::USER_FUNDING,
    info::USER_NON_FUNDING_LEDGER_UPDATES,
    info::PORTFOLIO,
];

fn message(bytes: &[u8]) {
    let local_time = Nanos::from_raw(1);
    let coins = || [("BTC".into(), InstrumentId(0)), ("ETH".into(), InstrumentId(1))];
    let (mut decoder, mut rows) = (Decoder::new(coins()), Vec::new());
    match decoder.message(bytes, local_time, &mut rows) {
        Ok(message) => {
            let _ = message.view();
            assert!(rows.iter().all(|row| row.instrument.0 < 2 && row.local_time == local_time));
            // A space keeps the quick reader away.
            let mut spaced = bytes.to_vec();
            spaced.push(b' ');
            let mut again = Vec::new();
            let told = Decoder::new(coins()).message(&spaced, local_time, &mut again);
            if matches!(message, Message::Rows) {
                assert_eq!((told, again), (Ok(message), rows));
            }
        }
        Err(_) => assert!(rows.is_empty(), "what is refused leaves nothing"),
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((b'/', body)) => drop(ExchangeAnswer::parse(body)),
        Some((letter @ b'A'..=b'L', body)) => {
            let question = QUESTIONS[usize::from(letter - b'A')];
            if let Ok(answer) = Answer::parse(question, body) {
                let _ = answer.view();
            }
        }
        _ => message(bytes),
    }
});
