//! One market: its rules, its book, and the prices made of it (mark, premium; SIMULATION, section 9).

use std::collections::{BTreeSet, VecDeque};

use crate::instrument::Instrument;
use crate::num::{Money, NumError, Price, Qty, RATE_UNIT, Rate, Rounding, UNIT, div_round};
use crate::order::Side;
use crate::row::Status;
use crate::time::Nanos;
use crate::venue::exchange::account::TokenId;
use crate::venue::exchange::book::QueueBook;
use crate::venue::funding::{hourly_rate, premium};

/// What is traded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A perpetual, on margin.
    Perpetual,
    /// A token for a token.
    Spot {
        /// What is bought and sold.
        base: TokenId,
        /// What it is paid with.
        quote: TokenId,
    },
}

/// A moving average over steps of equal length: each moves it by a share of the distance.
#[derive(Debug, Clone, Copy, Default)]
struct Moving(Option<i64>);

impl Moving {
    /// `1 − exp(−3 s / 150 s)` and `1 − exp(−3 s / 30 s)`, at 1e-12: a mark is made every 3 s.
    const OF_150_S: i64 = 19_801_326_693;
    const OF_30_S: i64 = 95_162_581_964;

    fn follow(&mut self, value: i64, share: i64) -> i64 {
        let moved = self.0.map_or(value, |before| {
            let distance = i128::from(value) - i128::from(before);
            let step = div_round(distance * i128::from(share), i128::from(RATE_UNIT), Rounding::HalfEven);
            before.saturating_add(i64::try_from(step).unwrap_or_default())
        });
        self.0 = Some(moved);
        moved
    }
}

/// What was traded in an hour.
#[derive(Debug, Clone, Copy)]
struct Hour {
    start: Nanos,
    /// The last price before it.
    before: Price,
    base: i128,
    notional: i128,
}

/// A market.
#[derive(Debug, Clone)]
pub struct Market {
    /// Its name and rules.
    pub rules: Instrument,
    /// What is traded.
    pub kind: Kind,
    /// Whether it is there yet, and what may be done.
    pub status: Status,
    /// Listed later than the start: not there before.
    pub is_listed: bool,
    /// The orders.
    pub book: QueueBook,
    /// Ids of orders that wait for the mark, oldest first.
    pub(super) waiting: BTreeSet<u64>,
    /// The price of the last print.
    pub last: Option<Price>,
    /// The price of the underlying elsewhere; that of the book where nobody tells.
    pub oracle: Option<Price>,
    /// The price at which positions are valued, from the first on.
    pub mark: Option<Price>,
    /// The newest sample of the premium; none where the book was too thin for one.
    pub premium: Option<Rate>,
    /// Average prices at which the impact notional would trade: bid and ask.
    pub impact: Option<(Price, Price)>,
    /// The rate of the last hour that was settled.
    pub funding_rate: Rate,
    /// From this worth of open interest on, none may be added; `None` for no cap.
    pub open_interest_cap: Option<Money>,
    basis: Moving,
    touch: Moving,
    samples: (i128, u32),
    day: VecDeque<Hour>,
}

impl Market {
    pub(super) fn new(rules: Instrument, kind: Kind) -> Self {
        Self {
            rules,
            kind,
            status: Status::Trading,
            is_listed: true,
            book: QueueBook::default(),
            waiting: BTreeSet::new(),
            last: None,
            oracle: None,
            mark: None,
            premium: None,
            impact: None,
            funding_rate: Rate::ZERO,
            open_interest_cap: None,
            basis: Moving::default(),
            touch: Moving::default(),
            samples: (0, 0),
            day: VecDeque::new(),
        }
    }

    /// Whether it is a perpetual.
    #[must_use]
    pub const fn is_perpetual(&self) -> bool {
        matches!(self.kind, Kind::Perpetual)
    }

    /// The mark, or the middle of the book, or the last price.
    #[must_use]
    pub fn reference(&self) -> Option<Price> {
        self.mark.or_else(|| self.book.mid()).or(self.last)
    }

    /// Makes a new mark: the median of the oracle moved by how far the book has been from it over the last 150 s, of the
    /// median of bid, offer and last price, and of the average of that over the last 30 s, in place of other venues.
    /// Without an oracle it is the median of the book alone; without a book, the one before.
    pub(super) fn make_mark(&mut self) {
        let Some((bid, ask)) = self.book.touch() else { return };
        let last = self.last.unwrap_or(bid);
        let touch = last.max(bid).min(ask).raw();
        let slow = self.touch.follow(touch, Moving::OF_30_S);
        let mark = self.oracle.map_or(touch, |oracle| {
            let basis = self.basis.follow(bid.raw().midpoint(ask.raw()) - oracle.raw(), Moving::OF_150_S);
            let mut three = [oracle.raw() + basis, touch, slow];
            three.sort_unstable();
            three[1]
        });
        if mark > 0 {
            self.mark = Some(Price::from_raw(mark));
        }
    }

    /// Samples the premium of the prices at which `impact` would trade over the oracle.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub(super) fn sample(&mut self) -> Result<(), NumError> {
        let notional =
            Money::from_raw(if matches!(self.rules.symbol.as_str(), "BTC" | "ETH") { 20_000 } else { 6_000 } * UNIT);
        let (bid, ask) = (self.book.impact_price(Side::Buy, notional)?, self.book.impact_price(Side::Sell, notional)?);
        self.impact = bid.zip(ask);
        self.premium = None;
        let oracle = self.oracle.or_else(|| self.reference());
        let (Some((bid, ask)), Some(oracle)) = (self.impact, oracle.filter(|oracle| oracle.is_positive())) else {
            return Ok(());
        };
        let sample = premium(bid, ask, oracle)?;
        self.premium = Some(sample);
        self.samples = (self.samples.0 + i128::from(sample.raw()), self.samples.1 + 1);
        Ok(())
    }

    /// The rate of the hour that ends, with the mean premium and of how many samples it was made; they are then forgotten.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub(super) fn close_hour(&mut self) -> Result<Option<(Rate, Rate, u32)>, NumError> {
        let (sum, count) = std::mem::take(&mut self.samples);
        if count == 0 {
            return Ok(None);
        }
        let mean = div_round(sum, i128::from(count), Rounding::HalfEven);
        let mean =
            i64::try_from(mean).map(Rate::from_raw).map_err(|_| NumError::Overflow { operation: "mean premium" })?;
        self.funding_rate = hourly_rate(mean)?;
        Ok(Some((self.funding_rate, mean, count)))
    }

    /// The rate that the hour would have if it ended now.
    #[must_use]
    pub fn predicted_rate(&self) -> Rate {
        let (sum, count) = self.samples;
        let mean = (count > 0).then(|| div_round(sum, i128::from(count), Rounding::HalfEven));
        let rate =
            mean.and_then(|mean| i64::try_from(mean).ok()).and_then(|mean| hourly_rate(Rate::from_raw(mean)).ok());
        rate.unwrap_or(self.funding_rate)
    }

    /// Counts a print.
    pub(super) fn count(&mut self, price: Price, quantity: Qty, now: Nanos) {
        let start = now.floor_to(Nanos::HOUR);
        if self.day.back().is_none_or(|hour| hour.start < start) {
            self.day.push_back(Hour { start, before: self.last.unwrap_or(price), base: 0, notional: 0 });
            while self.day.front().is_some_and(|hour| now.since(hour.start) >= Nanos::DAY) {
                self.day.pop_front();
            }
        }
        if let Some(hour) = self.day.back_mut() {
            hour.base += i128::from(quantity.raw());
            hour.notional += i128::from(price.raw()) * i128::from(quantity.raw()) / i128::from(UNIT);
        }
        self.last = Some(price);
    }

    /// What was traded within the last day: base units and their worth, in steps of 1e-8.
    #[must_use]
    pub fn day_volume(&self) -> (i128, i128) {
        self.day.iter().fold((0, 0), |(base, notional), hour| (base + hour.base, notional + hour.notional))
    }

    /// The price of a day ago, or the first since.
    #[must_use]
    pub fn day_ago(&self) -> Option<Price> {
        self.day.front().map(|hour| hour.before).or_else(|| self.reference())
    }
}
