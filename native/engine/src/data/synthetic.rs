//! Seeded bars for demos, tests and benchmarks.

use std::sync::Arc;

use crate::data::checks::{Admission, Checker, Numbers, RowFault};
use crate::data::csv::CHUNK_BARS;
use crate::data::options::BarOptions;
use crate::event::{Bar, MarketEvent};
use crate::instrument::InstrumentId;
use crate::num::{Price, Qty};
use crate::random::SplitMix64;
use crate::stream::{Chunk, Source, SourceError};
use crate::time::Nanos;

/// One-minute bars of some symbols from a seed, in bounded memory. The same on every machine: integers only.
///
/// Prices walk in proportion to themselves with steps whose size wanders and now and then bursts; volume follows the size.
#[derive(Debug, Clone)]
pub struct Synthetic {
    walks: Vec<Walk>,
    left: u64,
    time: Nanos,
    resolution: Nanos,
    next: usize,
}

#[derive(Debug, Clone)]
struct Walk {
    random: SplitMix64,
    id: InstrumentId,
    price: i64,
    tick: i64,
    /// The size of a step, in millionths of the price.
    swing: i64,
}

const START: Nanos = Nanos::from_raw(1_704_067_200_000_000_000); // 2024-01-01
const SWING_MIN: i64 = 100;
const SWING_MAX: i64 = 4_000;
const SWING_USUAL: i64 = 350;

impl Synthetic {
    /// `count` bars of all symbols together, in time order. Symbols keep their rank among the symbols given.
    #[must_use]
    pub fn new<S: AsRef<str>>(symbols: &[S], count: u64, seed: u64) -> Self {
        let mut names: Vec<&str> = symbols.iter().map(AsRef::as_ref).collect();
        names.sort_unstable();
        names.dedup();
        let walks = (0_u32..).zip(&names).map(|(rank, name)| Walk::new(InstrumentId(rank), name, seed)).collect();
        Self { walks, left: count, time: START, resolution: Nanos::MINUTE, next: 0 }
    }

    /// How many bars are still to come.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.left
    }

    /// The next bar; `None` after the last.
    pub fn next_bar(&mut self) -> Option<Bar> {
        self.left = self.left.checked_sub(1)?;
        let walk = self.walks.get_mut(self.next)?;
        let bar = walk.bar(self.time, self.resolution);
        self.next += 1;
        if self.next == self.walks.len() {
            self.next = 0;
            self.time = self.time.after(self.resolution);
        }
        Some(bar)
    }

    /// The bars one by one.
    pub fn bars(mut self) -> impl Iterator<Item = Bar> {
        std::iter::from_fn(move || self.next_bar())
    }

    /// The same with bars of another length.
    #[must_use]
    pub const fn with_resolution(mut self, resolution: Nanos) -> Self {
        self.resolution = resolution;
        self
    }
}

impl Walk {
    fn new(id: InstrumentId, name: &str, seed: u64) -> Self {
        let mut random = SplitMix64::new(seed);
        let of_name = name.bytes().fold(random.next_u64(), |sum, byte| sum.rotate_left(8) ^ u64::from(byte));
        let mut random = SplitMix64::new(of_name);
        // Known names start near a familiar price, others between 10 and 100,000.
        let usual = match name {
            "BTC" => 60_000,
            "ETH" => 3_000,
            "SOL" => 150,
            _ => (random.below(90) + 10) * 10_i64.pow(u32::try_from(random.below(4)).unwrap_or(0)),
        };
        let price = usual * (80 + random.below(41)) * 1_000_000;
        // Five significant figures, as the venue has them.
        let tick = 10_i64.pow(price.unsigned_abs().ilog10().saturating_sub(4));
        Self { random, id, price, tick, swing: SWING_USUAL }
    }

    fn bar(&mut self, open_time: Nanos, resolution: Nanos) -> Bar {
        let burst = if self.random.below(400) == 0 { SWING_USUAL * 6 } else { 0 };
        // The size of a step reverts to its usual value, is shaken a little, and bursts now and then.
        let shaken = self.swing + (SWING_USUAL - self.swing) / 32 + self.random.bell(12) + burst;
        self.swing = shaken.clamp(SWING_MIN, SWING_MAX);
        let (tick, part) = (self.tick, self.price / 1_000_000);
        let open = grid(tick, self.price + self.random.bell(self.swing / 16) * part);
        let close = grid(tick, self.price + self.random.bell(self.swing) * part);
        let reach = |random: &mut SplitMix64, swing: i64| random.below(swing) * part;
        let high = grid(tick, open.max(close) + reach(&mut self.random, self.swing)).max(open).max(close);
        let low = grid(tick, open.min(close) - reach(&mut self.random, self.swing)).min(open).min(close);
        let notional = 20_000 + self.random.below(40_000) * self.swing / SWING_USUAL;
        // Quote units over price, on a grid of 1e-4 base units.
        let lots = i128::from(notional) * 1_000_000_000_000 / i128::from(self.price.max(1));
        let volume = i64::try_from(lots).unwrap_or(0).max(1).saturating_mul(10_000);
        // The walk is pulled back from the ends of the number range, which only very long ones reach.
        self.price = close.clamp(self.tick * 1_000, 1_000_000_000 * 100_000_000);
        Bar {
            instrument: self.id,
            trades: 0,
            open_time,
            close_time: open_time.after(resolution),
            open: Price::from_raw(open),
            high: Price::from_raw(high),
            low: Price::from_raw(low),
            close: Price::from_raw(close),
            volume: Some(Qty::from_raw(volume)),
        }
    }
}

/// The nearest price on the grid, at least one tick.
fn grid(tick: i64, price: i64) -> i64 {
    ((price + tick / 2).div_euclid(tick) * tick).max(tick)
}

impl Source for Synthetic {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, SourceError> {
        let bars: Vec<_> = std::iter::from_fn(|| self.next_bar()).take(CHUNK_BARS).map(MarketEvent::Bar).collect();
        Ok((!bars.is_empty()).then(|| Arc::new(bars)))
    }
}

/// Synthetic bars that pass the checks of every reader, for their summary and the symbols of a run.
#[derive(Debug)]
pub struct SyntheticBars {
    bars: Synthetic,
    symbols: Vec<String>,
    checker: Checker,
    is_done: bool,
}

impl SyntheticBars {
    /// The bars of `bars`, which was made with these symbols.
    #[must_use]
    pub fn new<S: AsRef<str>>(symbols: &[S], bars: Synthetic, options: &BarOptions) -> Self {
        let mut symbols: Vec<_> = symbols.iter().map(|s| s.as_ref().to_owned()).collect();
        symbols.sort_unstable();
        symbols.dedup();
        let checker = Checker::new("synthetic", options.clone(), bars.resolution);
        Self { bars, symbols, checker, is_done: false }
    }

    /// What was found so far, and the symbols seen.
    #[must_use]
    pub const fn checker(&self) -> &Checker {
        &self.checker
    }

    /// The checked bar; `None` if it is not wanted.
    fn check(&mut self, bar: &Bar) -> Result<Option<Bar>, RowFault> {
        let name = self.symbols.get(bar.instrument.index()).map_or(&b""[..], |s| s.as_bytes());
        let symbol = self.checker.symbol(name)?;
        match self.checker.admit(symbol, bar.open_time)? {
            Admission::Unwanted => Ok(None),
            Admission::Past => {
                self.is_done = true;
                Ok(None)
            }
            Admission::Wanted { open_time, close_time } => {
                let numbers = Numbers {
                    open: bar.open.raw(),
                    high: bar.high.raw(),
                    low: bar.low.raw(),
                    close: bar.close.raw(),
                    volume: bar.volume.map(Qty::raw),
                    snapped: 0,
                };
                self.checker.bar(symbol, open_time, close_time, &numbers).map(Some)
            }
        }
    }
}

impl Source for SyntheticBars {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, SourceError> {
        let fail = |row: RowFault| SourceError::of_file("synthetic", row.fault);
        let mut events = Vec::new();
        while !self.is_done && events.len() < CHUNK_BARS {
            let Some(bar) = self.bars.next_bar() else {
                self.is_done = true;
                break;
            };
            events.extend(self.check(&bar).map_err(fail)?.map(MarketEvent::Bar));
        }
        Ok((!events.is_empty()).then(|| Arc::new(events)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_bars_for_ever() {
        let bars: Vec<_> = Synthetic::new(&["ETH", "BTC"], 1_000, 7).bars().collect();
        assert_eq!(bars, Synthetic::new(&["BTC", "ETH"], 1_000, 7).bars().collect::<Vec<_>>());
        assert_ne!(bars, Synthetic::new(&["BTC", "ETH"], 1_000, 8).bars().collect::<Vec<_>>());
    }

    #[test]
    fn every_bar_is_sound_and_prices_move_within_reason() {
        let mut last = [0.0_f64; 3];
        let mut squares = 0.0;
        for bar in Synthetic::new(&["A", "B", "C"], 300_000, 1).bars() {
            assert!(bar.low.is_positive() && bar.low <= bar.open.min(bar.close) && bar.high >= bar.open.max(bar.close));
            assert!(bar.volume.unwrap().is_positive());
            let before = std::mem::replace(&mut last[bar.instrument.index()], bar.close.to_f64());
            if before > 0.0 {
                squares += (bar.close.to_f64() / before - 1.0).powi(2);
            }
        }
        let deviation = (squares / 300_000.0).sqrt();
        assert!((1e-4..5e-3).contains(&deviation), "deviation of a one-minute return: {deviation}");
    }

    #[test]
    fn chunks_hold_all_bars_in_time_order() {
        let mut source = Synthetic::new(&["A", "B"], 100_001, 3);
        let (mut count, mut last) = (0, Nanos::MIN);
        while let Some(chunk) = source.next_chunk().unwrap() {
            for event in chunk.iter() {
                assert!(event.time() >= last);
                last = event.time();
            }
            count += chunk.len();
        }
        assert_eq!(count, 100_001);
    }
}
