//! What a run leaves behind: fills, orders, round trips, equity, prices, statistics, and a digest of it all.

use std::collections::BTreeMap;

use crate::account::{Average, RoundTrip, RoundTrips};
use crate::event::{AccountEvent, Command};
use crate::instrument::InstrumentId;
use crate::metrics::{Performance, PerformanceMetrics};
use crate::num::{Money, NumError, Price, Qty};
use crate::order::{Cloid, FillEvent, OrderEvent, OrderStatus, OrderUpdate, Reason};
use crate::time::Nanos;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Fills, orders, round trips, equity and prices.
    Full,
    /// Statistics and the digest only, in memory that does not grow.
    Metrics,
}

/// Points that a curve keeps at most; then every other one is dropped and the stride doubles.
const EQUITY_POINTS: usize = 1 << 21;
const PRICE_POINTS: usize = 1 << 15;

/// A curve over time, thinned evenly when it grows too long. The first and the last point are always kept.
#[derive(Debug, Clone)]
pub struct Curve {
    points: Vec<(Nanos, i64)>,
    last: Option<(Nanos, i64)>,
    stride: usize,
    skipped: usize,
    limit: usize,
}

impl Curve {
    const fn new(limit: usize) -> Self {
        Self { points: Vec::new(), last: None, stride: 1, skipped: 0, limit }
    }

    #[inline]
    fn push(&mut self, time: Nanos, value: i64) {
        if self.skipped + 1 < self.stride {
            self.skipped += 1;
            self.last = Some((time, value));
            return;
        }
        if self.points.len() >= self.limit {
            let mut index = 0;
            self.points.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.stride *= 2;
        }
        self.skipped = 0;
        self.last = None;
        self.points.push((time, value));
    }

    /// All points kept, the last one of the run among them.
    pub fn points(&self) -> impl Iterator<Item = (Nanos, i64)> + '_ {
        self.points.iter().chain(self.last.as_ref()).copied()
    }

    /// One in how many points was kept.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.stride
    }
}

/// The life of an order in one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRow {
    /// As it was sent, or would have been.
    pub event: OrderEvent,
    /// The venue's id, 0 for none.
    pub oid: u64,
    /// The last word on it; `None` if there was none.
    pub status: Option<OrderStatus>,
    /// When that was.
    pub updated: Nanos,
    /// When the venue first answered; `None` if it did not.
    pub arrived: Option<Nanos>,
    /// When it began to rest.
    pub rested: Option<Nanos>,
    /// When we first heard of it.
    pub heard: Option<Nanos>,
    /// How much was filled.
    pub filled: Qty,
    /// At what average price.
    pub average: Average,
}

impl OrderRow {
    /// The average price of what was filled.
    #[must_use]
    pub fn average_price(&self) -> Option<Price> {
        self.average.price()
    }
}

/// A hash over fills and equity, in order.
#[derive(Debug, Clone)]
struct Digest {
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

impl Digest {
    /// Hashing in large pieces lets the hash use wide instructions.
    const PIECE: usize = 64 << 10;

    fn new() -> Self {
        Self { hasher: blake3::Hasher::new(), buffer: Vec::with_capacity(Self::PIECE + 128) }
    }

    #[inline]
    fn put<const N: usize>(&mut self, words: [i64; N]) {
        self.buffer.extend_from_slice(words.map(i64::to_le_bytes).as_flattened());
        if let Some(piece) = self.buffer.get(..Self::PIECE) {
            // Whole pieces only: what begins in the middle of a block of the hash is hashed block by block.
            self.hasher.update(piece);
            self.buffer.drain(..Self::PIECE);
        }
    }

    #[inline]
    fn equity(&mut self, time: Nanos, equity: Money) {
        self.put([time.raw(), equity.raw()]);
    }

    fn fill(&mut self, fill: &FillEvent) {
        // A marker that no time can be keeps rows of fills and of equity apart.
        let instrument = i64::from(fill.instrument.0);
        let liquidity = fill.liquidity as i64;
        self.put([i64::MIN, fill.time.raw(), instrument, fill.side.sign(), fill.price.raw()]);
        self.put([fill.quantity.raw(), fill.fee.raw(), liquidity]);
    }

    fn finish(mut self) -> String {
        self.hasher.update(&self.buffer);
        self.hasher.finalize().to_hex().to_string()
    }
}

/// Writes down what happens in a run.
#[derive(Debug, Clone)]
pub struct Recorder {
    detail: Detail,
    performance: Performance,
    digest: Digest,
    round_trips: RoundTrips,
    live: BTreeMap<Cloid, OrderRow>,
    fills: Vec<FillEvent>,
    orders: Vec<OrderRow>,
    trades: Vec<RoundTrip>,
    equity: Curve,
    prices: Vec<Curve>,
}

/// What a run left behind.
#[derive(Debug, Clone)]
pub struct Records {
    /// Statistics.
    pub metrics: PerformanceMetrics,
    /// Hash over fills and equity, in order, as hex.
    pub digest: String,
    /// Every fill.
    pub fills: Vec<FillEvent>,
    /// Every order, by id.
    pub orders: Vec<OrderRow>,
    /// Every finished round trip.
    pub trades: Vec<RoundTrip>,
    /// Equity over time.
    pub equity: Curve,
    /// Closes over time, per instrument.
    pub prices: Vec<Curve>,
}

impl Recorder {
    /// For a run from `start` with `initial` equity.
    #[must_use]
    pub fn new(detail: Detail, start: Nanos, initial: Money, instruments: usize) -> Self {
        let mut recorder = Self {
            detail,
            performance: Performance::new(start, initial),
            digest: Digest::new(),
            round_trips: RoundTrips::new(instruments),
            live: BTreeMap::new(),
            fills: Vec::new(),
            orders: Vec::new(),
            trades: Vec::new(),
            equity: Curve::new(EQUITY_POINTS),
            prices: vec![Curve::new(PRICE_POINTS); instruments],
        };
        if detail == Detail::Full {
            // Room for all that it may hold: the system gives pages as they are written, and nothing is moved as it grows.
            recorder.equity.points.reserve_exact(EQUITY_POINTS);
            recorder.equity.push(start, initial.raw());
        }
        recorder
    }

    /// A command went out.
    pub fn on_command(&mut self, command: &Command) {
        let (order, status) = match command {
            Command::Submit(order) => (order, None),
            Command::Refuse(order) => (order, Some(OrderStatus::Rejected(Reason::Risk))),
            Command::Withhold(order) => (order, Some(OrderStatus::Rejected(Reason::NotTrading))),
            Command::Modify { cloid, price, quantity, .. } => {
                if let Some(row) = self.live.get_mut(cloid) {
                    row.modified(*price, *quantity);
                }
                return;
            }
            _ => return,
        };
        self.performance.on_order();
        let (event, updated) = (order.clone(), order.time);
        let (filled, average) = (Qty::ZERO, Average::default());
        let (arrived, rested, heard) = (None, None, None);
        let row = OrderRow { event, oid: 0, status, updated, arrived, rested, heard, filled, average };
        match status {
            None => {
                self.live.insert(order.cloid, row);
            }
            Some(_) if self.detail == Detail::Full => self.orders.push(row),
            Some(_) => {}
        }
    }

    /// The venue's word on an order.
    pub fn on_update(&mut self, update: &OrderUpdate) {
        let Some(row) = self.live.get_mut(&update.cloid) else { return };
        if matches!(update.status, OrderStatus::ActionRejected(_)) {
            return;
        }
        row.status = Some(update.status);
        row.updated = update.time;
        row.arrived.get_or_insert(update.time);
        row.heard.get_or_insert(update.local_time);
        if update.status == OrderStatus::Resting {
            row.rested = Some(update.time);
        }
        if update.oid != 0 {
            row.oid = update.oid;
        }
        if update.status.is_final()
            && let Some(row) = self.live.remove(&update.cloid).filter(|_| self.detail == Detail::Full)
        {
            self.orders.push(row);
        }
    }

    /// An execution of ours.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn on_fill(&mut self, fill: &FillEvent) -> Result<(), NumError> {
        self.digest.fill(fill);
        let mut slippage = Money::ZERO;
        if let Some(row) = self.live.get_mut(&fill.cloid) {
            row.filled = row.filled.add(fill.quantity)?;
            row.average.add(fill.price, fill.quantity)?;
            let worse = fill.price.sub(row.event.decision_price)?;
            slippage = worse.notional(fill.side.signed(fill.quantity))?;
        }
        self.performance.on_fill(fill, slippage)?;
        if let Some(trip) = self.round_trips.on_fill(fill)? {
            self.performance.on_round_trip(&trip)?;
            if self.detail == Detail::Full {
                self.trades.push(trip);
            }
        }
        if self.detail == Detail::Full {
            self.fills.push(fill.clone());
        }
        Ok(())
    }

    /// Money that moved without a fill.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn on_account(&mut self, event: &AccountEvent) -> Result<(), NumError> {
        self.performance.on_account(event)?;
        self.round_trips.on_account(event)
    }

    /// Whether there is any position from `time` on.
    pub fn on_exposure(&mut self, time: Nanos, is_exposed: bool) {
        self.performance.on_exposure(time, is_exposed);
    }

    /// A close, for the price curve.
    #[inline]
    pub fn on_price(&mut self, instrument: InstrumentId, time: Nanos, price: Price) {
        if self.detail == Detail::Full
            && let Some(curve) = self.prices.get_mut(instrument.index())
        {
            curve.push(time, price.raw());
        }
    }

    /// Equity and gross notional after all that happened at `time`.
    #[inline]
    pub fn on_equity(&mut self, time: Nanos, equity: Money, gross: Money) {
        self.performance.on_equity(time, equity, gross);
        self.digest.equity(time, equity);
        if self.detail == Detail::Full {
            self.equity.push(time, equity.raw());
        }
    }

    /// Closes the books at `end`.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn finish(mut self, end: Nanos) -> Result<Records, NumError> {
        if self.detail == Detail::Full {
            self.orders.extend(self.live.into_values());
            self.orders.sort_by_key(|row| row.event.cloid);
        }
        Ok(Records {
            metrics: self.performance.finish(end)?,
            digest: self.digest.finish(),
            fills: self.fills,
            orders: self.orders,
            trades: self.trades,
            equity: self.equity,
            prices: self.prices,
        })
    }
}

impl OrderRow {
    /// Takes in another price and remaining quantity, as the venue will see them.
    fn modified(&mut self, price: Price, quantity: Qty) {
        use crate::order::OrderKind;
        if let OrderKind::Limit { price: limit } = &mut self.event.kind {
            *limit = price;
        }
        self.event.quantity = Qty::from_raw(self.filled.raw().saturating_add(quantity.raw()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_that_moves_without_a_fill_is_counted_by_its_kind() {
        let mut recorder = Recorder::new(Detail::Metrics, Nanos::ZERO, Money::ONE, 1);
        let (time, instrument) = (Nanos::ZERO, InstrumentId(0));
        let (rate, oracle) = (crate::num::Rate::ZERO, Price::ONE);
        for payment in [5, -2, 1] {
            let payment = Money::from_raw(payment);
            recorder.on_account(&AccountEvent::Funding { time, instrument, rate, oracle, payment }).unwrap();
        }
        let fee = Money::from_raw(7);
        recorder.on_account(&AccountEvent::BuilderFee { time, instrument, fee }).unwrap();
        let metrics = recorder.finish(Nanos::HOUR).unwrap().metrics;
        assert_eq!((metrics.funding_paid.raw(), metrics.funding_received.raw()), (6, 2));
        assert_eq!((metrics.fees_builder.raw(), metrics.fees().unwrap().raw()), (7, 7));
        assert_eq!(metrics.funding().unwrap().raw(), -4);
    }

    #[test]
    fn a_long_curve_is_thinned_evenly_and_keeps_its_ends() {
        let mut curve = Curve::new(8);
        for i in 0..100 {
            curve.push(Nanos::from_raw(i), i);
        }
        let times: Vec<i64> = curve.points().map(|(t, _)| t.raw()).collect();
        assert!(times.len() <= 9, "{times:?}");
        assert_eq!((times.first(), times.last()), (Some(&0), Some(&99)));
        let inner = &times[..times.len() - 1];
        assert!(inner.windows(2).all(|w| w[1] - w[0] == i64::try_from(curve.stride()).unwrap()), "{times:?}");
    }
}
