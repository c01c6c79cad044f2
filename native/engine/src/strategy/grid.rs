//! A grid of resting limit orders around the first price; each fill is answered one step away on the other side.

use crate::event::{Bar, TimerEvent};
use crate::instrument::InstrumentId;
use crate::num::{Price, Rounding};
use crate::order::{FillEvent, Side};
use crate::strategy::{Context, ParamError, ParamSpec, Params, Strategy, StrategyError, Value};
use crate::time::Nanos;

/// Rests half of its levels as buys below and half as sells above the first price, each a `step` of that price apart.
///
/// The first price is the first close, or on tick data the first middle of the book, looked for every [`LOOK`].
#[derive(Debug, Clone)]
pub struct Grid {
    levels: i64,
    step: crate::num::Rate,
    /// Per instrument: the distance between levels, once the first price is known.
    spacing: Vec<Option<Price>>,
}

/// How often a book is looked at until it has two sides.
const LOOK: Nanos = Nanos::from_raw(100_000_000);

impl Grid {
    /// What it does, in a sentence.
    pub const HELP: &'static str =
        "Rests buys below and sells above the first price; answers each fill one step away on the other side.";

    /// Its parameters.
    #[must_use]
    pub fn params() -> Vec<ParamSpec> {
        let step = |text: &str| Value::Decimal(text.parse().unwrap_or_default());
        vec![
            ParamSpec::new("levels", Value::Int(10), "levels in all, half of them on each side; an even number")
                .between(Value::Int(2), Value::Int(200)),
            ParamSpec::new("step", step("0.005"), "distance between levels, as a fraction of the first price")
                .between(step("0.00001"), step("0.5")),
        ]
    }

    /// From checked parameters.
    ///
    /// # Errors
    /// [`ParamError::Invalid`] for an odd number of levels, or for a lowest level at or below zero.
    pub fn new(params: &Params) -> Result<Self, ParamError> {
        let (levels, step) = (params.int("levels"), params.decimal("step"));
        let invalid = |name: &str, value: String, wanted: String| ParamError::Invalid {
            strategy: "grid".into(),
            name: name.into(),
            value,
            wanted,
        };
        if levels % 2 != 0 {
            return Err(invalid("levels", levels.to_string(), "an even number".into()));
        }
        if levels / 2 * step.raw() >= crate::num::RATE_UNIT {
            let wanted = format!("so small that {} levels below the first price stay above zero", levels / 2);
            return Err(invalid("step", step.to_string(), wanted));
        }
        Ok(Self { levels, step, spacing: Vec::new() })
    }

    /// Places the grid of an instrument around its first price.
    fn lay(&mut self, ctx: &mut Context<'_>, instrument: InstrumentId, first: Price) -> Result<(), StrategyError> {
        let Some(spacing @ None) = self.spacing.get_mut(instrument.index()) else { return Ok(()) };
        let distance = first.moved_by(self.step, Rounding::HalfEven)?.sub(first)?;
        *spacing = Some(distance);
        for level in 1..=self.levels / 2 {
            let away = Price::from_raw(distance.raw() * level);
            ctx.quote(instrument, Side::Buy, first.sub(away)?, None);
            ctx.quote(instrument, Side::Sell, first.add(away)?, None);
        }
        Ok(())
    }
}

impl Strategy for Grid {
    fn on_start(&mut self, ctx: &mut Context<'_>) -> Result<(), StrategyError> {
        self.spacing = vec![None; ctx.world.instruments.len()];
        if !ctx.world.books.is_empty() {
            ctx.set_timer(ctx.world.now.after(LOOK), 0);
        }
        Ok(())
    }

    fn on_bar(&mut self, ctx: &mut Context<'_>, bar: &Bar) -> Result<(), StrategyError> {
        self.lay(ctx, bar.instrument, bar.close)
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerEvent) -> Result<(), StrategyError> {
        let world = ctx.world;
        for (instrument, _) in world.instruments.iter() {
            if let Some(middle) = world.book(instrument).and_then(|book| book.levels.mid()) {
                self.lay(ctx, instrument, middle)?;
            }
        }
        if self.spacing.contains(&None) {
            ctx.set_timer(timer.time.after(LOOK), timer.id);
        }
        Ok(())
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &FillEvent) -> Result<(), StrategyError> {
        let Some(Some(spacing)) = self.spacing.get(fill.instrument.index()) else { return Ok(()) };
        // Answered from the level of the order, not from the fill: a taker fill may be better than its level.
        let order = ctx.world.orders.get(fill.instrument, fill.cloid);
        let Some(level) = order.and_then(|o| o.event.kind.price()) else { return Ok(()) };
        let price = match fill.side {
            Side::Buy => level.add(*spacing)?,
            Side::Sell => level.sub(*spacing)?,
        };
        ctx.quote(fill.instrument, fill.side.opposite(), price, Some(fill.quantity));
        Ok(())
    }
}
