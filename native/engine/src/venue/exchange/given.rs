//! A market that is given: recorded or made up. Its book becomes orders of makers, its prints orders of takers, and
//! customers trade with both.

use crate::book::{BookKind, MarketBook, Observer, OrderChange};
use crate::instrument::InstrumentId;
use crate::num::{NumError, Price, Qty, Rate};
use crate::order::{Side, TimeInForce};
use crate::row::{Flags, Row, RowKind, Status};
use crate::venue::exchange::machine::Exchange;
use crate::venue::exchange::matching::{Cause, is_beyond};
use crate::venue::exchange::news::News;
use crate::venue::exchange::order::{Link, NewOrder, Order, OrderState, Party};

/// Books as they are told, and which of their levels the exchange has not heard of yet.
#[derive(Debug)]
pub struct GivenMarkets {
    markets: Vec<Given>,
}

#[derive(Debug)]
struct Given {
    book: MarketBook,
    /// Levels that changed since the last batch ended, here or by a print at the exchange.
    touched: Vec<(Side, Price)>,
}

/// Notes which levels a row changes.
struct Touched<'a> {
    levels: &'a mut Vec<(Side, Price)>,
    is_cleared: bool,
}

impl Observer for Touched<'_> {
    fn on_level(&mut self, side: Side, price: Price, before: Qty, after: Qty) {
        if before != after {
            self.levels.push((side, price));
        }
    }
    fn on_order(&mut self, change: &OrderChange) {
        self.levels.push((change.side, change.price));
        self.levels.extend(change.joined.map(|(price, _)| (change.side, price)));
    }
    fn on_clear(&mut self, _: Side) {
        self.is_cleared = true;
    }
}

impl GivenMarkets {
    /// Of the instruments of an exchange, driven by rows of these kinds.
    #[must_use]
    pub fn new(kinds: &[BookKind]) -> Self {
        let given = |kind: &BookKind| Given { book: MarketBook::new(*kind), touched: Vec::new() };
        Self { markets: kinds.iter().map(given).collect() }
    }

    /// Takes a row in. Time must have been advanced to it.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn on_row(&mut self, exchange: &mut Exchange, row: &Row) -> Result<(), NumError> {
        let Some(Given { book, touched }) = self.markets.get_mut(row.instrument.index()) else { return Ok(()) };
        if row.flags.has(Flags::HISTORY) {
            return Ok(());
        }
        if exchange.market(row.instrument).is_none_or(|market| market.status == Status::Delisted) {
            return Ok(());
        }
        let mut observer = Touched { levels: touched, is_cleared: false };
        book.apply(row, &mut observer);
        let is_cleared = observer.is_cleared;
        match row.kind {
            RowKind::Trade => {
                // The book's rows that follow tell what the print has left; levels that they do not name are as they were.
                if let Some(side) = row.side.side() {
                    let met = exchange.made_levels(row.instrument, side.opposite());
                    let met = met.take_while(|price| !is_beyond(side, *price, row.price));
                    touched.extend(met.map(|price| (side.opposite(), price)));
                    exchange.given_print(row.instrument, side, row.price, row.quantity)?;
                }
                return Ok(());
            }
            RowKind::Context => {
                if let Some(market) = exchange.market_mut(row.instrument) {
                    market.oracle = Some(row.context().oracle).filter(|oracle| oracle.is_positive()).or(market.oracle);
                }
                return Ok(());
            }
            RowKind::Status => {
                if let (Some(market), Some(status)) = (exchange.market_mut(row.instrument), Status::from_code(row.aux))
                {
                    market.status = status;
                }
                return Ok(());
            }
            RowKind::Funding => return Ok(()),
            _ => {}
        }
        if is_cleared {
            for side in [Side::Buy, Side::Sell] {
                touched.extend(exchange.made_levels(row.instrument, side).map(|price| (side, price)));
            }
        }
        if !row.flags.has(Flags::LAST) {
            return Ok(());
        }
        touched.sort_unstable_by_key(|(side, price)| (side.sign(), *price));
        touched.dedup();
        let wanted = |(side, price): (Side, Price)| (side, price, book.levels.side(side).get(price));
        // First what is gone, so that nothing new meets it.
        for is_more in [false, true] {
            for (side, price, quantity) in touched.iter().copied().map(wanted) {
                exchange.given_level(row.instrument, side, price, quantity, is_more)?;
            }
        }
        touched.clear();
        exchange.follow_up()
    }
}

impl Exchange {
    /// Prices at which makers of the given market rest.
    fn made_levels(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = Price> + '_ {
        let levels = self.market(instrument).into_iter().flat_map(move |market| market.book.levels(side));
        levels.map(|level| level.price)
    }

    /// What makers of the given market have at a price becomes `quantity`: less is taken from the newest, more joins at
    /// the end of the queue. `is_more` says which of the two is done.
    fn given_level(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        price: Price,
        quantity: Qty,
        is_more: bool,
    ) -> Result<(), NumError> {
        let Some(market) = self.market(instrument) else { return Ok(()) };
        let of_makers = |oid: &u64| self.orders.get(oid).is_some_and(|order| order.party == Party::Makers);
        let makers: Vec<u64> = market.book.orders_at(side, price).filter(of_makers).collect();
        let held: i64 = makers.iter().filter_map(|oid| self.orders.get(oid)).map(|order| order.leaves.raw()).sum();
        let change = quantity.raw() - held;
        if change > 0 && is_more {
            let mut order = self.given_order(instrument, side, price, Qty::from_raw(change), Party::Makers);
            self.take(&mut order, Cause::default())?;
            if order.leaves.is_positive()
                && let Some(market) = self.markets.get_mut(instrument.index())
            {
                let rank = market.book.add(side, price, order.leaves, order.oid)?;
                order.state = OrderState::Resting(rank);
                self.orders.insert(order.oid, order);
            }
        } else if change < 0 && !is_more {
            let mut less = -change;
            for oid in makers.into_iter().rev() {
                let Some(order) = self.orders.get(&oid).copied() else { continue };
                let part = order.leaves.raw().min(less);
                less -= part;
                if part == order.leaves.raw() {
                    self.forget(oid)?;
                } else if let OrderState::Resting(rank) = order.state
                    && let Some(market) = self.markets.get_mut(instrument.index())
                {
                    market.book.reduce(side, price, rank, Qty::from_raw(part), false);
                    let left = Order { leaves: Qty::from_raw(order.leaves.raw() - part), ..order };
                    self.orders.insert(oid, left);
                }
                if less == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    /// A print of the given market: its taker meets customers up to its price, and makers at its price. Makers at a better
    /// one were gone, or it would have met them; and where those at its price have less, it met somebody whom the book did
    /// not tell of.
    fn given_print(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        price: Price,
        quantity: Qty,
    ) -> Result<(), NumError> {
        let other = side.opposite();
        let better: Vec<Price> =
            self.made_levels(instrument, other).take_while(|level| is_beyond(side, price, *level)).collect();
        for level in better {
            self.given_level(instrument, other, level, Qty::ZERO, false)?;
        }
        let mut order = self.given_order(instrument, side, price, quantity, Party::Takers);
        self.take(&mut order, Cause::default())?;
        if order.leaves.is_positive() {
            self.print_among_makers(&order)?;
        }
        self.follow_up()
    }

    /// What is left of a taker of the given market trades with a maker that no book has shown.
    fn print_among_makers(&mut self, order: &Order) -> Result<(), NumError> {
        let NewOrder { instrument, side, price, .. } = order.asked;
        let (quantity, time) = (order.leaves, self.now);
        let Some(market) = self.markets.get_mut(instrument.index()) else { return Ok(()) };
        market.count(price, quantity, time);
        self.last_trade += 1;
        let trade_id = self.last_trade;
        let (buyer, seller) = match side {
            Side::Buy => (Party::Takers, Party::Makers),
            Side::Sell => (Party::Makers, Party::Takers),
        };
        self.news.push(News::Trade { instrument, aggressor: side, price, quantity, trade_id, buyer, seller, time });
        Ok(())
    }

    fn given_order(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        price: Price,
        quantity: Qty,
        party: Party,
    ) -> Order {
        let asked = NewOrder {
            instrument,
            side,
            price,
            quantity,
            time_in_force: TimeInForce::Gtc,
            reduce_only: false,
            trigger: None,
            cloid: None,
            builder: Rate::ZERO,
        };
        Order {
            oid: self.next_oid(),
            party,
            asked,
            leaves: quantity,
            filled: Qty::ZERO,
            placed: self.now,
            link: Link::None,
            state: OrderState::Dormant,
            is_triggered: false,
        }
    }
}
