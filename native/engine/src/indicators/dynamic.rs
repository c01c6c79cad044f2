//! The face of an indicator without types: numbers or bars in, at most three numbers out; and the batch.

use std::ops::Range;

use super::error::IndicatorError;
use super::formula::{Formula, Indicator, ROWS_MAX, Streamed};
use super::input::{Field, Input, wrong_input};
use super::output::Output;
use crate::event::Bar;
use crate::time::Nanos;

/// The most numbers that an indicator takes.
const INPUTS_MAX: usize = 4;

/// The numbers of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Values {
    parts: [f64; 3],
    count: usize,
}

impl Values {
    #[inline]
    fn of<O: Output>(output: O) -> Self {
        Self { parts: output.parts(), count: O::NAMES.len() }
    }
    /// The numbers, as many as the indicator has names for.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        self.parts.get(..self.count).unwrap_or(&self.parts)
    }
    /// The first number, which is all there is to most indicators.
    #[inline]
    #[must_use]
    pub const fn first(&self) -> f64 {
        let [first, ..] = self.parts;
        first
    }
}

/// Columns of input: as many as the indicator has inputs, of one length.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// The numbers.
    pub numbers: &'a [&'a [f64]],
    /// Open times in nanoseconds since the epoch, for what starts anew each session.
    pub times: Option<&'a [i64]>,
}

/// An indicator whose types are not known.
pub trait Streaming: Send + Sync {
    /// The name users know.
    fn name(&self) -> &'static str;
    /// Names of the numbers it takes.
    fn inputs(&self) -> &'static [&'static str];
    /// The name of what it gives.
    fn output_type(&self) -> &'static str;
    /// Names of the numbers it gives.
    fn outputs(&self) -> &'static [&'static str];
    /// Takes a bare number.
    ///
    /// # Errors
    /// [`IndicatorError::Input`]: it takes more than one.
    fn update_value(&mut self, value: f64) -> Result<Option<Values>, IndicatorError>;
    /// Takes numbers, and the time they belong to where that matters.
    ///
    /// # Errors
    /// [`IndicatorError::Input`], [`IndicatorError::NoTime`].
    fn update_numbers(&mut self, numbers: &[f64], time: Option<Nanos>) -> Result<Option<Values>, IndicatorError>;
    /// Takes what it needs from a bar; `field` decides where it needs one number.
    ///
    /// # Errors
    /// [`IndicatorError::NoVolume`].
    fn update_bar(&mut self, bar: &Bar, field: Field) -> Result<Option<Values>, IndicatorError>;
    /// The latest value.
    fn value(&self) -> Option<Values>;
    /// The value one input earlier; at the first value, that value itself.
    fn previous(&self) -> Option<Values>;
    /// How many inputs the first value takes.
    fn warm_up(&self) -> usize;
    /// Whether it has taken an input.
    fn has_started(&self) -> bool;
    /// Forgets every input.
    fn reset(&mut self);
    /// Runs a fresh copy over columns; `out` holds a column for each output, NaN where there is no value.
    ///
    /// # Errors
    /// [`IndicatorError::Input`], [`IndicatorError::Lengths`], [`IndicatorError::NoTime`].
    fn batch(&self, columns: &Columns<'_>, out: &mut [&mut [f64]]) -> Result<(), IndicatorError>;
}

impl<F: Formula> Streaming for Streamed<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }
    fn inputs(&self) -> &'static [&'static str] {
        F::Input::NAMES
    }
    fn output_type(&self) -> &'static str {
        F::Output::TYPE_NAME
    }
    fn outputs(&self) -> &'static [&'static str] {
        F::Output::NAMES
    }
    #[inline]
    fn update_value(&mut self, value: f64) -> Result<Option<Values>, IndicatorError> {
        let input = F::Input::from_numbers(&[value], None).ok_or_else(|| wrong_input::<F::Input>(F::NAME, 1))?;
        Ok(self.update(input).map(Values::of))
    }
    fn update_numbers(&mut self, numbers: &[f64], time: Option<Nanos>) -> Result<Option<Values>, IndicatorError> {
        let input = F::Input::from_numbers(numbers, time);
        let input = input.ok_or_else(|| wrong_input::<F::Input>(F::NAME, numbers.len()))?;
        if time.is_none() && self.fresh().needs_time() {
            return Err(IndicatorError::NoTime { indicator: F::NAME });
        }
        Ok(self.update(input).map(Values::of))
    }
    fn update_bar(&mut self, bar: &Bar, field: Field) -> Result<Option<Values>, IndicatorError> {
        let input = F::Input::from_bar(bar, field).ok_or(IndicatorError::NoVolume { indicator: F::NAME })?;
        Ok(self.update(input).map(Values::of))
    }
    fn value(&self) -> Option<Values> {
        Indicator::value(self).map(Values::of)
    }
    fn previous(&self) -> Option<Values> {
        Indicator::previous(self).map(Values::of)
    }
    fn warm_up(&self) -> usize {
        self.fresh().warm_up()
    }
    fn has_started(&self) -> bool {
        self.started()
    }
    fn reset(&mut self) {
        Indicator::reset(self);
    }
    fn batch(&self, columns: &Columns<'_>, out: &mut [&mut [f64]]) -> Result<(), IndicatorError> {
        check_columns::<F>(self.fresh(), columns, out)?;
        run(self.fresh().clone(), columns, out);
        Ok(())
    }
}

fn check_columns<F: Formula>(formula: &F, columns: &Columns<'_>, out: &[&mut [f64]]) -> Result<(), IndicatorError> {
    if columns.numbers.len() != F::Input::NAMES.len() {
        return Err(wrong_input::<F::Input>(F::NAME, columns.numbers.len()));
    }
    if columns.times.is_none() && formula.needs_time() {
        return Err(IndicatorError::NoTime { indicator: F::NAME });
    }
    let mut lengths: Vec<usize> = columns.numbers.iter().map(|column| column.len()).collect();
    lengths.extend(columns.times.map(<[i64]>::len));
    lengths.extend(out.iter().map(|column| column.len()));
    if lengths.windows(2).any(|pair| pair.first() != pair.last()) {
        let lengths = lengths.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Err(IndicatorError::Lengths { indicator: F::NAME, lengths });
    }
    Ok(())
}

/// The streaming rule over all rows. Leading rows with a NaN are not fed, as [`Streamed`] does not.
fn run<F: Formula>(mut formula: F, columns: &Columns<'_>, out: &mut [&mut [f64]]) {
    let length = columns.numbers.first().map_or(0, |column| column.len());
    let skipped = F::Input::rows(columns).take_while(|row| row.is_nan()).count();
    let warm = skipped.saturating_add(formula.warm_up()).min(length);
    for column in out.iter_mut() {
        column.iter_mut().take(skipped).for_each(|cell| *cell = f64::NAN);
    }
    in_rows(columns, out, skipped..warm, |columns, out| each_row(columns, |row| formula.next(row), out));
    for start in (warm..length).step_by(ROWS_MAX) {
        let rows = start..length.min(start + ROWS_MAX);
        in_rows(columns, out, rows, |columns, out| formula.rows_when_warm(columns, out));
    }
}

/// Calls `run` with a range of the rows, read and written.
#[inline]
fn in_rows(
    columns: &Columns<'_>,
    out: &mut [&mut [f64]],
    rows: Range<usize>,
    run: impl FnOnce(&Columns<'_>, &mut [&mut [f64]]),
) {
    let mut numbers: [&[f64]; INPUTS_MAX] = [&[]; INPUTS_MAX];
    for (part, column) in numbers.iter_mut().zip(columns.numbers) {
        *part = column.get(rows.clone()).unwrap_or_default();
    }
    let numbers = numbers.get(..columns.numbers.len()).unwrap_or_default();
    let times = columns.times.and_then(|times| times.get(rows.clone()));
    let count = out.len();
    let mut parts: [&mut [f64]; 3] = Default::default();
    for (part, column) in parts.iter_mut().zip(out.iter_mut()) {
        *part = column.get_mut(rows.clone()).unwrap_or_default();
    }
    let parts = parts.get_mut(..count).unwrap_or_default();
    run(&Columns { numbers, times }, parts);
}

/// Writes what `next` gives for each row; NaN where it gives nothing.
#[inline]
pub(super) fn each_row<I: Input, O: Output>(
    columns: &Columns<'_>,
    mut next: impl FnMut(I) -> Option<O>,
    out: &mut [&mut [f64]],
) {
    let values = I::rows(columns).map(move |row| next(row).map_or([f64::NAN; 3], Output::parts));
    match out {
        [a] => values.zip(a.iter_mut()).for_each(|([x, _, _], a)| *a = x),
        [a, b] => values.zip(a.iter_mut().zip(b.iter_mut())).for_each(|([x, y, _], (a, b))| (*a, *b) = (x, y)),
        [a, b, c] => {
            let out = a.iter_mut().zip(b.iter_mut()).zip(c.iter_mut());
            values.zip(out).for_each(|([x, y, z], ((a, b), c))| (*a, *b, *c) = (x, y, z));
        }
        _ => debug_assert!(false, "an indicator gives one to three numbers"),
    }
}
