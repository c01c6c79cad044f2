//! One synthetic market: orders arrive, leave and trade, and rows tell of it.

use std::collections::VecDeque;

use crate::data::tick::synthetic::fifo::{Resting, SideQueues};
use crate::instrument::{Instrument, InstrumentId};
use crate::num::{Price, Qty, UNIT};
use crate::random::SplitMix64;
use crate::row::{Context, Flags, Row, RowKind, RowSide};
use crate::time::Nanos;

/// What a feed tells of its book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// The quantity of each level.
    #[default]
    Levels,
    /// Each order.
    Orders,
}

/// How synthetic markets behave.
#[derive(Debug, Clone)]
pub struct MarketOptions {
    /// What the feed tells.
    pub detail: Detail,
    /// When it starts.
    pub start: Nanos,
    /// Rows a second of each market, about.
    pub density: u32,
    /// Prices a side that the feed shows.
    pub depth: usize,
    /// The least time from the venue to us; a random part of the same mean comes on top.
    pub latency: Nanos,
}

impl Default for MarketOptions {
    fn default() -> Self {
        Self {
            detail: Detail::Levels,
            start: Nanos::from_raw(1_704_067_200_000_000_000), // 2024-01-01
            density: 1_000,
            depth: 40,
            latency: Nanos::from_raw(500_000),
        }
    }
}

const CONTEXT_EVERY: Nanos = Nanos::from_raw(3_000_000_000);
/// 0.0000125 an hour in 1e-12, the usual rate of the venue.
const RATE_USUAL: i64 = 12_500_000;
/// Orders that a level has on average.
const ORDERS_A_LEVEL: usize = 3;
/// The mean of the heat, which trades raise and which time takes away again.
const HEAT_MEAN: i64 = 1_900;
/// Rows that a thousand events make on average, as measured.
const fn rows_a_thousand_events(detail: Detail) -> i64 {
    match detail {
        Detail::Levels => 1_300,
        Detail::Orders => 1_300,
    }
}

/// The random numbers of a symbol.
fn random_of(symbol: &str, seed: u64) -> SplitMix64 {
    let mut random = SplitMix64::new(seed);
    let named = symbol.bytes().fold(random.next_u64(), |sum, byte| sum.rotate_left(8) ^ u64::from(byte));
    SplitMix64::new(named)
}

/// The largest lot, a power of ten times the least, that is worth at most so much quote money. A level holds something like
/// a hundred of them.
fn lot_of(price: Price, least: Qty, worth: i64) -> Qty {
    let lots = (0..=8).rev().map(|power| least.raw().saturating_mul(10_i64.pow(power)));
    let most = i128::from(worth) * i128::from(UNIT) * i128::from(UNIT);
    let is_small = |lot: &i64| i128::from(price.raw()) * i128::from(*lot) <= most;
    lots.into_iter().find(is_small).map_or(least, Qty::from_raw)
}

/// A market with two sides of resting orders, and the clock of its events.
#[derive(Debug)]
pub struct Market {
    random: SplitMix64,
    options: MarketOptions,
    instrument: InstrumentId,
    /// 1e-8 of a tick and of a lot.
    tick: i64,
    lot: i64,
    bids: SideQueues,
    asks: SideQueues,
    orders: u64,
    trades: u64,
    batches: u64,
    /// How lively trading is, in thousandths.
    heat: i64,
    /// By how many thousandths buyers are more eager than sellers.
    lean: i64,
    mean_wait: i64,
    /// The time of the event, and when it reaches us.
    now: Nanos,
    local: Nanos,
    next: Nanos,
    next_context: Nanos,
    has_started: bool,
    /// Levels that an event changed.
    touched: Vec<(RowSide, i64)>,
}

impl Market {
    /// The market of a symbol, somewhere. A seed and a symbol give the same rows for ever.
    #[must_use]
    pub fn new(instrument: InstrumentId, symbol: &str, seed: u64, options: &MarketOptions) -> Self {
        let mut random = random_of(symbol, seed);
        // Five significant figures, so prices are from 10,000 to 99,999 ticks, of 0.0001 to 10.
        let tick = 10_i64.pow(u32::try_from(4 + random.below(6)).unwrap_or(8));
        let middle = 20_000 + random.below(60_000);
        let lot = lot_of(Price::from_raw(tick * middle), Qty::from_raw(1), 1);
        Self::at(instrument, (Price::from_raw(tick), middle, lot), random, options)
    }

    /// The market of a symbol that starts at a price, by a rule for prices and with quantities in lots.
    #[must_use]
    pub fn starting(
        instrument: &Instrument,
        id: InstrumentId,
        price: Price,
        seed: u64,
        options: &MarketOptions,
    ) -> Self {
        let tick = instrument.tick.step_at(price);
        let middle = (price.raw() / tick.raw()).max(100);
        let lot = lot_of(price, instrument.lot_size, 100);
        Self::at(id, (tick, middle, lot), random_of(&instrument.symbol, seed), options)
    }

    fn at(
        instrument: InstrumentId,
        (tick, middle, lot): (Price, i64, Qty),
        random: SplitMix64,
        options: &MarketOptions,
    ) -> Self {
        let rows = rows_a_thousand_events(options.detail);
        let mut market = Self {
            random,
            options: options.clone(),
            instrument,
            tick: tick.raw().max(1),
            lot: lot.raw().max(1),
            bids: SideQueues::new(RowSide::Buy, middle - 1),
            asks: SideQueues::new(RowSide::Sell, middle + 1),
            orders: 0,
            trades: 0,
            batches: 0,
            heat: HEAT_MEAN,
            lean: 0,
            mean_wait: (1_000_000 * rows / i64::from(options.density.max(1))).max(2),
            now: options.start,
            local: Nanos::MIN,
            next: options.start,
            next_context: options.start.after(CONTEXT_EVERY),
            has_started: false,
            touched: Vec::new(),
        };
        for side in [RowSide::Buy, RowSide::Sell] {
            for distance in 0..market.options.depth {
                for _ in 0..=market.random.below(2 * i64::try_from(ORDERS_A_LEVEL).unwrap_or(1) - 1) {
                    let order = market.new_order();
                    let queues = market.queues(side);
                    queues.add(queues.price(distance), order);
                }
            }
        }
        market
    }

    /// When its next rows are due.
    #[must_use]
    pub fn next_time(&self) -> Nanos {
        self.next.min(self.next_context)
    }

    /// Appends the rows of the next event.
    pub fn step(&mut self, rows: &mut Vec<Row>) {
        if self.next_context < self.next {
            return self.context(rows);
        }
        let time = self.next;
        self.arrive_at(time);
        let start = rows.len();
        if self.has_started {
            self.event(rows);
        } else {
            self.has_started = true;
            self.snapshot(rows);
        }
        self.close_batch(start, rows);
        // Never twice at one time: a trade of the second event would have to precede the book of the first.
        let mean = (self.mean_wait * HEAT_MEAN / self.heat).max(1);
        self.next = time.after(Nanos::from_raw(self.random.exponential(mean).saturating_add(1)));
    }

    fn event(&mut self, rows: &mut Vec<Row>) {
        self.heat -= (self.heat - 1_000) / 64;
        let dice = self.random.below(1_000);
        let trades = (self.heat / 20).min(300);
        if dice < trades {
            return self.trade(rows);
        }
        let side = if self.random.below(2) == 0 { RowSide::Buy } else { RowSide::Sell };
        let full = self.options.depth * ORDERS_A_LEVEL;
        let count = self.queues(side).count;
        // The fuller a side, the more likely an order leaves it: half and half at its usual size.
        let leaves = usize::try_from(self.random.below(i64::try_from(full * 2).unwrap_or(2))).unwrap_or(0) < count;
        match () {
            () if count < 4 || !leaves => self.arrive(side, rows),
            () if self.random.below(4) == 0 => self.modify(side, rows),
            () => self.cancel(side, rows),
        }
    }

    fn arrive(&mut self, side: RowSide, rows: &mut Vec<Row>) {
        let depth = i64::try_from(self.options.depth).unwrap_or(1);
        let spread = self.asks.best - self.bids.best;
        let inside = spread > 1 && self.random.below(12) < spread - 1;
        let distance = if inside { -1 } else { self.random.below(depth).min(self.random.below(depth)) };
        let order = self.new_order();
        let queues = self.queues(side);
        let price = queues.best + queues.outwards() * distance;
        queues.add(price, order);
        self.tell(RowKind::OrderAdd, side, price, order, rows);
        self.forget_the_deepest(side, rows);
    }

    /// A feed of so many levels shows no more: what falls out of them is gone.
    fn forget_the_deepest(&mut self, side: RowSide, rows: &mut Vec<Row>) {
        let depth = self.options.depth;
        while self.queues(side).levels.len() > depth {
            let queues = self.queues(side);
            let distance = queues.levels.len() - 1;
            let price = queues.price(distance);
            let Some(order) = queues.levels.back().and_then(|level| level.orders.front().copied()) else {
                queues.trim(depth);
                continue;
            };
            queues.reduce(distance, 0, order.lots);
            self.tell(RowKind::OrderCancel, side, price, order, rows);
        }
    }

    /// An order at random; the nearer its level, the likelier. `None` where the level has none.
    fn some_order(&mut self, side: RowSide) -> Option<(usize, usize, Resting)> {
        let levels = i64::try_from(self.queues(side).levels.len()).unwrap_or(1);
        let distance = usize::try_from(self.random.below(levels).min(self.random.below(levels))).ok()?;
        let orders: &VecDeque<Resting> = &self.queues(side).levels.get(distance)?.orders;
        let count = i64::try_from(orders.len()).ok()?;
        let place = usize::try_from(self.random.below(count)).ok()?;
        let order = self.queues(side).levels.get(distance)?.orders.get(place).copied()?;
        Some((distance, place, order))
    }

    fn cancel(&mut self, side: RowSide, rows: &mut Vec<Row>) {
        let Some((distance, place, order)) = self.some_order(side) else { return self.arrive(side, rows) };
        // A fifth of them in part.
        let lots = if self.random.below(5) == 0 { (order.lots / 2).max(1) } else { order.lots };
        let queues = self.queues(side);
        let price = queues.price(distance);
        queues.reduce(distance, place, lots);
        queues.settle();
        self.tell(RowKind::OrderCancel, side, price, Resting { lots, ..order }, rows);
    }

    /// Half of the changes take a part away and keep their place; the others move to another price, to the back.
    fn modify(&mut self, side: RowSide, rows: &mut Vec<Row>) {
        let Some((distance, place, order)) = self.some_order(side) else { return self.arrive(side, rows) };
        let stays = order.lots > 1 && self.random.below(2) == 0;
        let depth = i64::try_from(self.options.depth).unwrap_or(1);
        let target = usize::try_from(self.random.below(depth)).unwrap_or(0);
        let queues = self.queues(side);
        let (old, new) = (queues.price(distance), queues.price(target));
        if stays {
            let lots = order.lots - order.lots / 2;
            queues.reduce(distance, place, order.lots / 2);
            return self.tell(RowKind::OrderModify, side, old, Resting { lots, ..order }, rows);
        }
        queues.reduce(distance, place, order.lots);
        queues.add(new, order);
        queues.settle();
        self.touched.push((side, old));
        self.tell(RowKind::OrderModify, side, new, order, rows);
        self.forget_the_deepest(side, rows);
    }

    /// Somebody takes what is best, and more if that is not enough.
    fn trade(&mut self, rows: &mut Vec<Row>) {
        self.lean = (self.lean - self.lean / 64 + self.random.bell(8)).clamp(-200, 200);
        let floor = i64::try_from(self.options.depth).unwrap_or(0) * 4;
        let buys = self.bids.best < floor || self.random.below(1_000) < 500 + self.lean;
        let (aggressor, side) = if buys { (RowSide::Buy, RowSide::Sell) } else { (RowSide::Sell, RowSide::Buy) };
        let mut left = 1 + self.random.exponential(60);
        let (time, local) = (self.now, self.local);
        let mut fills: Vec<(Resting, i64)> = Vec::new();
        // The last orders of a side are never taken: an empty book has no price.
        while left > 0 && self.queues(side).count > 4 {
            let (tick, lot, instrument) = (self.tick, self.lot, self.instrument);
            let queues = self.queues(side);
            let price = queues.best;
            let Some(order) = queues.levels.front().and_then(|level| level.orders.front().copied()) else { break };
            let taken = queues.reduce(0, 0, left);
            queues.settle();
            left -= taken;
            fills.push((Resting { lots: taken, ..order }, price));
            self.trades += 1;
            let mut print = Row::new(RowKind::Trade, instrument, time, local)
                .at(aggressor, Price::from_raw(price * tick), Qty::from_raw(taken * lot))
                .of(self.trades);
            print.sequence = self.trades;
            rows.push(print);
        }
        for (order, price) in fills {
            self.tell(RowKind::OrderFill, side, price, order, rows);
        }
        self.heat = (self.heat + 150).min(8_000);
    }

    /// Tells of an order: at once in a feed of orders, with the level at the end of the event in one of levels.
    fn tell(&mut self, kind: RowKind, side: RowSide, price: i64, order: Resting, rows: &mut Vec<Row>) {
        match self.options.detail {
            Detail::Levels => self.touched.push((side, price)),
            Detail::Orders => {
                let row = Row::new(kind, self.instrument, self.now, self.local);
                rows.push(row.at(side, self.price(price), Qty::from_raw(order.lots * self.lot)).of(order.id));
            }
        }
    }

    /// Adds the levels that changed, and marks the end and the number of the batch.
    fn close_batch(&mut self, start: usize, rows: &mut Vec<Row>) {
        let mut touched = std::mem::take(&mut self.touched);
        if self.options.detail == Detail::Levels {
            touched.sort_unstable_by_key(|(side, price)| (*side as u8, *price));
            touched.dedup();
            for (side, price) in &touched {
                let lots = self.queues(*side).lots_at(*price);
                let row = Row::new(RowKind::BookDelta, self.instrument, self.now, self.local);
                rows.push(row.at(*side, self.price(*price), Qty::from_raw(lots * self.lot)));
            }
        }
        touched.clear();
        self.touched = touched;
        let new = rows.get_mut(start..).unwrap_or_default();
        // A market order that found nobody leaves no trace.
        let Some(last) = new.last_mut() else { return };
        last.flags = last.flags.with(Flags::LAST);
        self.batches += 1;
        for row in new.iter_mut().filter(|row| row.kind != RowKind::Trade) {
            row.sequence = self.batches;
        }
    }

    fn snapshot(&mut self, rows: &mut Vec<Row>) {
        let (time, local) = (self.now, self.local);
        let start = rows.len();
        for queues in [&self.bids, &self.asks] {
            for (distance, level) in queues.levels.iter().enumerate() {
                let price = self.price(queues.price(distance));
                let row = |kind, lots: i64| {
                    let row = Row::new(kind, self.instrument, time, local);
                    row.at(queues.side, price, Qty::from_raw(lots * self.lot))
                };
                match self.options.detail {
                    Detail::Levels => rows.push(row(RowKind::BookSnapshot, level.lots)),
                    Detail::Orders => {
                        rows.extend(level.orders.iter().map(|o| row(RowKind::OrderAdd, o.lots).of(o.id)));
                    }
                }
            }
        }
        if let Some(first) = rows.get_mut(start) {
            first.flags = first.flags.with(Flags::FIRST);
        }
    }

    /// The venue's prices, and on the hour a funding rate.
    fn context(&mut self, rows: &mut Vec<Row>) {
        let time = self.next_context;
        self.next_context = time.after(CONTEXT_EVERY);
        self.arrive_at(time);
        let local = self.local;
        let (bid, ask) = (self.price(self.bids.best).raw(), self.price(self.asks.best).raw());
        let mark = i64::midpoint(bid, ask);
        let oracle = mark + self.random.bell((mark / 20_000).max(1));
        let context = Context {
            mark: Price::from_raw(mark),
            oracle: Price::from_raw(oracle),
            impact_bid: Price::from_raw(bid - self.tick),
            impact_ask: Price::from_raw(ask + self.tick),
        };
        rows.push(Row::new(RowKind::Context, self.instrument, time, local).with_context(context));
        if time == time.floor_to(Nanos::HOUR) {
            let mut funding = Row::new(RowKind::Funding, self.instrument, time, local);
            funding.price = context.oracle;
            funding.aux = RATE_USUAL + self.random.bell(RATE_USUAL / 2);
            rows.push(funding);
        }
    }

    /// Sets the time of an event, and when it reaches us: never before what was sent earlier.
    fn arrive_at(&mut self, time: Nanos) {
        self.now = time;
        let least = self.options.latency;
        let arrival = time.after(least).after(Nanos::from_raw(self.random.exponential(least.raw())));
        self.local = self.local.max(arrival);
    }

    fn new_order(&mut self) -> Resting {
        self.orders += 1;
        Resting { id: self.orders, lots: 1 + self.random.exponential(40) }
    }

    const fn price(&self, ticks: i64) -> Price {
        Price::from_raw(ticks * self.tick)
    }

    const fn queues(&mut self, side: RowSide) -> &mut SideQueues {
        if matches!(side, RowSide::Buy) { &mut self.bids } else { &mut self.asks }
    }
}
