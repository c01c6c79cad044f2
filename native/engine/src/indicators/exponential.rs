//! Recursive averages: exponential and its compositions, Kaufman's, Wilder's.

use super::error::{IndicatorError, check_period};
use super::formula::{Formula, Settled, Streamed};
use super::window::{Lag, Sum, Window};

/// The exponential average with `k = 2 / (period + 1)`, seeded with the mean of the first `period` inputs (TA-Lib `EMA`).
pub type Ema = Streamed<Settled<Exponential>>;

/// Formula of [`Ema`], kept as the distance of the last input from the average.
///
/// With `gap = x - ema`, the recursion `ema + k (x - ema)` reads `gap = (1 - k) (gap + x - x_before)`: one operation
/// less that has to wait for the one before, and a constant input leaves the average exactly where it is.
#[derive(Debug, Clone)]
pub struct Exponential {
    period: usize,
    decay: f64,
    seen: usize,
    sum: f64,
    last: f64,
    gap: f64,
}

impl Exponential {
    pub(super) fn new(period: usize) -> Self {
        let n = period as f64;
        let decay = 1.0 - 2.0 / (n + 1.0);
        Self { period, decay, seen: 0, sum: 0.0, last: 0.0, gap: 0.0 }
    }

    #[inline]
    fn seed(&mut self, input: f64) -> Option<f64> {
        self.seen += 1;
        self.sum += input;
        if self.seen < self.period {
            return None;
        }
        let mean = self.sum / self.period as f64;
        self.gap = input - mean;
        self.last = input;
        Some(mean)
    }
}

impl Formula for Exponential {
    type Input = f64;
    type Output = f64;
    const NAME: &'static str = "Ema";

    #[inline]
    fn next(&mut self, input: f64) -> Option<f64> {
        if self.seen < self.period { self.seed(input) } else { self.next_when_warm(input) }
    }
    #[inline]
    fn next_when_warm(&mut self, input: f64) -> Option<f64> {
        self.gap = self.decay * (self.gap + (input - self.last));
        self.last = input;
        Some(input - self.gap)
    }
    fn warm_up(&self) -> usize {
        self.period
    }
}

/// An exponential average whose first values are held back.
pub(super) fn exponential(period: usize, unstable_period: usize) -> Settled<Exponential> {
    Settled::new(Exponential::new(period), unstable_period)
}

impl Ema {
    /// Over `period` inputs, at least 1.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        Self::with_unstable(period, 0)
    }

    /// The same, its first `unstable_period` values held back.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn with_unstable(period: usize, unstable_period: usize) -> Result<Self, IndicatorError> {
        check_period("Ema", "period", period, 1)?;
        Ok(Self::from_formula(exponential(period, unstable_period)))
    }
}

/// The double exponential average `2 EMA - EMA(EMA)` (Mulloy 1994; TA-Lib `DEMA`).
pub type Dema = Streamed<DoubleExponential>;

/// Formula of [`Dema`].
#[derive(Debug, Clone)]
pub struct DoubleExponential {
    once: Settled<Exponential>,
    twice: Settled<Exponential>,
}

impl Formula for DoubleExponential {
    type Input = f64;
    type Output = f64;
    const NAME: &'static str = "Dema";

    #[inline]
    fn next(&mut self, input: f64) -> Option<f64> {
        let once = self.once.next(input)?;
        let twice = self.twice.next(once)?;
        Some(2.0 * once - twice)
    }
    fn warm_up(&self) -> usize {
        self.once.warm_up() + self.twice.warm_up() - 1
    }
}

impl Dema {
    /// Of averages over `period` inputs, at least 1.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        Self::with_unstable(period, 0)
    }

    /// The same, the first `unstable_period` values of each average held back.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn with_unstable(period: usize, unstable_period: usize) -> Result<Self, IndicatorError> {
        check_period("Dema", "period", period, 1)?;
        let once = exponential(period, unstable_period);
        Ok(Self::from_formula(DoubleExponential { twice: once.clone(), once }))
    }
}

/// The triple exponential average `3 EMA - 3 EMA(EMA) + EMA(EMA(EMA))` (Mulloy 1994; TA-Lib `TEMA`).
pub type Tema = Streamed<TripleExponential>;

/// Formula of [`Tema`].
#[derive(Debug, Clone)]
pub struct TripleExponential {
    once: Settled<Exponential>,
    twice: Settled<Exponential>,
    thrice: Settled<Exponential>,
}

impl Formula for TripleExponential {
    type Input = f64;
    type Output = f64;
    const NAME: &'static str = "Tema";

    #[inline]
    fn next(&mut self, input: f64) -> Option<f64> {
        let once = self.once.next(input)?;
        let twice = self.twice.next(once)?;
        let thrice = self.thrice.next(twice)?;
        Some(3.0 * (once - twice) + thrice)
    }
    fn warm_up(&self) -> usize {
        self.once.warm_up() + self.twice.warm_up() + self.thrice.warm_up() - 2
    }
}

impl Tema {
    /// Of averages over `period` inputs, at least 1.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        Self::with_unstable(period, 0)
    }

    /// The same, the first `unstable_period` values of each average held back.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn with_unstable(period: usize, unstable_period: usize) -> Result<Self, IndicatorError> {
        check_period("Tema", "period", period, 1)?;
        let once = exponential(period, unstable_period);
        Ok(Self::from_formula(TripleExponential { twice: once.clone(), thrice: once.clone(), once }))
    }
}

/// Kaufman's adaptive average: as fast as an EMA of 2 in a straight move, as slow as one of 30 in noise (TA-Lib `KAMA`).
pub type Kama = Streamed<Settled<Adaptive>>;

/// Formula of [`Kama`].
#[derive(Debug, Clone)]
pub struct Adaptive {
    lag: Lag,
    path: Window<Sum>,
    last: Option<f64>,
    average: f64,
    has_average: bool,
}

impl Formula for Adaptive {
    type Input = f64;
    type Output = f64;
    const NAME: &'static str = "Kama";

    #[inline]
    fn next(&mut self, input: f64) -> Option<f64> {
        const SLOWEST: f64 = 2.0 / 31.0;
        const FASTEST: f64 = 2.0 / 3.0;
        let old = self.lag.push(input);
        let last = self.last.replace(input)?;
        let path = self.path.push((input - last).abs())?;
        let change = input - old?;
        if !self.has_average {
            self.has_average = true;
            self.average = last;
        }
        // A path no longer than the change, or none at all, is a straight move.
        let efficiency = if path <= change || path == 0.0 { 1.0 } else { (change / path).abs() };
        let smoothing = efficiency * (FASTEST - SLOWEST) + SLOWEST;
        self.average += smoothing * smoothing * (input - self.average);
        Some(self.average)
    }
    fn warm_up(&self) -> usize {
        self.lag.span() + 1
    }
}

impl Kama {
    /// With the efficiency of the last `period` changes, at least 2.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn new(period: usize) -> Result<Self, IndicatorError> {
        Self::with_unstable(period, 0)
    }

    /// The same, its first `unstable_period` values held back.
    ///
    /// # Errors
    /// [`IndicatorError::Parameter`].
    pub fn with_unstable(period: usize, unstable_period: usize) -> Result<Self, IndicatorError> {
        check_period("Kama", "period", period, 2)?;
        let formula =
            Adaptive { lag: Lag::new(period), path: Window::new(period), last: None, average: 0.0, has_average: false };
        Ok(Self::from_formula(Settled::new(formula, unstable_period)))
    }
}

/// `K` sums `s = keep * s + input`, in such an order that eight inputs wait for what came before them only once.
///
/// What the last few inputs left behind is summed from zero, and the sum before them is added with a power of `keep`:
/// the processor can then work at several inputs at a time.
#[derive(Debug, Clone)]
struct Decay<const K: usize> {
    powers: [f64; 8],
    /// How many of the eight there have been.
    count: usize,
    /// The sums before them.
    before: [f64; K],
    recent: [f64; K],
}

impl<const K: usize> Decay<K> {
    fn new(keep: f64) -> Self {
        let mut power = 1.0;
        let powers = [(); 8].map(|()| {
            power *= keep;
            power
        });
        Self { powers, count: 0, before: [0.0; K], recent: [0.0; K] }
    }

    fn start(&mut self, sums: [f64; K]) {
        self.before = sums;
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a remainder of 8 is below 8, and the compiler sees it")]
    fn push(&mut self, mut inputs: [f64; K]) -> [f64; K] {
        let [keep, ..] = self.powers;
        let power = self.powers[self.count % 8];
        for ((input, recent), before) in inputs.iter_mut().zip(&mut self.recent).zip(self.before) {
            *recent = keep * *recent + *input;
            *input = power * before + *recent;
        }
        self.count += 1;
        if self.count == 8 {
            (self.count, self.before, self.recent) = (0, inputs, [0.0; K]);
        }
        inputs
    }
}

impl Decay<1> {
    /// `push` for each value, in place: the same bits, eight at a time.
    fn replace(&mut self, values: &mut [f64]) {
        let [keep, ..] = self.powers;
        let ahead = ((8 - self.count) % 8).min(values.len());
        let (ahead, rest) = values.split_at_mut(ahead);
        for value in ahead {
            [*value] = self.push([*value]);
        }
        let (eights, rest) = rest.as_chunks_mut::<8>();
        let [mut before] = self.before;
        for eight in eights {
            let mut recent = 0.0;
            for value in eight.iter_mut() {
                recent = keep * recent + *value;
                *value = recent;
            }
            for (value, power) in eight.iter_mut().zip(self.powers) {
                *value += power * before;
            }
            [.., before] = *eight;
        }
        self.before = [before];
        for value in rest {
            [*value] = self.push([*value]);
        }
    }
}

/// Wilder's averages of `K` series at once: `(before (n - 1) + x) / n`, seeded with the mean of the first `n`.
#[derive(Debug, Clone)]
pub(super) struct Wilder<const K: usize> {
    period: usize,
    take: f64,
    seen: usize,
    sums: [f64; K],
    averages: Decay<K>,
}

impl<const K: usize> Wilder<K> {
    pub(super) fn new(period: usize) -> Self {
        let n = period as f64;
        Self { period, take: 1.0 / n, seen: 0, sums: [0.0; K], averages: Decay::new((n - 1.0) / n) }
    }

    pub(super) const fn period(&self) -> usize {
        self.period
    }

    #[inline]
    pub(super) fn next(&mut self, inputs: [f64; K]) -> Option<[f64; K]> {
        if self.seen < self.period { self.seed(inputs) } else { Some(self.next_when_warm(inputs)) }
    }

    /// The same, when the seed is known to be there.
    #[inline]
    pub(super) fn next_when_warm(&mut self, inputs: [f64; K]) -> [f64; K] {
        self.averages.push(inputs.map(|input| input * self.take))
    }

    #[inline]
    fn seed(&mut self, inputs: [f64; K]) -> Option<[f64; K]> {
        self.seen += 1;
        for (sum, input) in self.sums.iter_mut().zip(inputs) {
            *sum += input;
        }
        if self.seen < self.period {
            return None;
        }
        let means = self.sums.map(|sum| sum / self.period as f64);
        self.averages.start(means);
        Some(means)
    }
}

impl Wilder<1> {
    /// `next_when_warm` for each value, in place.
    pub(super) fn replace(&mut self, values: &mut [f64]) {
        for value in values.iter_mut() {
            *value *= self.take;
        }
        self.averages.replace(values);
    }
}
