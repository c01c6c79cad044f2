//! Rests a post-only order at the best price of each side, and moves it when that price has moved. The Rust of quoter.py.

use engine::event::TimerEvent;
use engine::instrument::InstrumentId;
use engine::num::Qty;
use engine::order::{OrderKind, Side, TimeInForce};
use engine::strategy::{Context, OrderRequest, Strategy, StrategyError};
use engine::time::Nanos;

/// Quotes the best bid and the best offer of every instrument.
pub struct Quoter {
    /// Base units of an order.
    pub size: Qty,
    /// Largest position either way, in base units.
    pub max_position: Qty,
    /// Between two looks.
    pub interval: Nanos,
}

impl Quoter {
    fn quote(&self, ctx: &mut Context<'_>, instrument: InstrumentId, side: Side) -> Result<(), StrategyError> {
        let world = ctx.world;
        let best = world.book(instrument).and_then(|book| book.levels.side(side).best());
        let held = side.signed(world.account.position(instrument).quantity);
        let mut standing = 0;
        for order in world.orders.of(instrument).filter(|order| order.event.side == side && !order.is_cancelling) {
            if order.event.kind.price() == best {
                standing += 1;
            } else {
                ctx.cancel(instrument, order.event.cloid);
            }
        }
        if let (Some(price), 0, true) = (best, standing, held.add(self.size)? <= self.max_position) {
            let order = OrderRequest::new(instrument, side, Some(self.size), OrderKind::Limit { price });
            ctx.place(OrderRequest { time_in_force: TimeInForce::Alo, ..order });
        }
        Ok(())
    }
}

impl Strategy for Quoter {
    fn on_start(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        ctx.set_timer(ctx.world.now.after(self.interval), 0);
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerEvent) -> Result<(), StrategyError> {
        for (instrument, _) in ctx.world.instruments.iter() {
            self.quote(ctx, instrument, Side::Buy)?;
            self.quote(ctx, instrument, Side::Sell)?;
        }
        ctx.set_timer(timer.time.after(self.interval), timer.id);
        Ok(())
    }
}
