//! Performance statistics, streaming, in one pass over equity, fills and round trips (SIMULATION, section 13).

mod drawdown;
mod sampler;

pub use drawdown::Drawdown;
pub use sampler::{ReturnStatistics, Sampler};

use crate::account::RoundTrip;
use crate::event::AccountEvent;
use crate::num::{Money, NumError};
use crate::order::{FillEvent, Liquidity};
use crate::time::Nanos;

const YEAR: f64 = 365.0 * 86_400.0;
/// From this length on returns are sampled by the day instead of by the hour.
const DAILY_FROM: Nanos = Nanos::from_raw(60 * Nanos::DAY.raw());
/// Below this length annual figures are marked as coming from a short sample.
const SHORT_SAMPLE: Nanos = Nanos::from_raw(30 * Nanos::DAY.raw());

/// The statistics of a run. Ratios are `None` where they are undefined, never NaN or infinite.
#[derive(Debug, Clone, PartialEq)]
pub struct PerformanceMetrics {
    /// `E_n / E_0 − 1`.
    pub total_return: Option<f64>,
    /// `(E_n / E_0)^(365 days / duration) − 1`.
    pub annual_return: Option<f64>,
    /// Sample deviation of returns times `√Y`.
    pub annual_volatility: Option<f64>,
    /// Mean over sample deviation of returns, times `√Y`; risk-free rate zero.
    pub sharpe: Option<f64>,
    /// Mean over downside deviation (all n in the denominator), times `√Y`.
    pub sortino: Option<f64>,
    /// `annual_return / max_drawdown`.
    pub calmar: Option<f64>,
    /// Largest `(peak − E) / peak` over every equity event.
    pub max_drawdown: f64,
    /// Longest time from a peak to its recovery or the end, in seconds.
    pub max_drawdown_duration_s: f64,
    /// Round trips.
    pub num_trades: u64,
    /// Executions.
    pub num_fills: u64,
    /// Orders, refused ones too.
    pub num_orders: u64,
    /// Round trips with a gain over all.
    pub win_rate: Option<f64>,
    /// Sum of gains over sum of losses.
    pub profit_factor: Option<f64>,
    /// Mean profit per round trip.
    pub expectancy: Money,
    /// The same over mean entry notional, in basis points.
    pub expectancy_bps: Option<f64>,
    /// Mean gain of winning round trips.
    pub avg_win: Money,
    /// Mean loss of losing round trips, negative.
    pub avg_loss: Money,
    /// Mean gain over mean loss, without sign.
    pub payoff_ratio: Option<f64>,
    /// Time with a position over all time.
    pub exposure: f64,
    /// Time-weighted mean of gross notional over equity.
    pub mean_leverage: f64,
    /// Largest gross notional over equity.
    pub max_leverage: f64,
    /// Notional of fills over mean equity, per day.
    pub turnover: f64,
    /// Notional of fills, in steps of 1e-8 (it only grows, so it is wider than [`Money`]).
    pub volume: i128,
    /// Fees paid as taker.
    pub fees_taker: Money,
    /// Fees paid as maker.
    pub fees_maker: Money,
    /// Rebates received.
    pub rebates: Money,
    /// Fees paid to builders of orders.
    pub fees_builder: Money,
    /// Funding received.
    pub funding_received: Money,
    /// Funding paid.
    pub funding_paid: Money,
    /// Fill against the price at decision, in money; positive is a cost.
    pub slippage: Money,
    /// The grid on which returns were sampled.
    pub sampling_step: Nanos,
    /// Grid steps in a year: `Y`.
    pub periods_per_year: f64,
    /// Whether the run is too short for annual figures to mean much.
    pub short_sample: bool,
}

impl PerformanceMetrics {
    /// Fees paid less rebates received.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn fees(&self) -> Result<Money, NumError> {
        self.fees_taker.add(self.fees_maker)?.add(self.fees_builder)?.sub(self.rebates)
    }

    /// Funding received less paid.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn funding(&self) -> Result<Money, NumError> {
        self.funding_received.sub(self.funding_paid)
    }
}

/// Gathers the statistics while a run goes on.
#[derive(Debug, Clone)]
pub struct Performance {
    start: Nanos,
    initial: Money,
    now: Nanos,
    equity: Money,
    leverage: f64,
    hourly: Sampler,
    daily: Sampler,
    drawdown: Drawdown,
    equity_time: f64,
    leverage_time: f64,
    max_leverage: f64,
    exposed_since: Option<Nanos>,
    exposed: i64,
    volume: i128,
    slippage: Money,
    fees_taker: Money,
    fees_maker: Money,
    rebates: Money,
    fees_builder: Money,
    funding_received: Money,
    funding_paid: Money,
    orders: u64,
    fills: u64,
    trips: u64,
    wins: u64,
    losses: u64,
    gain: Money,
    loss: Money,
    entry_notional: i128,
}

impl Performance {
    /// Starts with `initial` equity at `start`.
    #[must_use]
    pub fn new(start: Nanos, initial: Money) -> Self {
        Self {
            start,
            initial,
            now: start,
            equity: initial,
            leverage: 0.0,
            hourly: Sampler::new(start, initial, Nanos::HOUR),
            daily: Sampler::new(start, initial, Nanos::DAY),
            drawdown: Drawdown::new(start, initial),
            equity_time: 0.0,
            leverage_time: 0.0,
            max_leverage: 0.0,
            exposed_since: None,
            exposed: 0,
            volume: 0,
            slippage: Money::ZERO,
            fees_taker: Money::ZERO,
            fees_maker: Money::ZERO,
            rebates: Money::ZERO,
            fees_builder: Money::ZERO,
            funding_received: Money::ZERO,
            funding_paid: Money::ZERO,
            orders: 0,
            fills: 0,
            trips: 0,
            wins: 0,
            losses: 0,
            gain: Money::ZERO,
            loss: Money::ZERO,
            entry_notional: 0,
        }
    }

    /// Equity and the gross notional of positions, at an equity event.
    #[inline]
    pub fn on_equity(&mut self, time: Nanos, equity: Money, gross: Money) {
        if self.hourly.is_due(time) {
            // Days begin where hours do, so the daily grid is looked at only here.
            self.daily.advance(time, self.equity);
            self.hourly.advance(time, self.equity);
        }
        // Sums in raw steps; they are scaled once, at the end.
        let nanos = time.since(self.now).raw() as f64;
        self.equity_time += self.equity.raw() as f64 * nanos;
        self.leverage_time += self.leverage * nanos;
        self.leverage = if gross.is_zero() { 0.0 } else { leverage(gross, equity) };
        self.max_leverage = self.max_leverage.max(self.leverage);
        self.drawdown.on_equity(time, equity);
        self.now = time;
        self.equity = equity;
    }

    /// Whether there is any position from `time` on.
    pub fn on_exposure(&mut self, time: Nanos, is_exposed: bool) {
        match (self.exposed_since, is_exposed) {
            (None, true) => self.exposed_since = Some(time.max(self.start)),
            (Some(since), false) => {
                self.exposed += time.since(since).raw();
                self.exposed_since = None;
            }
            _ => {}
        }
    }

    /// An order was sent.
    pub const fn on_order(&mut self) {
        self.orders += 1;
    }

    /// A fill, and what it cost against the price at decision.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn on_fill(&mut self, fill: &FillEvent, slippage: Money) -> Result<(), NumError> {
        self.fills += 1;
        self.volume += i128::from(fill.price.notional(fill.quantity)?.raw());
        self.slippage = self.slippage.add(slippage)?;
        let line = match (fill.fee.is_negative(), fill.liquidity) {
            (true, _) => &mut self.rebates,
            (false, Liquidity::Taker) => &mut self.fees_taker,
            (false, Liquidity::Maker) => &mut self.fees_maker,
        };
        *line = line.add(fill.fee.abs()?)?;
        Ok(())
    }

    /// Money that moved without a fill.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn on_account(&mut self, event: &AccountEvent) -> Result<(), NumError> {
        match event {
            AccountEvent::Funding { payment, .. } if payment.is_negative() => {
                self.funding_received = self.funding_received.sub(*payment)?;
            }
            AccountEvent::Funding { payment, .. } => self.funding_paid = self.funding_paid.add(*payment)?,
            AccountEvent::BuilderFee { fee, .. } => self.fees_builder = self.fees_builder.add(*fee)?,
            AccountEvent::Backstop { .. } | AccountEvent::Position { .. } | AccountEvent::Transfer { .. } => {}
        }
        Ok(())
    }

    /// A round trip has ended.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn on_round_trip(&mut self, trip: &RoundTrip) -> Result<(), NumError> {
        self.trips += 1;
        self.entry_notional += i128::from(trip.entry_notional.raw());
        if trip.pnl.is_positive() {
            self.wins += 1;
            self.gain = self.gain.add(trip.pnl)?;
        } else if trip.pnl.is_negative() {
            self.losses += 1;
            self.loss = self.loss.add(trip.pnl)?;
        }
        Ok(())
    }

    /// The statistics up to `end`.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn finish(mut self, end: Nanos) -> Result<PerformanceMetrics, NumError> {
        let end = end.max(self.now);
        let equity = self.equity;
        self.equity_time += equity.raw() as f64 * end.since(self.now).raw() as f64;
        self.leverage_time += self.leverage * end.since(self.now).raw() as f64;
        let duration = end.since(self.start);
        let step = if duration >= DAILY_FROM { Nanos::DAY } else { Nanos::HOUR };
        let returns = if step == Nanos::DAY { self.daily.finish(end, equity) } else { self.hourly.finish(end, equity) };
        let periods_per_year = YEAR / step.seconds();
        let seconds = duration.seconds();
        let growth = (self.initial.is_positive()).then(|| equity.to_f64() / self.initial.to_f64());
        let total_return = self
            .initial
            .is_positive()
            .then(|| (i128::from(equity.raw()) - i128::from(self.initial.raw())) as f64 / self.initial.raw() as f64);
        let annual_return = growth
            .filter(|g| *g > 0.0 && seconds > 0.0)
            .map(|g| libm::expm1(libm::log(g) * (YEAR / seconds)))
            .filter(|r| r.is_finite());
        let (drawdown, underwater) = self.drawdown.finish(end);
        if let Some(since) = self.exposed_since {
            self.exposed += end.since(since).raw();
        }
        let nanos = duration.raw() as f64;
        let mean_equity = if seconds > 0.0 { self.equity_time / nanos / 1e8 } else { equity.to_f64() };
        let volume = self.volume as f64 / 1e8;
        let days = seconds / 86_400.0;
        let pnl = self.gain.add(self.loss)?;
        let average = |sum: Money, count: u64| mean(sum, count);
        let ratio = |a: Money, b: Money| (!b.is_zero()).then(|| (a.to_f64() / b.to_f64()).abs());
        let (avg_win, avg_loss) = (average(self.gain, self.wins), average(self.loss, self.losses));
        Ok(PerformanceMetrics {
            total_return,
            annual_return,
            annual_volatility: returns.deviation().map(|d| d * periods_per_year.sqrt()),
            sharpe: returns.sharpe(periods_per_year),
            sortino: returns.sortino(periods_per_year),
            calmar: annual_return.filter(|_| drawdown > 0.0).map(|r| r / drawdown),
            max_drawdown: drawdown,
            max_drawdown_duration_s: underwater.seconds(),
            num_trades: self.trips,
            num_fills: self.fills,
            num_orders: self.orders,
            win_rate: (self.trips > 0).then(|| self.wins as f64 / self.trips as f64),
            profit_factor: ratio(self.gain, self.loss),
            expectancy: average(pnl, self.trips),
            expectancy_bps: (self.entry_notional > 0).then(|| pnl.raw() as f64 / self.entry_notional as f64 * 1e4),
            avg_win,
            avg_loss,
            payoff_ratio: if self.wins > 0 { ratio(avg_win, avg_loss) } else { None },
            exposure: if duration.raw() > 0 { self.exposed as f64 / duration.raw() as f64 } else { 0.0 },
            mean_leverage: if seconds > 0.0 { self.leverage_time / nanos } else { 0.0 },
            max_leverage: self.max_leverage,
            turnover: if days > 0.0 && mean_equity > 0.0 { volume / mean_equity / days } else { 0.0 },
            volume: self.volume,
            fees_taker: self.fees_taker,
            fees_maker: self.fees_maker,
            rebates: self.rebates,
            fees_builder: self.fees_builder,
            funding_received: self.funding_received,
            funding_paid: self.funding_paid,
            slippage: self.slippage,
            sampling_step: step,
            periods_per_year,
            short_sample: duration < SHORT_SAMPLE,
        })
    }
}

/// Gross notional over equity; without equity there is nothing to lever.
fn leverage(gross: Money, equity: Money) -> f64 {
    if equity.is_positive() { gross.raw() as f64 / equity.raw() as f64 } else { 0.0 }
}

/// The mean of a sum, half to even; zero of nothing.
fn mean(sum: Money, count: u64) -> Money {
    if count == 0 {
        return Money::ZERO;
    }
    let quotient = crate::num::div_round(i128::from(sum.raw()), i128::from(count), crate::num::Rounding::HalfEven);
    Money::from_raw(i64::try_from(quotient).unwrap_or(sum.raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The daily equity of SIMULATION, case A16, from a midnight.
    fn run(equities: &[i64], days_before: i64) -> PerformanceMetrics {
        let start = Nanos::from_raw(days_before * Nanos::DAY.raw());
        let unit = 100_000_000;
        let mut performance = Performance::new(start, Money::from_raw(equities[0] * unit));
        for (day, equity) in (1_i64..).zip(&equities[1..]) {
            let time = start.after(Nanos::from_raw(day * Nanos::DAY.raw()));
            performance.on_equity(time, Money::from_raw(equity * unit), Money::ZERO);
        }
        let days = i64::try_from(equities.len() - 1).unwrap();
        performance.finish(start.after(Nanos::from_raw(days * Nanos::DAY.raw()))).unwrap()
    }

    #[test]
    fn the_worked_case_gives_its_figures() {
        let equities = [100_000, 101_000, 100_500, 99_000, 99_990, 102_000, 101_490];
        let mut daily = Sampler::new(Nanos::ZERO, Money::from_raw(100_000), Nanos::DAY);
        for (day, equity) in (1_i64..).zip(&equities[1..]) {
            let time = Nanos::from_raw(day * Nanos::DAY.raw());
            daily.advance(time, Money::from_raw(equities[usize::try_from(day).unwrap() - 1]));
            let _ = equity;
        }
        let statistics = daily.finish(Nanos::from_raw(6 * Nanos::DAY.raw()), Money::from_raw(101_490));
        assert_eq!(statistics.count(), 6);
        assert!((statistics.sharpe(365.0).unwrap() - 3.745_580_45).abs() < 5e-9);
        assert!((statistics.sharpe(252.0).unwrap() - 3.112_239_19).abs() < 5e-9);
        assert!((statistics.sortino(365.0).unwrap() - 7.197_098_83).abs() < 5e-9);
        let metrics = run(&equities, 0);
        assert!((metrics.max_drawdown - 0.019_801_98).abs() < 5e-9);
        assert!((metrics.total_return.unwrap() - 0.0149).abs() < 1e-15);
        assert!(metrics.short_sample);
    }

    #[test]
    fn a_long_run_is_sampled_by_the_day_and_a_short_one_by_the_hour() {
        let long: Vec<i64> = (0..61).map(|d| 1000 + d % 3).collect();
        assert_eq!((run(&long, 3).sampling_step, run(&long, 3).periods_per_year), (Nanos::DAY, 365.0));
        assert_eq!((run(&long[..60], 3).sampling_step, run(&long[..60], 3).periods_per_year), (Nanos::HOUR, 8760.0));
    }

    #[test]
    fn nothing_traded_gives_zeros_and_nulls_and_no_nan() {
        let metrics = run(&[1000, 1000, 1000], 0);
        assert_eq!(metrics.sharpe, None);
        assert_eq!(metrics.win_rate, None);
        assert_eq!(metrics.profit_factor, None);
        assert_eq!(metrics.calmar, None);
        assert_eq!(metrics.annual_return, Some(0.0));
        assert_eq!((metrics.max_drawdown, metrics.max_drawdown_duration_s, metrics.exposure), (0.0, 0.0, 0.0));
    }

    #[test]
    fn an_account_that_lost_everything_has_no_annual_return() {
        let metrics = run(&[1000, 500, -1], 0);
        assert_eq!(metrics.annual_return, None);
        assert!(metrics.max_drawdown > 1.0);
    }

    #[test]
    fn the_round_trips_of_the_worked_case_give_their_figures() {
        let mut performance = Performance::new(Nanos::ZERO, Money::ONE);
        for pnl in [500, -200, 0, 300, -150, -50] {
            let trip = RoundTrip {
                instrument: crate::instrument::InstrumentId(0),
                side: crate::order::Side::Buy,
                entry_time: Nanos::ZERO,
                exit_time: Nanos::ZERO,
                quantity: crate::num::Qty::ONE,
                entry_notional: Money::ONE,
                entry_price: crate::num::Price::ONE,
                exit_price: crate::num::Price::ONE,
                pnl: Money::from_raw(pnl * 100_000_000),
                fees: Money::ZERO,
                funding: Money::ZERO,
            };
            performance.on_round_trip(&trip).unwrap();
        }
        let metrics = performance.finish(Nanos::ZERO).unwrap();
        assert_eq!(metrics.profit_factor, Some(2.0));
        assert_eq!(metrics.win_rate, Some(1.0 / 3.0));
        assert_eq!(metrics.expectancy.to_string(), "66.66666667");
        assert!((metrics.payoff_ratio.unwrap() - 3.0).abs() < 1e-9);
    }
}
