//! A source of larger bars over a source of trades or smaller bars.

use std::sync::Arc;

use crate::bars::{AggregateError, Aggregator, Rule};
use crate::event::{Bar, MarketEvent};
use crate::instrument::InstrumentId;
use crate::stream::{Chunk, Source, SourceError};
use crate::time::Nanos;

/// Turns the trades and bars of a source into bars by one rule, for each instrument; quotes are left out.
///
/// The bar that is unfinished when the source ends does not come out.
#[derive(Debug)]
pub struct Resampled<S> {
    source: S,
    rule: Rule,
    making: Vec<Option<Aggregator>>,
    /// Before this no time bar is over.
    next_end: Nanos,
    is_done: bool,
}

impl<S: Source> Resampled<S> {
    /// Bars by `rule` of what `source` holds.
    ///
    /// # Errors
    /// [`AggregateError::NotPositive`].
    pub fn new(source: S, rule: Rule) -> Result<Self, AggregateError> {
        Aggregator::new(rule)?;
        Ok(Self { source, rule, making: Vec::new(), next_end: Nanos::MAX, is_done: false })
    }

    fn push(&mut self, event: &MarketEvent, out: &mut Vec<Bar>) -> Result<(), AggregateError> {
        // Bars of all instruments that are over come out before anything later does. A bar that closes now may still
        // belong to an interval that ends now, a trade may not.
        let over_by = match event {
            MarketEvent::Bar(bar) => Nanos::from_raw(bar.close_time.raw().saturating_sub(1)),
            other => other.time(),
        };
        if over_by >= self.next_end {
            self.flush(over_by, out);
        }
        let aggregator = self.aggregator(event.instrument())?;
        match event {
            MarketEvent::Bar(bar) => aggregator.push_bar(bar, out)?,
            MarketEvent::Trade(trade) => aggregator.push_trade(trade, out)?,
            MarketEvent::Quote(_) => {}
        }
        if let Some(end) = aggregator.ends_at() {
            self.next_end = self.next_end.min(end);
        }
        Ok(())
    }

    fn aggregator(&mut self, instrument: InstrumentId) -> Result<&mut Aggregator, AggregateError> {
        if instrument.index() >= self.making.len() {
            self.making.resize(instrument.index() + 1, None);
        }
        let slot = self.making.get_mut(instrument.index()).ok_or(AggregateError::NoVolume)?;
        match slot {
            Some(aggregator) => Ok(aggregator),
            empty => Ok(empty.insert(Aggregator::new(self.rule)?)),
        }
    }

    fn flush(&mut self, time: Nanos, out: &mut Vec<Bar>) {
        let before = out.len();
        for aggregator in self.making.iter_mut().flatten() {
            aggregator.flush(time, out);
        }
        if let Some(fresh) = out.get_mut(before..) {
            fresh.sort_by_key(|bar| (bar.close_time, bar.instrument));
        }
        self.next_end = self.making.iter().flatten().filter_map(Aggregator::ends_at).min().unwrap_or(Nanos::MAX);
    }
}

impl<S: Source> Source for Resampled<S> {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, SourceError> {
        let mut out = Vec::new();
        while !self.is_done && out.is_empty() {
            let Some(chunk) = self.source.next_chunk()? else {
                self.is_done = true;
                break;
            };
            for event in chunk.iter() {
                self.push(event, &mut out).map_err(|e| SourceError::other(&e.to_string()))?;
            }
        }
        let bars: Vec<_> = out.into_iter().map(MarketEvent::Bar).collect();
        Ok((!bars.is_empty()).then(|| Arc::new(bars)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::memory::MemorySource;
    use crate::data::synthetic::Synthetic;

    fn all(mut source: impl Source) -> Vec<Bar> {
        let mut bars = Vec::new();
        while let Some(chunk) = source.next_chunk().unwrap() {
            bars.extend(chunk.iter().filter_map(|e| if let MarketEvent::Bar(bar) = e { Some(*bar) } else { None }));
        }
        bars
    }

    #[test]
    fn hours_of_several_symbols_come_out_in_time_order_with_all_the_volume() {
        let minutes: Vec<_> = Synthetic::new(&["A", "B", "C"], 3 * 600, 1).bars().collect();
        let hours = all(Resampled::new(Synthetic::new(&["A", "B", "C"], 3 * 600, 1), Rule::Time(Nanos::HOUR)).unwrap());
        assert_eq!(hours.len(), 30);
        assert!(hours.windows(2).all(|w| (w[0].close_time, w[0].instrument) < (w[1].close_time, w[1].instrument)));
        let volume = |bars: &[Bar]| bars.iter().map(|b| b.volume.unwrap().raw()).sum::<i64>();
        assert_eq!(volume(&minutes), volume(&hours));
    }

    #[test]
    fn a_symbol_that_falls_silent_does_not_hold_its_bar_back() {
        let mut bars: Vec<_> = Synthetic::new(&["A", "B"], 2 * 300, 1).bars().collect();
        // The second symbol stops after half an hour.
        let silent_from = bars[0].open_time.after(Nanos::from_raw(Nanos::HOUR.raw() / 2));
        bars.retain(|b| b.instrument == InstrumentId(0) || b.open_time < silent_from);
        let events = Arc::new(bars.into_iter().map(MarketEvent::Bar).collect());
        let hours = all(Resampled::new(MemorySource::from_events(events), Rule::Time(Nanos::HOUR)).unwrap());
        assert!(hours.windows(2).all(|w| w[0].close_time <= w[1].close_time));
        assert_eq!(hours.iter().filter(|b| b.instrument == InstrumentId(1)).count(), 1);
        assert_eq!(hours.len(), 6);
        assert_eq!(hours[1].instrument, InstrumentId(1), "it comes out as soon as it is over");
    }
}
