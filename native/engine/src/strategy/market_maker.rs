//! Quotes both sides of each book, post-only, one order a side.

use crate::event::TimerEvent;
use crate::instrument::InstrumentId;
use crate::num::{NumError, Price};
use crate::order::{Cloid, OrderKind, Side, TimeInForce};
use crate::strategy::{Context, OrderRequest, ParamError, ParamSpec, Params, Strategy, StrategyError, Value};
use crate::time::Nanos;

/// Looks at the book every `interval_ms`: cancels what is not at its price any more, and quotes a side without an order.
#[derive(Debug, Clone)]
pub struct MarketMaker {
    interval: Nanos,
    /// Steps of price behind the best.
    behind: i64,
    stale: Vec<Cloid>,
}

impl MarketMaker {
    /// What it does, in a sentence.
    pub const HELP: &'static str = "Quotes both sides of each book, post-only, and follows the best prices.";

    /// Its parameters.
    #[must_use]
    pub fn params() -> Vec<ParamSpec> {
        vec![
            ParamSpec::new("interval_ms", Value::Int(100), "milliseconds between two looks at the book")
                .between(Value::Int(1), Value::Int(86_400_000)),
            ParamSpec::new("half_spread_ticks", Value::Int(1), "1 quotes at the best price, 2 one step of price behind it")
                .between(Value::Int(1), Value::Int(1_000)),
        ]
    }

    /// From checked parameters.
    ///
    /// # Errors
    /// None; the signature is that of every built-in strategy.
    pub fn new(params: &Params) -> Result<Self, ParamError> {
        let interval = Nanos::from_raw(params.int("interval_ms").saturating_mul(1_000_000));
        Ok(Self { interval, behind: params.int("half_spread_ticks") - 1, stale: Vec::new() })
    }

    fn quote(&mut self, ctx: &mut Context<'_>, id: InstrumentId, side: Side, price: Price) {
        let mut is_there = false;
        for order in ctx.world.orders.of(id).filter(|order| order.event.side == side) {
            is_there = true;
            if order.event.kind.price() != Some(price) {
                self.stale.push(order.event.cloid);
            }
        }
        for cloid in self.stale.drain(..) {
            ctx.cancel(id, cloid);
        }
        if !is_there {
            let order = OrderRequest::new(id, side, None, OrderKind::Limit { price });
            ctx.place(OrderRequest { time_in_force: TimeInForce::Alo, ..order });
        }
    }
}

/// The prices behind the best by a number of steps; `None` while a side is empty.
fn prices(ctx: &Context<'_>, id: InstrumentId, behind: i64) -> Result<Option<(Price, Price)>, NumError> {
    let best = ctx.world.book(id).and_then(|book| book.levels.best());
    let (Some((bid, ask)), Some(rules)) = (best, ctx.world.instruments.get(id)) else { return Ok(None) };
    let away = |price: Price| Price::from_raw(rules.tick.step_at(price).raw().saturating_mul(behind));
    Ok(Some((bid.sub(away(bid))?, ask.add(away(ask))?)))
}

impl Strategy for MarketMaker {
    fn on_start(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        if ctx.world.books.is_empty() {
            return Err(StrategyError("market_maker quotes on order books, and these data hold bars: give ticks".into()));
        }
        ctx.set_timer(ctx.world.now.after(self.interval), 0);
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerEvent) -> Result<(), StrategyError> {
        ctx.set_timer(timer.time.after(self.interval), 0);
        for id in (0..).map(InstrumentId).take(ctx.world.instruments.len()) {
            let Some((bid, ask)) = prices(ctx, id, self.behind)? else { continue };
            // Deep in a book of few ticks there may be no price left.
            if bid.is_positive() {
                self.quote(ctx, id, Side::Buy, bid);
            }
            self.quote(ctx, id, Side::Sell, ask);
        }
        Ok(())
    }
}
