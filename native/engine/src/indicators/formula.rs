//! The two faces of an indicator: the bare formula, and the formula with a memory of its last two values.

use super::dynamic::{Columns, each_row};
use super::input::Input;
use super::output::Output;

/// How many rows a batch hands over at once: they stay in the nearest cache.
pub const ROWS_MAX: usize = 512;

/// The rule of an indicator. It keeps what the rule needs, and nothing for the comfort of its user.
pub trait Formula: Clone + Send + Sync {
    /// What it takes.
    type Input: Input;
    /// What it gives.
    type Output: Output;
    /// The name users know.
    const NAME: &'static str;

    /// Takes an input; `None` while warming up.
    fn next(&mut self, input: Self::Input) -> Option<Self::Output>;
    /// The same bits as `next`, for a batch that has fed `warm_up` inputs: it need not ask whether there is a value yet.
    #[inline]
    fn next_when_warm(&mut self, input: Self::Input) -> Option<Self::Output> {
        self.next(input)
    }
    /// The same bits as `next_when_warm` for each of at most [`ROWS_MAX`] rows, written into as many rows of `out`.
    /// A formula overrides it where several short loops are faster than one long one.
    #[inline]
    fn rows_when_warm(&mut self, columns: &Columns<'_>, out: &mut [&mut [f64]]) {
        each_row(columns, |row| self.next_when_warm(row), out);
    }
    /// How many inputs the first value takes.
    fn warm_up(&self) -> usize;
    /// Whether the formula cannot do without the time of its input.
    fn needs_time(&self) -> bool {
        false
    }
}

/// An indicator that is fed one input at a time.
pub trait Indicator {
    /// What it takes.
    type Input: Copy;
    /// What it gives.
    type Output: Copy;

    /// Takes an input; the new value, or `None` while warming up.
    fn update(&mut self, input: Self::Input) -> Option<Self::Output>;
    /// The latest value.
    fn value(&self) -> Option<Self::Output>;
    /// The value one input earlier. At the first value, that value itself: what compares two neighbours then sees no
    /// change, and what waits for a value needs not wait for a second one.
    fn previous(&self) -> Option<Self::Output>;
    /// How many inputs the first value takes.
    fn warm_up(&self) -> usize;
    /// Forgets every input.
    fn reset(&mut self);
    /// Whether there is a value.
    fn is_ready(&self) -> bool {
        self.value().is_some()
    }
}

/// A formula with a memory of its last two values.
#[derive(Debug, Clone)]
pub struct Streamed<F: Formula> {
    formula: F,
    fresh: F,
    has_started: bool,
    value: Option<F::Output>,
    previous: Option<F::Output>,
}

impl<F: Formula> Streamed<F> {
    pub(super) fn from_formula(formula: F) -> Self {
        Self { fresh: formula.clone(), formula, has_started: false, value: None, previous: None }
    }

    /// Whether it has taken an input.
    pub(super) const fn started(&self) -> bool {
        self.has_started
    }

    /// The formula before its first input.
    pub(super) fn fresh(&self) -> &F {
        &self.fresh
    }
}

impl<F: Formula> Indicator for Streamed<F> {
    type Input = F::Input;
    type Output = F::Output;

    #[inline]
    fn update(&mut self, input: F::Input) -> Option<F::Output> {
        if !self.has_started {
            if input.is_nan() {
                return None;
            }
            self.has_started = true;
        }
        let value = self.formula.next(input);
        self.previous = self.value.or(value);
        self.value = value;
        value
    }
    #[inline]
    fn value(&self) -> Option<F::Output> {
        self.value
    }
    #[inline]
    fn previous(&self) -> Option<F::Output> {
        self.previous
    }
    fn warm_up(&self) -> usize {
        self.fresh.warm_up()
    }
    fn reset(&mut self) {
        *self = Self::from_formula(self.fresh.clone());
    }
}

/// Holds back the first values of a recursive formula, in which its seed still shows: TA-Lib's unstable period.
#[derive(Debug, Clone)]
pub struct Settled<F> {
    formula: F,
    unstable_period: usize,
    held_back: usize,
}

impl<F: Formula> Settled<F> {
    pub(super) fn new(formula: F, unstable_period: usize) -> Self {
        Self { formula, unstable_period, held_back: 0 }
    }
}

impl<F: Formula> Formula for Settled<F> {
    type Input = F::Input;
    type Output = F::Output;
    const NAME: &'static str = F::NAME;

    #[inline]
    fn next(&mut self, input: F::Input) -> Option<F::Output> {
        let value = self.formula.next(input)?;
        if self.held_back < self.unstable_period {
            self.held_back += 1;
            return None;
        }
        Some(value)
    }
    #[inline]
    fn next_when_warm(&mut self, input: F::Input) -> Option<F::Output> {
        self.formula.next_when_warm(input)
    }
    fn rows_when_warm(&mut self, columns: &Columns<'_>, out: &mut [&mut [f64]]) {
        self.formula.rows_when_warm(columns, out);
    }
    fn warm_up(&self) -> usize {
        self.formula.warm_up().saturating_add(self.unstable_period)
    }
}
