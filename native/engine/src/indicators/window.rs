//! What happened over the last `n` inputs, in constant time and without ever subtracting what has left.
//!
//! The window is two blocks: of the older one, the fold of every suffix is stored; of the newer one, a running fold
//! is kept, and its inputs are written over the suffixes that are used up. After `n` inputs the newer block is full
//! and becomes the older. A running sum would subtract instead, and keep the rounding errors of all it has ever seen;
//! here nothing that has left the window can be felt, be it a NaN or 1e20.

/// An associative operation with a neutral element.
pub trait Fold: Clone + Send + Sync {
    /// What is folded.
    type Item: Copy + Send + Sync;
    /// Changes nothing.
    const NEUTRAL: Self::Item;
    /// Both, the older first.
    fn join(older: Self::Item, newer: Self::Item) -> Self::Item;
}

/// The sum.
#[derive(Debug, Clone)]
pub struct Sum;
impl Fold for Sum {
    type Item = f64;
    const NEUTRAL: f64 = 0.0;
    #[inline]
    fn join(older: f64, newer: f64) -> f64 {
        older + newer
    }
}

/// Two sums side by side.
#[derive(Debug, Clone)]
pub struct SumOfTwo;
impl Fold for SumOfTwo {
    type Item = [f64; 2];
    const NEUTRAL: [f64; 2] = [0.0; 2];
    #[inline]
    fn join([a, b]: [f64; 2], [c, d]: [f64; 2]) -> [f64; 2] {
        [a + c, b + d]
    }
}

/// The largest; NaN if there is one.
#[derive(Debug, Clone)]
pub struct Largest;
impl Fold for Largest {
    type Item = f64;
    const NEUTRAL: f64 = f64::NEG_INFINITY;
    #[inline]
    fn join(older: f64, newer: f64) -> f64 {
        if older <= newer || newer.is_nan() { newer } else { older }
    }
}

/// The smallest; NaN if there is one.
#[derive(Debug, Clone)]
pub struct Smallest;
impl Fold for Smallest {
    type Item = f64;
    const NEUTRAL: f64 = f64::INFINITY;
    #[inline]
    fn join(older: f64, newer: f64) -> f64 {
        if older >= newer || newer.is_nan() { newer } else { older }
    }
}

/// A fold over the last `n` inputs.
#[derive(Debug, Clone)]
pub struct Window<F: Fold> {
    /// `n` slots and a neutral one. From `at` on: suffixes of the older block; before: inputs of the newer.
    slots: Box<[F::Item]>,
    at: usize,
    newer: F::Item,
    is_full: bool,
}

impl<F: Fold> Window<F> {
    pub fn new(n: usize) -> Self {
        Self { slots: vec![F::NEUTRAL; n + 1].into(), at: 0, newer: F::NEUTRAL, is_full: false }
    }

    /// How many inputs it spans.
    pub const fn span(&self) -> usize {
        self.slots.len() - 1
    }

    /// Takes an input; the fold, once there have been `n`.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "at < n, and there are n + 1 slots")]
    pub fn push(&mut self, input: F::Item) -> Option<F::Item> {
        self.newer = F::join(self.newer, input);
        let folded = F::join(self.slots[self.at + 1], self.newer);
        self.slots[self.at] = input;
        self.at += 1;
        if self.at == self.span() {
            fold_suffixes::<F>(&mut self.slots);
            self.at = 0;
            self.newer = F::NEUTRAL;
            self.is_full = true;
        }
        self.is_full.then_some(folded)
    }
}

/// Makes the newer block the older. It takes the slots alone: the rest of the window can then stay in registers.
fn fold_suffixes<F: Fold>(slots: &mut [F::Item]) {
    let mut suffix = F::NEUTRAL;
    for slot in slots.iter_mut().rev() {
        suffix = F::join(*slot, suffix);
        *slot = suffix;
    }
}

/// The input `n` before.
#[derive(Debug, Clone)]
pub struct Lag {
    slots: Box<[f64]>,
    at: usize,
    is_full: bool,
}

impl Lag {
    pub fn new(n: usize) -> Self {
        Self { slots: vec![0.0; n].into(), at: 0, is_full: false }
    }

    /// How far back it looks.
    pub const fn span(&self) -> usize {
        self.slots.len()
    }

    /// The last `n` inputs, in no particular order.
    pub fn inputs(&self) -> &[f64] {
        &self.slots
    }

    /// Takes an input; the one `n` before it, once there is one.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "at < n")]
    pub fn push(&mut self, input: f64) -> Option<f64> {
        let old = std::mem::replace(&mut self.slots[self.at], input);
        let old = self.is_full.then_some(old);
        self.at += 1;
        if self.at == self.slots.len() {
            self.at = 0;
            self.is_full = true;
        }
        old
    }
}

/// Mean and variance of the last `n` inputs, as sums of distances from a reference close to them.
///
/// Sums of plain squares lose every digit when the deviation is small beside the level. The reference is the last input
/// of the older block, chosen anew with each block; where all inputs are equal the variance is exactly zero.
#[derive(Debug, Clone)]
pub struct Moments {
    /// As in [`Window`]: suffix sums of distances and of their squares, or `[input, _]`.
    slots: Box<[[f64; 2]]>,
    at: usize,
    newer: [f64; 2],
    reference: f64,
    /// Of one input in the mean: a product is cheaper than a quotient, and zero stays zero.
    share: f64,
    is_full: bool,
}

/// Mean and variance.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub mean: f64,
    /// Of the population (divided by `n`), never negative.
    pub variance: f64,
}

impl Moments {
    pub fn new(n: usize) -> Self {
        let share = 1.0 / n as f64;
        Self { slots: vec![[0.0; 2]; n + 1].into(), at: 0, newer: [0.0; 2], reference: 0.0, share, is_full: false }
    }

    /// How many inputs it spans.
    pub const fn span(&self) -> usize {
        self.slots.len() - 1
    }

    /// Takes an input; the moments, once there have been `n`.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "at < n, and there are n + 1 slots")]
    pub fn push(&mut self, input: f64) -> Option<Moment> {
        if self.at == 0 && !self.is_full {
            self.reference = reference_from(input);
        }
        let distance = input - self.reference;
        let [sum, squares] = self.newer;
        self.newer = [sum + distance, squares + distance * distance];
        self.slots[self.at] = [input, 0.0];
        self.at += 1;
        let [sum, squares] = if self.at == self.span() {
            self.reference = reference_from(input);
            self.at = 0;
            self.newer = [0.0; 2];
            self.is_full = true;
            sum_suffixes(&mut self.slots, |_, input| {
                let distance = input - self.reference;
                [distance, distance * distance]
            })
        } else {
            SumOfTwo::join(self.slots[self.at], self.newer)
        };
        if !self.is_full {
            return None;
        }
        let mean = sum * self.share;
        let variance = (squares - sum * mean) * self.share;
        Some(Moment { mean: self.reference + mean, variance: if variance < 0.0 { 0.0 } else { variance } })
    }
}

/// An input as a reference, unless distances from it would be NaN.
#[inline]
fn reference_from(input: f64) -> f64 {
    if input.is_finite() { input } else { 0.0 }
}

/// Replaces `[input, _]` by the sums of what `terms` makes of it and of all that follow; gives the sums of all.
#[inline]
fn sum_suffixes(slots: &mut [[f64; 2]], terms: impl Fn(usize, f64) -> [f64; 2]) -> [f64; 2] {
    let mut suffix = [0.0; 2];
    // The spare slot stays zero.
    for (place, slot) in slots.iter_mut().enumerate().rev().skip(1) {
        let [input, _] = *slot;
        suffix = SumOfTwo::join(terms(place, input), suffix);
        *slot = suffix;
    }
    suffix
}

/// The sum of the last `n` inputs, and their sum weighted by age: 0 for the oldest to `n - 1` for the newest.
#[derive(Debug, Clone)]
pub struct Ramp {
    /// As in [`Window`]: suffix sums plain and weighted by the place in the block, or `[input, _]`.
    slots: Box<[[f64; 2]]>,
    at: usize,
    newer: [f64; 2],
    /// What is summed are distances from here.
    reference: f64,
    /// Whether the reference is chosen as in [`Moments`], or stays zero.
    follows: bool,
    is_full: bool,
}

/// What [`Ramp`] sums up.
#[derive(Debug, Clone, Copy)]
pub struct RampSums {
    /// What the sums are distances from.
    pub reference: f64,
    pub sum: f64,
    pub weighted: f64,
}

impl Ramp {
    /// Of the inputs themselves: exact while the sums are.
    pub fn plain(n: usize) -> Self {
        Self {
            slots: vec![[0.0; 2]; n + 1].into(),
            at: 0,
            newer: [0.0; 2],
            reference: 0.0,
            follows: false,
            is_full: false,
        }
    }

    /// Of distances from a reference close to the inputs: where their level is high, products would leave no digits.
    pub fn of_distances(n: usize) -> Self {
        Self { follows: true, ..Self::plain(n) }
    }

    /// How many inputs it spans.
    pub const fn span(&self) -> usize {
        self.slots.len() - 1
    }

    /// Takes an input; the sums, once there have been `n`.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "at < n, and there are n + 1 slots")]
    pub fn push(&mut self, input: f64) -> Option<RampSums> {
        if self.follows && self.at == 0 && !self.is_full {
            self.reference = reference_from(input);
        }
        let distance = input - self.reference;
        let [sum, weighted] = self.newer;
        self.newer = [sum + distance, weighted + self.at as f64 * distance];
        self.slots[self.at] = [input, 0.0];
        self.at += 1;
        if self.at == self.span() {
            if self.follows {
                self.reference = reference_from(input);
            }
            self.at = 0;
            self.newer = [0.0; 2];
            self.is_full = true;
            let [sum, weighted] = sum_suffixes(&mut self.slots, |place, input| {
                let distance = input - self.reference;
                [distance, place as f64 * distance]
            });
            return Some(RampSums { reference: self.reference, sum, weighted });
        }
        let [older_sum, older_weighted] = self.slots[self.at];
        let [sum, weighted] = self.newer;
        // The window starts `at` places into the older block, which ends `n - at` places into the window.
        let (start, end) = (self.at as f64, (self.span() - self.at) as f64);
        let weighted = (older_weighted - start * older_sum) + (end * sum + weighted);
        self.is_full.then_some(RampSums { reference: self.reference, sum: older_sum + sum, weighted })
    }
}

/// A sum that only grows, with the rounding error of each step carried along (Neumaier 1974).
#[derive(Debug, Clone, Copy, Default)]
pub struct Total {
    sum: f64,
    error: f64,
}

impl Total {
    #[inline]
    pub fn add(&mut self, number: f64) {
        let sum = self.sum + number;
        self.error +=
            if self.sum.abs() >= number.abs() { (self.sum - sum) + number } else { (number - sum) + self.sum };
        self.sum = sum;
    }

    #[inline]
    pub fn value(self) -> f64 {
        self.sum + self.error
    }
}
