//! The market of one instrument as rows tell it: book, last trade, context, state.

use serde::{Deserialize, Serialize};

use crate::book::{Ladder, LevelBook, OrderBook, OrderChange};
use crate::num::{Price, Qty};
use crate::order::Side;
use crate::row::{Context, Flags, Row, RowKind, RowSide, Status};

/// What drives the book of an instrument. Never two sources at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookKind {
    /// Best bid and offer only.
    Quote,
    /// Levels: snapshots and deltas.
    #[default]
    L2,
    /// Single orders.
    L3,
}

impl BookKind {
    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Quote, Self::L2, Self::L3].into_iter().find(|kind| kind.as_str() == name)
    }
    /// `quote`, `l2` or `l3`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quote => "quote",
            Self::L2 => "l2",
            Self::L3 => "l3",
        }
    }
}

/// Hears what a row does to a book while it is applied.
pub trait Observer {
    /// A level was told again: it held `before`, and holds `after` from now on.
    fn on_level(&mut self, side: Side, price: Price, before: Qty, after: Qty);
    /// An order of a book of orders changed.
    fn on_order(&mut self, change: &OrderChange);
    /// A side was emptied, and will be told anew.
    fn on_clear(&mut self, side: Side);
}

/// Nobody listens.
impl Observer for () {
    #[inline(always)]
    fn on_level(&mut self, _: Side, _: Price, _: Qty, _: Qty) {}
    #[inline(always)]
    fn on_order(&mut self, _: &OrderChange) {}
    #[inline(always)]
    fn on_clear(&mut self, _: Side) {}
}

/// The worst visible price of each side; `None` where all prices are.
#[derive(Debug, Clone, Copy, Default)]
struct Reach {
    bids: Option<Price>,
    asks: Option<Price>,
}

impl Reach {
    const fn of(self, side: Side) -> Option<Price> {
        match side {
            Side::Buy => self.bids,
            Side::Sell => self.asks,
        }
    }
    const fn set(&mut self, side: Side, worst: Option<Price>) {
        match side {
            Side::Buy => self.bids = worst,
            Side::Sell => self.asks = worst,
        }
    }
}

/// With fewer books than this, all of them stay in the processor's nearest cache.
const MANY: usize = 8;
/// How many rows ahead a book is fetched, and then its level.
const AHEAD: [usize; 2] = [16, 8];

/// Hints to the processor which of many books come next in a stretch of rows: fetching one takes longer than changing it.
#[inline(always)]
pub fn prefetch<'a, B: 'a>(books: &'a [B], rows: &[Row], at: usize, book: impl Fn(&'a B) -> &'a MarketBook) {
    if books.len() < MANY {
        return;
    }
    let [far, near] = AHEAD;
    let ladder = |row: &Row| books.get(row.instrument.index()).map(|b| book(b).side_of(row));
    if let Some(row) = rows.get(at + far)
        && let Some(ladder) = ladder(row)
    {
        ladder.prefetch();
    }
    if let Some(row) = rows.get(at + near)
        && let Some(ladder) = ladder(row)
    {
        ladder.prefetch_level(row.price);
    }
}

/// Book, last trade, context and state of one instrument. What every row touches comes first, in memory too.
#[derive(Debug, Clone)]
#[repr(C)]
pub struct MarketBook {
    kind: BookKind,
    /// What may be done.
    pub status: Status,
    /// The worst price that the last snapshot showed, a side, where only snapshots tell of the book.
    reach: Reach,
    /// The levels; of a book of orders, their sums.
    pub levels: LevelBook,
    /// The orders, where the data tell of them.
    pub orders: OrderBook,
    /// The price of the last print.
    pub last_trade: Option<Price>,
    /// The venue's context, once there is one.
    pub context: Option<Context>,
    /// How often the book was crossed at the end of a batch.
    pub crossed: u64,
    /// The levels of a snapshot that is being told.
    snapshot: Vec<(RowSide, Price, Qty)>,
}

impl MarketBook {
    /// An empty market whose book is driven by rows of one kind.
    #[must_use]
    pub fn new(kind: BookKind) -> Self {
        Self {
            kind,
            levels: LevelBook::new(),
            orders: OrderBook::default(),
            last_trade: None,
            context: None,
            status: Status::Trading,
            crossed: 0,
            snapshot: Vec::new(),
            reach: Reach::default(),
        }
    }

    /// What drives the book.
    #[must_use]
    pub const fn kind(&self) -> BookKind {
        self.kind
    }

    /// Whether the data tell what stands at a price: not so behind the last level that is visible.
    #[must_use]
    pub fn is_visible(&self, side: Side, price: Price) -> bool {
        let worst = match self.kind {
            BookKind::Quote => self.levels.side(side).best(),
            BookKind::L2 => self.reach.of(side),
            BookKind::L3 => None,
        };
        worst.is_none_or(|worst| match side {
            Side::Buy => price >= worst,
            Side::Sell => price <= worst,
        })
    }

    /// The price at which positions are valued: the venue's mark, else the median of best bid, best offer and last trade.
    #[must_use]
    pub fn mark(&self) -> Option<Price> {
        if let Some(context) = self.context {
            return Some(context.mark);
        }
        match (self.levels.best(), self.last_trade) {
            (Some((bid, ask)), Some(last)) => Some(last.max(bid.min(ask)).min(ask.max(bid))),
            (Some(_), None) => self.levels.mid(),
            (None, last) => last,
        }
    }

    /// The side of the book that a row changes or, if it is a print, uses up.
    #[inline(always)]
    fn side_of(&self, row: &Row) -> &Ladder {
        let is_ask = (row.side == RowSide::Sell) != (row.kind == RowKind::Trade);
        self.levels.side(if is_ask { Side::Sell } else { Side::Buy })
    }

    /// Takes a row in.
    #[inline(always)]
    pub fn apply(&mut self, row: &Row, observer: &mut impl Observer) {
        if row.kind == RowKind::BookDelta && self.kind == BookKind::L2 {
            let Some(side) = row.side.side() else { return };
            let before = self.levels.side_mut(side).set(row.price, row.quantity);
            self.reach = Reach::default();
            observer.on_level(side, row.price, before, row.quantity);
        } else {
            self.apply_other(row, observer);
        }
    }

    #[inline(never)]
    fn apply_other(&mut self, row: &Row, observer: &mut impl Observer) {
        if row.flags.has(Flags::HISTORY) {
            return;
        }
        match (row.kind, self.kind) {
            (RowKind::Trade, _) => self.last_trade = Some(row.price),
            (RowKind::BookSnapshot, BookKind::L2) => self.snapshot(row, observer),
            (RowKind::BookClear, BookKind::L2 | BookKind::L3) => {
                for side in [Side::Buy, Side::Sell].into_iter().filter(|s| row.side.side().is_none_or(|r| r == *s)) {
                    self.levels.side_mut(side).clear();
                    self.orders.clear(Some(side));
                    observer.on_clear(side);
                }
            }
            (RowKind::Quote, BookKind::Quote) => {
                if let Some(side) = row.side.side() {
                    self.quote(side, row.price, row.quantity, observer);
                }
            }
            (RowKind::OrderAdd | RowKind::OrderCancel | RowKind::OrderModify | RowKind::OrderFill, BookKind::L3) => {
                if let Some(change) = self.orders.apply(&mut self.levels, row) {
                    observer.on_order(&change);
                }
            }
            (RowKind::Context, _) => self.context = Some(row.context()),
            (RowKind::Status, _) => self.status = Status::from_code(row.aux).unwrap_or(self.status),
            _ => {}
        }
    }

    /// A quote replaces what was known of its side.
    fn quote(&mut self, side: Side, price: Price, quantity: Qty, observer: &mut impl Observer) {
        let before = self.levels.side(side).best_level();
        if let Some((old, was)) = before.filter(|(old, _)| *old != price) {
            self.levels.side_mut(side).clear();
            let is_passed = quantity.is_zero()
                || match side {
                    Side::Buy => price < old,
                    Side::Sell => price > old,
                };
            // A better price hides the old level, a worse one says that it is gone.
            if is_passed {
                observer.on_level(side, old, was, Qty::ZERO);
            } else {
                observer.on_clear(side);
            }
        }
        // A side without orders is told by a quote without quantity.
        if !quantity.is_zero() {
            let before = self.levels.side_mut(side).set(price, quantity);
            observer.on_level(side, price, before, quantity);
        }
    }

    /// A snapshot is applied as the difference to what is known, once its last level was told.
    fn snapshot(&mut self, row: &Row, observer: &mut impl Observer) {
        if row.flags.has(Flags::FIRST) {
            self.snapshot.clear();
        }
        // A side without levels is told by a row without quantity, or not at all.
        self.snapshot.push((row.side, row.price, row.quantity));
        if !row.flags.has(Flags::LAST) {
            return;
        }
        let mut told = std::mem::take(&mut self.snapshot);
        for side in [Side::Buy, Side::Sell] {
            let of_side = |(s, _, quantity): &&(RowSide, Price, Qty)| s.side() == Some(side) && quantity.is_positive();
            let prices = told.iter().filter(of_side).map(|(_, price, _)| *price);
            let worst = match side {
                Side::Buy => prices.min(),
                Side::Sell => prices.max(),
            };
            self.forget_unnamed(side, worst, &told, observer);
            for (_, price, quantity) in told.iter().filter(of_side) {
                let before = self.levels.side_mut(side).set(*price, *quantity);
                observer.on_level(side, *price, before, *quantity);
            }
            self.reach.set(side, worst);
        }
        told.clear();
        self.snapshot = told;
    }

    /// Levels inside the span of a snapshot that it does not name are gone; all of them, if it names none.
    fn forget_unnamed(
        &mut self,
        side: Side,
        worst: Option<Price>,
        told: &[(RowSide, Price, Qty)],
        observer: &mut impl Observer,
    ) {
        let is_inside = |price: Price| {
            worst.is_none_or(|worst| match side {
                Side::Buy => price >= worst,
                Side::Sell => price <= worst,
            })
        };
        let is_better = |a: Price, b: Price| match side {
            Side::Buy => a > b,
            Side::Sell => a < b,
        };
        let of_side = |(s, _, quantity): &&(RowSide, Price, Qty)| s.side() == Some(side) && quantity.is_positive();
        let named = || told.iter().filter(of_side).map(|(_, price, _)| *price);
        let held = self.levels.side(side).iter().take_while(|(price, _)| is_inside(*price));
        // Both are told best first, so that one look at each does.
        let gone: Vec<(Price, Qty)> = if named().is_sorted_by(|a, b| !is_better(*b, *a)) {
            let mut next = named().peekable();
            held.filter(|(price, _)| {
                while next.next_if(|named| is_better(*named, *price)).is_some() {}
                next.peek() != Some(price)
            })
            .collect()
        } else {
            let mut sorted: Vec<Price> = named().collect();
            sorted.sort_unstable();
            held.filter(|(price, _)| sorted.binary_search(price).is_err()).collect()
        };
        for (price, before) in gone {
            self.levels.side_mut(side).set(price, Qty::ZERO);
            observer.on_level(side, price, before, Qty::ZERO);
        }
    }
}
