//! Why an indicator was refused, or refused an input; and the checks of parameters that all share.

/// The longest period, as TA-Lib's.
pub const PERIOD_MAX: usize = 100_000;

/// What has to be fixed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndicatorError {
    /// A parameter is out of range.
    #[error("{indicator}: {parameter} = {given}: must be {allowed}")]
    Parameter {
        /// Of which indicator.
        indicator: &'static str,
        /// Which parameter.
        parameter: &'static str,
        /// What was given.
        given: String,
        /// What is allowed.
        allowed: String,
    },
    /// The indicator needs other numbers than those given.
    #[error("{indicator} takes ({}): {given} given", .expected.join(", "))]
    Input {
        /// Which indicator.
        indicator: &'static str,
        /// The numbers it takes.
        expected: &'static [&'static str],
        /// What was given.
        given: String,
    },
    /// The indicator needs volumes and the bar has none.
    #[error("{indicator} needs a volume, and the bar has none: load data with volumes, or use another indicator")]
    NoVolume {
        /// Which indicator.
        indicator: &'static str,
    },
    /// The indicator starts anew each session and has not been told the time.
    #[error("{indicator} starts anew each day: give the time of the input, in nanoseconds since the epoch")]
    NoTime {
        /// Which indicator.
        indicator: &'static str,
    },
    /// Columns of different lengths.
    #[error("{indicator}: the columns differ in length: {lengths}")]
    Lengths {
        /// Which indicator.
        indicator: &'static str,
        /// The lengths, as text.
        lengths: String,
    },
}

/// Refuses a period outside `low..=PERIOD_MAX`.
pub(super) fn check_period(
    indicator: &'static str,
    parameter: &'static str,
    given: usize,
    low: usize,
) -> Result<(), IndicatorError> {
    if (low..=PERIOD_MAX).contains(&given) {
        return Ok(());
    }
    let allowed = format!("{low} to {PERIOD_MAX}");
    Err(IndicatorError::Parameter { indicator, parameter, given: given.to_string(), allowed })
}

/// Refuses a factor that is not a finite number above zero.
pub(super) fn check_factor(indicator: &'static str, parameter: &'static str, given: f64) -> Result<(), IndicatorError> {
    if given.is_finite() && given > 0.0 {
        return Ok(());
    }
    let allowed = "a finite number above 0".to_owned();
    Err(IndicatorError::Parameter { indicator, parameter, given: given.to_string(), allowed })
}
