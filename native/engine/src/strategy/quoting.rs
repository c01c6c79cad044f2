//! Where a market maker would quote: the model of Avellaneda and Stoikov on what its looks at a book have shown.
//!
//! Everything here is a statistic in `f64`. Prices that are sent are made from it by the tick rule, exactly.

/// The best prices and what stands at them, as seen at one look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Top {
    pub bid: f64,
    pub bid_quantity: f64,
    pub ask: f64,
    pub ask_quantity: f64,
}

impl Top {
    pub fn mid(self) -> f64 {
        f64::midpoint(self.bid, self.ask)
    }

    /// What came to the bid less what came to the offer since `before`: `e_n` of Cont, Kukanov and Stoikov (2014), "The
    /// Price Impact of Order Book Events", section 2.1, between two looks instead of two events.
    fn order_flow(self, before: Self) -> f64 {
        let mut flow = 0.0;
        if self.bid >= before.bid {
            flow += self.bid_quantity;
        }
        if self.bid <= before.bid {
            flow -= before.bid_quantity;
        }
        if self.ask <= before.ask {
            flow -= self.ask_quantity;
        }
        if self.ask >= before.ask {
            flow += before.ask_quantity;
        }
        flow
    }
}

/// An exponentially weighted mean; the plain mean until it has seen as many values as its span.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    seen: u32,
    value: f64,
}

impl Mean {
    fn update(&mut self, value: f64, span: u32) {
        self.seen = self.seen.saturating_add(1).min(span.max(1));
        let weight = (2.0 / (f64::from(span) + 1.0)).max(1.0 / f64::from(self.seen));
        self.value += weight * (value - self.value);
    }
}

/// What the looks at one book have shown so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    top: Option<Top>,
    /// Squared changes of the middle from look to look.
    variance: Mean,
    /// Order flow from look to look, and the mean quantity at a best price, in base units.
    flow: Mean,
    depth: Mean,
}

impl Seen {
    /// Takes in a look.
    pub fn update(&mut self, top: Top, span: u32) {
        self.depth.update(f64::midpoint(top.bid_quantity, top.ask_quantity), span);
        if let Some(before) = self.top.replace(top) {
            let change = top.mid() - before.mid();
            self.variance.update(change * change, span);
            self.flow.update(top.order_flow(before), FLOW_SPAN);
        }
    }

    /// There was no book to look at: the next look starts a new series.
    pub const fn interrupt(&mut self) {
        self.top = None;
    }
}

/// Looks over which order flow is averaged: what it says about the price is soon over.
const FLOW_SPAN: u32 = 10;

/// Avellaneda and Stoikov (2008), "High-frequency trading in a limit order book", equations 3.17 and 3.18, and a shift for
/// order flow.
///
/// With inventory `q` in quotes, volatility `σ` and horizon `τ`: reservation price `r = s − q·γ·σ²·τ`, half spread
/// `γ·σ²·τ / 2 + ln(1 + γ / κ) / γ`. The paper's `γ` and `κ` have a unit of price in them; here both are counted in
/// `σ·√τ`, the deviation of the price over the horizon, so that one choice fits every instrument:
/// `r = s − q·γ·σ√τ` and `δ = σ√τ · (γ / 2 + ln(1 + γ / κ) / γ)`.
///
/// Order flow moves `r` by its mean over twice the depth, in spreads: the price change that Cont, Kukanov and Stoikov expect,
/// whose unit is the tick where the spread is one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Model {
    /// `γ`: by how many deviations one quote of inventory moves the reservation price.
    pub risk_aversion: f64,
    /// `κ`: by how many e-folds fewer trades reach a quote for each deviation that it stands further away.
    pub arrival_decay: f64,
    /// `τ`, in looks.
    pub horizon: f64,
    /// How much of the price change that order flow lets expect is believed.
    pub flow_weight: f64,
    /// The least half spread, in ticks.
    pub half_spread_ticks_min: f64,
}

/// What the model says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quotes {
    /// Around which price to quote.
    pub reservation: f64,
    /// How far from it.
    pub half_spread: f64,
}

impl Model {
    /// Quotes for an inventory, in quotes, where a tick is so wide; `None` before the first look.
    pub fn quotes(&self, seen: &Seen, inventory: f64, tick: f64) -> Option<Quotes> {
        let top = seen.top?;
        let deviation = (seen.variance.value * self.horizon).sqrt();
        let gamma = self.risk_aversion;
        let by_model = deviation * (gamma / 2.0 + libm::log1p(gamma / self.arrival_decay) / gamma);
        let expected = if seen.depth.value > 0.0 { seen.flow.value / (2.0 * seen.depth.value) } else { 0.0 };
        let shift = self.flow_weight * expected * (top.ask - top.bid);
        Some(Quotes {
            reservation: top.mid() - inventory * gamma * deviation + shift,
            half_spread: by_model.max(self.half_spread_ticks_min * tick),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: Model =
        Model { risk_aversion: 0.2, arrival_decay: 3.0, horizon: 1.0, flow_weight: 1.0, half_spread_ticks_min: 0.5 };

    fn top(bid: f64, ask: f64) -> Top {
        Top { bid, bid_quantity: 5.0, ask, ask_quantity: 5.0 }
    }

    fn close_to(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn the_paper_s_example_gives_the_paper_s_spread() {
        // γ = 0.1, κ = 1.5, σ = 2, T = 1 of section 3.3: γσ²τ + (2/γ) ln(1 + γ/κ) = 0.4 + 1.2908 at the start.
        let seen = Seen { top: Some(top(99.5, 100.5)), variance: Mean { seen: 9, value: 4.0 }, ..Seen::default() };
        let flat = MODEL.quotes(&seen, 0.0, 0.01).unwrap();
        assert!(close_to(flat.reservation, 100.0));
        assert!((2.0 * flat.half_spread - 1.690_770_5).abs() < 1e-6, "{flat:?}");
        // r = s − q γ σ² τ = 100 − 3 · 0.1 · 4.
        assert!(close_to(MODEL.quotes(&seen, 3.0, 0.01).unwrap().reservation, 98.8));
    }

    #[test]
    fn scaling_all_prices_scales_the_quotes() {
        let run = |scale: f64| {
            let mut seen = Seen::default();
            for move_ in [0.0, 1.0, -2.0, 0.5, 3.0] {
                seen.update(top((100.0 + move_) * scale, (101.0 + move_) * scale), 100);
            }
            MODEL.quotes(&seen, 2.0, 0.01 * scale).unwrap()
        };
        let (one, many) = (run(1.0), run(1e-4));
        assert!(close_to(one.reservation, many.reservation * 1e4) && close_to(one.half_spread, many.half_spread * 1e4));
    }

    #[test]
    fn order_flow_is_the_event_variable_of_cont_kukanov_and_stoikov() {
        let before = Top { bid: 10.0, bid_quantity: 5.0, ask: 11.0, ask_quantity: 7.0 };
        for (after, flow) in [
            (Top { bid_quantity: 8.0, ..before }, 3.0),
            (Top { ask_quantity: 9.0, ..before }, -2.0),
            (Top { bid: 10.5, bid_quantity: 2.0, ..before }, 2.0),
            (Top { bid: 9.5, bid_quantity: 4.0, ..before }, -5.0),
            (Top { ask: 10.5, ask_quantity: 1.0, ..before }, -1.0),
            (Top { ask: 12.0, ask_quantity: 3.0, ..before }, 7.0),
        ] {
            assert!(close_to(after.order_flow(before), flow), "{after:?}");
        }
    }

    #[test]
    fn buyers_at_the_bid_move_the_reservation_price_up() {
        let mut seen = Seen::default();
        for bid_quantity in [5.0, 6.0, 7.0, 8.0] {
            seen.update(Top { bid_quantity, ..top(99.0, 101.0) }, 100);
        }
        // A flow of 1 a look over twice a mean depth of 5.75, of a spread of 2.
        assert!(close_to(MODEL.quotes(&seen, 0.0, 1.0).unwrap().reservation, 100.0 + 2.0 / 11.5));
    }

    #[test]
    fn a_market_that_never_moved_is_quoted_at_the_least_spread() {
        let mut seen = Seen::default();
        assert_eq!(MODEL.quotes(&seen, 0.0, 0.25), None);
        seen.update(top(4800.0, 4800.25), 100);
        assert_eq!(MODEL.quotes(&seen, 0.0, 0.25), Some(Quotes { reservation: 4800.125, half_spread: 0.125 }));
    }
}
