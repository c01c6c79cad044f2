//! The length of a bar, told from the first rows of a file.

use std::collections::BTreeMap;

use crate::time::Nanos;

/// How many rows at the start of a file the length of its bars is told from.
pub const LOOK_AHEAD_ROWS: usize = 16_384;

/// Counts the steps between the rows of each symbol.
#[derive(Debug, Default)]
pub struct StepCounter {
    last: BTreeMap<Box<[u8]>, Nanos>,
    steps: BTreeMap<Nanos, u64>,
}

impl StepCounter {
    /// Takes the next row in.
    pub fn observe(&mut self, symbol: &[u8], time: Nanos) {
        match self.last.get_mut(symbol) {
            Some(last) => {
                let step = time.since(*last);
                *last = time;
                if step > Nanos::ZERO {
                    *self.steps.entry(step).or_insert(0) += 1;
                }
            }
            None => {
                self.last.insert(symbol.into(), time);
            }
        }
    }

    /// The commonest step; the shortest of equally common ones; `None` if no symbol has two times.
    #[must_use]
    pub fn commonest(&self) -> Option<Nanos> {
        let mut best: Option<(Nanos, u64)> = None;
        for (&step, &count) in &self.steps {
            if best.is_none_or(|(_, most)| count > most) {
                best = Some((step, count));
            }
        }
        best.map(|(step, _)| step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_step_wins_and_the_shortest_of_equals() {
        let mut counter = StepCounter::default();
        assert_eq!(counter.commonest(), None);
        for minute in [0, 1, 2, 7, 12] {
            counter.observe(b"BTC", Nanos::from_raw(minute * Nanos::MINUTE.raw()));
            counter.observe(b"ETH", Nanos::from_raw(minute * Nanos::MINUTE.raw()));
        }
        assert_eq!(counter.commonest(), Some(Nanos::MINUTE));
    }
}
