//! The local venue from outside: the input is a list of lines, each a request, an action that is signed here, a message over
//! a socket, an operator's wish, or time that passes. Nothing may panic, and books, orders and accounts agree afterwards.
//! A `q` in front leaves the customers among themselves: a market that is made up costs most of the time.
#![no_main]

use std::sync::LazyLock;

use engine::hyperliquid::action::Action;
use engine::hyperliquid::address::Address;
use engine::hyperliquid::keys::PrivateKey;
use engine::hyperliquid::request::Request;
use engine::hyperliquid::signing::{Network, Terms};
use engine::local_venue::venue::{MarketKind, VenueOptions};
use engine::time::Nanos;

const START: i64 = 1_704_067_200_000;
const OPTIONS: &str = r#"{"symbols":2,"density":20,"local":{"block_ms":1000,"schedule_volume_min":0,"sub_account_volume_min":0},
    "limits":{"weight_a_minute":1000000,"requests":1000000,"connections":100,"new_connections_a_minute":1000}}"#;

static KEYS: LazyLock<Vec<PrivateKey>> =
    LazyLock::new(|| (1..3).filter_map(|n| PrivateKey::from_bytes(&[n; 32]).ok()).collect());

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut now = START;
    let at = |ms: i64| Nanos::from_raw(ms * 1_000_000);
    let mut options = VenueOptions::read(OPTIONS).expect("the options are read");
    let (market, data) = match data.strip_prefix(b"q") {
        Some(data) => (MarketKind::Customers, data),
        None => (MarketKind::Synthetic, data),
    };
    options.market = market;
    let mut door = options.open(at(now)).expect("the venue opens");
    for key in KEYS.iter() {
        let user: Address = key.address();
        let question = format!(r#"{{"type":"clearinghouseState","user":"{user}"}}"#);
        door.request("info", question.as_bytes(), "here", at(now));
    }
    let socket = door.connect("here", at(now)).expect("the first socket");
    for (index, line) in data.split(|byte| *byte == b'\n').take(64).enumerate() {
        let Some((kind, body)) = line.split_first() else { continue };
        match kind {
            b'i' => drop(door.request("info", body, "here", at(now))),
            b'e' => drop(door.request("exchange", body, "here", at(now))),
            b's' => door.receive(socket, body, at(now)),
            b'c' => drop(door.control(body, at(now))),
            b't' => now += i64::from(body.first().copied().unwrap_or(1)) * 100,
            // An action, signed by one of the customers.
            b'0' | b'1' => {
                let key = KEYS.get(usize::from(kind - b'0'));
                if let (Some(key), Ok(action)) = (key, serde_json::from_slice::<Action>(body)) {
                    let nonce = u64::try_from(now).unwrap_or_default() + u64::try_from(index).unwrap_or_default();
                    if let Ok(request) = Request::sign(key, action, Terms::new(nonce), Network::Testnet)
                        && let Ok(body) = request.body()
                    {
                        door.request("exchange", &body, "here", at(now));
                    }
                    now += 1_000;
                    door.advance(at(now));
                }
            }
            _ => {}
        }
        door.drain();
    }
    door.advance(at(now + 1_000));
    assert_eq!(door.core().check(), Ok(()));
});
