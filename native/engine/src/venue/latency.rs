//! How long messages take between us and the venue (SIMULATION, section 4).

use serde::{Deserialize, Serialize};

use crate::num::{Rounding, div_round};
use crate::order::Cloid;
use crate::time::Nanos;

/// An order and its answers, as they were once measured. An exchange time of zero: lost in the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// When the request left us.
    pub request: Nanos,
    /// When the venue had it; not above zero if it never did.
    pub exchange: Nanos,
    /// When the answer reached us.
    pub response: Nanos,
}

/// How long one kind of message takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LatencyModel {
    /// Always the same.
    Constant {
        /// To the venue.
        entry: Nanos,
        /// Back.
        response: Nanos,
    },
    /// Between measured samples, in order of their requests.
    Table(Vec<Sample>),
    /// Multiples of what the last market data took: `entry = a·F + b`, `response = c·F + d`.
    Feed {
        /// Multiplies the feed latency on the way there.
        a: f64,
        /// Is added to it.
        b: Nanos,
        /// Multiplies the feed latency on the way back.
        c: f64,
        /// Is added to it.
        d: Nanos,
    },
}

/// The latency of all messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Of new orders, and of actions that have no model of their own.
    pub place: LatencyModel,
    /// Of changes.
    pub modify: Option<LatencyModel>,
    /// Of cancels.
    pub cancel: Option<LatencyModel>,
    /// Multiplies each latency by `exp(σ·z)`, `z` normal: its deviation σ, zero for none.
    pub jitter: f64,
    /// Messages may overtake each other; false: each connection keeps their order.
    pub is_independent: bool,
}

impl Default for Latency {
    fn default() -> Self {
        let half = Nanos::from_raw(500_000);
        Self::constant(half, half)
    }
}

/// What an action is, for the latency it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A new order.
    Place,
    /// A change of one.
    Modify,
    /// A cancel.
    Cancel,
}

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// It takes this long.
    Takes(Nanos),
    /// It never arrives, and we hear of that after this long.
    Lost(Nanos),
}

impl Latency {
    /// The same latency for everything.
    #[must_use]
    pub const fn constant(entry: Nanos, response: Nanos) -> Self {
        Self {
            place: LatencyModel::Constant { entry, response },
            modify: None,
            cancel: None,
            jitter: 0.0,
            is_independent: false,
        }
    }

    /// Whether no message takes any time.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        let is_zero =
            |m: &LatencyModel| matches!(m, LatencyModel::Constant { entry: Nanos::ZERO, response: Nanos::ZERO });
        is_zero(&self.place) && [&self.modify, &self.cancel].into_iter().flatten().all(is_zero)
    }

    /// Whether answers take as long as the market data of their time tell.
    #[must_use]
    pub const fn follows_feed(&self) -> bool {
        matches!(self.place, LatencyModel::Feed { .. })
    }

    fn model(&self, action: Action) -> &LatencyModel {
        let own = match action {
            Action::Place => None,
            Action::Modify => self.modify.as_ref(),
            Action::Cancel => self.cancel.as_ref(),
        };
        own.unwrap_or(&self.place)
    }

    /// How long an action that leaves us at `now` takes; `feed` is what the last market data took.
    #[must_use]
    pub fn entry(&self, action: Action, now: Nanos, feed: Nanos, seed: u64, cloid: Cloid) -> Entry {
        let draw = |latency: Nanos| self.jittered(latency, seed, cloid, action as u64);
        match self.model(action) {
            LatencyModel::Constant { entry, .. } => Entry::Takes(draw(*entry)),
            LatencyModel::Feed { a, b, .. } => Entry::Takes(draw(times(feed, *a).after(*b))),
            LatencyModel::Table(samples) => {
                let at = samples.partition_point(|s| s.request <= now);
                let pair = neighbours(samples, at);
                let Some((before, after)) = pair else { return Entry::Takes(Nanos::ZERO) };
                if before.exchange.raw() <= 0 || after.exchange.raw() <= 0 {
                    let [from, to] = [before, after].map(|s| (s.request, s.response.since(s.request)));
                    return Entry::Lost(between(now, from, to));
                }
                let [from, to] = [before, after].map(|s| (s.request, s.exchange.since(s.request)));
                Entry::Takes(draw(between(now, from, to)))
            }
        }
    }

    /// How long an answer that leaves the venue at `now` takes.
    #[must_use]
    pub fn response(&self, now: Nanos, feed: Nanos, seed: u64, cloid: Cloid) -> Nanos {
        let latency = match &self.place {
            LatencyModel::Constant { response, .. } => *response,
            LatencyModel::Feed { c, d, .. } => times(feed, *c).after(*d),
            LatencyModel::Table(samples) => {
                // Only what arrived was answered.
                let answered: Vec<Sample> = samples.iter().filter(|s| s.exchange.raw() > 0).copied().collect();
                let at = answered.partition_point(|s| s.exchange <= now);
                let Some((before, after)) = neighbours(&answered, at) else { return Nanos::ZERO };
                let [from, to] = [before, after].map(|s| (s.exchange, s.response.since(s.exchange)));
                between(now, from, to)
            }
        };
        self.jittered(latency, seed, cloid, 3_u64.wrapping_add(now.raw().cast_unsigned() << 2))
    }

    /// A draw that depends on the seed, the order and the kind of message alone: one order more changes no other's.
    fn jittered(&self, latency: Nanos, seed: u64, cloid: Cloid, salt: u64) -> Nanos {
        if self.jitter == 0.0 {
            return latency;
        }
        let mut state = mix(seed ^ mix(salt) ^ mix(cloid.sequence()));
        let mut uniform = || {
            state = mix(state.wrapping_add(0x9e37_79b9_7f4a_7c15));
            ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
        };
        // Box and Muller (1958).
        let (u, v) = (uniform(), uniform());
        let z = libm::sqrt(-2.0 * libm::log(u)) * libm::cos(std::f64::consts::TAU * v);
        times(latency, libm::exp(self.jitter * z))
    }
}

/// Steele, Lea and Flood (2014), the finaliser of SplitMix64.
const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and latencies are far below the end of time")]
fn times(length: Nanos, factor: f64) -> Nanos {
    Nanos::from_raw((length.raw() as f64 * factor).max(0.0) as i64)
}

/// The samples around a place: before the first and after the last, that one twice.
fn neighbours(samples: &[Sample], at: usize) -> Option<(Sample, Sample)> {
    let last = samples.len().checked_sub(1)?;
    let before = samples.get(at.saturating_sub(1).min(last))?;
    let after = samples.get(if at == 0 { 0 } else { at.min(last) })?;
    Some((*before, *after))
}

/// A straight line between two points, rounded down.
fn between(now: Nanos, (t0, l0): (Nanos, Nanos), (t1, l1): (Nanos, Nanos)) -> Nanos {
    let span = i128::from(t1.raw()) - i128::from(t0.raw());
    if span <= 0 || now <= t0 {
        return l0;
    }
    let rise = i128::from(l1.raw()) - i128::from(l0.raw());
    let passed = i128::from(now.raw()) - i128::from(t0.raw());
    let moved = div_round(rise * passed, span, Rounding::Floor);
    Nanos::from_raw(i64::try_from(i128::from(l0.raw()) + moved).unwrap_or(l0.raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case A8.
    fn table() -> Latency {
        let sample = |(request, exchange, response): (i64, i64, i64)| Sample {
            request: Nanos::from_raw(request),
            exchange: Nanos::from_raw(exchange),
            response: Nanos::from_raw(response),
        };
        let rows = [(1000, 1400, 1700), (2000, 2200, 2600), (3000, 0, 3900), (4000, 4500, 4800)];
        Latency { place: LatencyModel::Table(rows.map(sample).to_vec()), ..Latency::default() }
    }

    #[test]
    fn latency_lies_on_the_line_between_measured_samples() {
        for (time, expected) in [(500, 400), (1000, 400), (1250, 350), (1750, 250), (5000, 500)] {
            let entry = table().entry(Action::Place, Nanos::from_raw(time), Nanos::ZERO, 0, Cloid(1));
            assert_eq!(entry, Entry::Takes(Nanos::from_raw(expected)), "at {time}");
        }
    }

    #[test]
    fn what_is_lost_in_the_gateway_is_heard_of_after_the_time_of_an_answer() {
        let entry = table().entry(Action::Place, Nanos::from_raw(2500), Nanos::ZERO, 0, Cloid(1));
        assert_eq!(entry, Entry::Lost(Nanos::from_raw(750)));
    }

    #[test]
    fn answers_are_interpolated_over_what_arrived() {
        for (time, expected) in [(1000, 300), (1400, 300), (1800, 350), (2200, 400), (3350, 350), (9000, 300)] {
            assert_eq!(table().response(Nanos::from_raw(time), Nanos::ZERO, 0, Cloid(1)).raw(), expected, "at {time}");
        }
    }

    #[test]
    fn latency_follows_the_feed() {
        let model = LatencyModel::Feed { a: 4.0, b: Nanos::from_raw(7), c: 3.0, d: Nanos::ZERO };
        let latency = Latency { place: model, ..Latency::default() };
        let feed = Nanos::from_raw(100);
        assert_eq!(latency.entry(Action::Cancel, Nanos::ZERO, feed, 0, Cloid(1)), Entry::Takes(Nanos::from_raw(407)));
        assert_eq!(latency.response(Nanos::ZERO, feed, 0, Cloid(1)).raw(), 300);
    }

    #[test]
    fn jitter_is_a_matter_of_seed_and_order_alone_and_has_the_median_of_the_model() {
        let base = Nanos::from_raw(1_000_000);
        let latency = Latency { jitter: 0.3, ..Latency::constant(base, base) };
        let draw = |seed, id| match latency.entry(Action::Place, Nanos::ZERO, Nanos::ZERO, seed, Cloid(id)) {
            Entry::Takes(time) => time.raw(),
            Entry::Lost(_) => unreachable!(),
        };
        assert_eq!(draw(1, 5), draw(1, 5));
        assert_ne!(draw(1, 5), draw(2, 5));
        assert_ne!(draw(1, 5), draw(1, 6));
        let below = (0..10_000).filter(|id| draw(9, *id) < base.raw()).count();
        assert!((4_800..5_200).contains(&below), "{below} of 10,000 below the median");
    }
}
