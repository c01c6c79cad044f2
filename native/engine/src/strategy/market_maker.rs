//! Quotes both sides of a book around the reservation price of Avellaneda and Stoikov, and leaves alone what stands well.

use crate::book::MarketBook;
use crate::event::TimerEvent;
use crate::instrument::InstrumentId;
use crate::num::{NumError, Price, Qty, UNIT};
use crate::order::{Cloid, FillEvent, OrderKind, OrderStatus, OrderUpdate, Reason, Side, TimeInForce};
use crate::row::Status;
use crate::strategy::quoting::{Model, Quotes, Seen, Top};
use crate::strategy::{Context, OrderRequest, ParamError, ParamSpec, Params, Strategy, StrategyError, Value};
use crate::time::Nanos;

/// Rests post-only orders on both sides, and looks at them on a timer.
///
/// The model stands at `Model` (`quoting.rs`). An order stays, with its place in the queue, while it is where the model wants
/// one or at most `tolerance` half spreads away; otherwise it is cancelled and a new one placed. The position and all that
/// is open towards it never come to more than `max_position` quotes: at the bound only the other side is quoted.
#[derive(Debug, Clone)]
pub struct MarketMaker {
    levels: i64,
    level_step: f64,
    quantity: Option<Qty>,
    max_position: i64,
    interval: Nanos,
    tolerance: f64,
    window: u32,
    model: Model,
    states: Vec<State>,
    /// Where the orders of one side should be; kept for its memory.
    targets: Vec<Target>,
}

#[derive(Debug, Clone, Default)]
struct State {
    seen: Seen,
    /// The size of a quote, once one is known.
    size: Option<Qty>,
    /// Orders sent and not yet known to be done, with their sides: an answer to an order does not name its side.
    sent: Vec<(Cloid, Side)>,
    /// Up to when nothing new is placed: for buys, for sells.
    paused: [Nanos; 2],
}

impl State {
    const fn paused_mut(&mut self, side: Side) -> &mut Nanos {
        let [buys, sells] = &mut self.paused;
        match side {
            Side::Buy => buys,
            Side::Sell => sells,
        }
    }
}

/// Where an order should be: the price that the model wants, and the nearest passive one that the venue takes.
#[derive(Debug, Clone, Copy)]
struct Target {
    wanted: f64,
    price: Price,
}

/// After a refusal that another price does not cure, a side is left alone for this long, or until the next fill.
const PAUSE: Nanos = Nanos::MINUTE;

impl MarketMaker {
    /// What it does, in a sentence.
    pub const HELP: &'static str =
        "Quotes both sides around an inventory-skewed reservation price (Avellaneda-Stoikov) with post-only orders.";

    /// Its parameters.
    #[must_use]
    pub fn params() -> Vec<ParamSpec> {
        let int = |name, default, (low, high), help| {
            ParamSpec::new(name, Value::Int(default), help).between(Value::Int(low), Value::Int(high))
        };
        let float = |name, default, (low, high), help| {
            ParamSpec::new(name, Value::Float(default), help).between(Value::Float(low), Value::Float(high))
        };
        let decimal = |text: &str| Value::Decimal(text.parse().unwrap_or_default());
        vec![
            int("levels", 1, (1, 50), "quotes on each side"),
            float("level_step", 1.0, (0.0, 100.0), "distance between levels, in half spreads, at least a tick"),
            ParamSpec::new("quantity", decimal("0"), "base units of a quote; 0 leaves it to the risk manager")
                .between(decimal("0"), decimal("9000000")),
            int("max_position", 5, (1, 10_000), "largest position either way, in quotes"),
            int("interval", 100, (1, 3_600_000), "milliseconds between two looks"),
            float("tolerance", 0.5, (0.0, 10.0), "an order this near to its target stays, in half spreads"),
            float("risk_aversion", 0.2, (0.0001, 100.0), "gamma, per quote of inventory and deviation of the horizon"),
            float("arrival_decay", 3.0, (0.0001, 10_000.0), "kappa, per deviation of the horizon"),
            int("horizon", 1_000, (1, 86_400_000), "tau, in milliseconds"),
            int("window", 100, (2, 1_000_000), "looks over which volatility and depth are averaged"),
            float("flow_weight", 0.5, (0.0, 10.0), "how much of the move that order flow predicts is quoted"),
            float("min_half_spread", 0.5, (0.0, 10_000.0), "least distance from the reservation price, in ticks"),
        ]
    }

    /// From checked parameters.
    ///
    /// # Errors
    /// [`ParamError::Invalid`] where `levels` is above `max_position`.
    pub fn new(params: &Params) -> Result<Self, ParamError> {
        let (levels, max_position) = (params.int("levels"), params.int("max_position"));
        if levels > max_position {
            return Err(ParamError::Invalid {
                strategy: "market_maker".into(),
                name: "levels".into(),
                value: levels.to_string(),
                wanted: format!("at most max_position ({max_position})"),
            });
        }
        let interval = params.int("interval");
        // A rate has four digits more than a quantity.
        let quantity = Qty::from_raw(params.decimal("quantity").raw() / 10_000);
        Ok(Self {
            levels,
            level_step: params.float("level_step"),
            quantity: quantity.is_positive().then_some(quantity),
            max_position,
            interval: Nanos::from_raw(interval * 1_000_000),
            tolerance: params.float("tolerance"),
            window: u32::try_from(params.int("window")).unwrap_or(u32::MAX),
            model: Model {
                risk_aversion: params.float("risk_aversion"),
                arrival_decay: params.float("arrival_decay"),
                horizon: params.int("horizon") as f64 / interval as f64,
                flow_weight: params.float("flow_weight"),
                half_spread_ticks_min: params.float("min_half_spread"),
            },
            states: Vec::new(),
            targets: Vec::new(),
        })
    }

    /// Looks at one book and brings the quotes to where they should be.
    fn look(&mut self, ctx: &mut Context<'_>, instrument: InstrumentId) -> Result<(), StrategyError> {
        let world = ctx.world;
        let (Some(rules), Some(state)) = (world.instruments.get(instrument), self.states.get_mut(instrument.index()))
        else {
            return Ok(());
        };
        state.sent.retain(|(cloid, _)| world.orders.get(instrument, *cloid).is_some());
        let sizes = world.orders.of(instrument).map(|order| order.event.quantity);
        state.size = self.quantity.or(sizes.max()).or(state.size);
        let position = world.account.position(instrument).quantity;
        let Some((bid, ask)) = world.book(instrument).and_then(best_of_open_market) else {
            state.seen.interrupt();
            for order in world.orders.of(instrument) {
                ctx.cancel(instrument, order.event.cloid);
            }
            return Ok(());
        };
        state.seen.update(
            Top {
                bid: bid.0.to_f64(),
                bid_quantity: bid.1.to_f64(),
                ask: ask.0.to_f64(),
                ask_quantity: ask.1.to_f64(),
            },
            self.window,
        );
        let tick = rules.tick.step_at(bid.0);
        let inventory = state.size.map_or(0.0, |size| position.to_f64() / size.to_f64());
        let Some(quotes) = self.model.quotes(&state.seen, inventory, tick.to_f64()) else { return Ok(()) };
        for side in [Side::Buy, Side::Sell] {
            // The furthest that a post-only order may go.
            let limit = match side {
                Side::Buy => ask.0.sub(tick)?,
                Side::Sell => bid.0.add(tick)?,
            };
            let room = self.room(instrument, side, position);
            self.aim(&quotes, side, limit, tick, room, |price| rules.tick.passive(price, side))?;
            self.requote(ctx, instrument, side, position, tolerance(&quotes, self.tolerance, tick));
        }
        Ok(())
    }

    /// How many quotes a side may have before the position could pass its bound.
    fn room(&self, instrument: InstrumentId, side: Side, position: Qty) -> i64 {
        let size = self.states.get(instrument.index()).and_then(|state| state.size).map_or(0, Qty::raw);
        if size <= 0 {
            return self.levels;
        }
        let held = i128::from(position.raw()) * i128::from(side.sign());
        let left = (i128::from(self.max_position) * i128::from(size) - held).div_euclid(i128::from(size));
        i64::try_from(left.clamp(0, i128::from(self.levels))).unwrap_or(0)
    }

    /// Sets the targets of a side, best first.
    fn aim(
        &mut self,
        quotes: &Quotes,
        side: Side,
        limit: Price,
        tick: Price,
        count: i64,
        passive: impl Fn(Price) -> Result<Price, NumError>,
    ) -> Result<(), NumError> {
        self.targets.clear();
        let sign = side.sign() as f64;
        let best = quotes.reservation - sign * quotes.half_spread;
        let best = if side == Side::Buy { best.min(limit.to_f64()) } else { best.max(limit.to_f64()) };
        let step = (self.level_step * quotes.half_spread).max(tick.to_f64());
        for level in 0..count {
            let wanted = best - sign * step * level as f64;
            // A price that no number holds, or none at all, is not quoted.
            let Some(price) = nearest(wanted) else { break };
            let price = passive(price)?;
            if !price.is_positive() {
                break;
            }
            self.targets.push(Target { wanted, price });
        }
        Ok(())
    }

    /// Keeps the orders of a side that stand well, cancels the others, and places what is missing.
    fn requote(&mut self, ctx: &mut Context<'_>, instrument: InstrumentId, side: Side, position: Qty, tolerance: f64) {
        let Some(state) = self.states.get_mut(instrument.index()) else { return };
        let world = ctx.world;
        // All that may still be filled, orders whose cancel is on its way too.
        let mut open = i128::from(position.raw()) * i128::from(side.sign());
        for order in world.orders.of(instrument).filter(|order| order.event.side == side) {
            open += i128::from(order.leaves.raw());
            if order.is_cancelling {
                continue;
            }
            let stands = order.event.kind.price();
            let fits = |target: &Target| {
                stands.is_some_and(|p| p == target.price || (p.to_f64() - target.wanted).abs() <= tolerance)
            };
            match self.targets.iter().position(fits) {
                Some(index) => drop(self.targets.remove(index)),
                None => ctx.cancel(instrument, order.event.cloid),
            }
        }
        if *state.paused_mut(side) > world.now {
            return;
        }
        for target in &self.targets {
            if let Some(size) = state.size {
                open += i128::from(size.raw());
                if open > i128::from(self.max_position) * i128::from(size.raw()) {
                    return;
                }
            }
            let kind = OrderKind::Limit { price: target.price };
            let request = OrderRequest::new(instrument, side, self.quantity, kind);
            let cloid = ctx.place(OrderRequest { time_in_force: TimeInForce::Alo, ..request });
            state.sent.push((cloid, side));
        }
    }
}

/// How far from its target an order may stand.
fn tolerance(quotes: &Quotes, half_spreads: f64, tick: Price) -> f64 {
    half_spreads * quotes.half_spread.max(tick.to_f64())
}

/// Both best levels, unless the market is closed, one-sided or crossed.
fn best_of_open_market(book: &MarketBook) -> Option<((Price, Qty), (Price, Qty))> {
    let (bid, ask) = (book.levels.bids.best_level()?, book.levels.asks.best_level()?);
    let is_open = matches!(book.status, Status::Trading | Status::PostOnly);
    (is_open && bid.0 < ask.0).then_some((bid, ask))
}

/// The price nearest to a float; `None` for what is not above zero, or too large.
fn nearest(value: f64) -> Option<Price> {
    let steps = (value * UNIT as f64).round();
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the comparison")]
    (steps >= 1.0 && steps < i64::MAX as f64 / 2.0).then(|| Price::from_raw(steps as i64))
}

impl Strategy for MarketMaker {
    fn on_start(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        if ctx.world.books.is_empty() {
            let message = "market_maker quotes on order books, and these data hold none: give it tick data";
            return Err(StrategyError(message.into()));
        }
        self.states = vec![State::default(); ctx.world.instruments.len()];
        ctx.set_timer(ctx.world.now.after(self.interval), 0);
        Ok(())
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerEvent) -> Result<(), StrategyError> {
        for (instrument, _) in ctx.world.instruments.iter() {
            self.look(ctx, instrument)?;
        }
        ctx.set_timer(timer.time.after(self.interval), timer.id);
        Ok(())
    }

    fn on_fill(&mut self, _ctx: &mut Context<'_>, fill: &FillEvent) -> Result<(), StrategyError> {
        if let Some(state) = self.states.get_mut(fill.instrument.index()) {
            state.paused = [Nanos::MIN; 2];
        }
        Ok(())
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) -> Result<(), StrategyError> {
        // What the next look cures by itself: the market moved away, or the message was lost.
        let passes = [Reason::BadAloPx, Reason::Gateway, Reason::ExpiredAction];
        let OrderStatus::Rejected(reason) = update.status else { return Ok(()) };
        let Some(state) = self.states.get_mut(update.instrument.index()) else { return Ok(()) };
        let side = state.sent.iter().find(|(cloid, _)| *cloid == update.cloid).map(|(_, side)| *side);
        if let (Some(side), false) = (side, passes.contains(&reason)) {
            *state.paused_mut(side) = ctx.world.now.after(PAUSE);
        }
        Ok(())
    }
}
