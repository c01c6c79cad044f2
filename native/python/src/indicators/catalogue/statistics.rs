//! Statistics of the last inputs.

use engine::indicators as formulas;

use super::catalogue;

catalogue! {
    /// The smallest of the last `period` inputs.
    ///
    /// Inputs: one number. Gives a float in its unit, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, inputs
    ///
    /// Notes
    /// -----
    /// TA-Lib's MIN.
    Min(value), rolling_min(values), [period], (period: usize) => formulas::Min::new(period);

    /// The largest of the last `period` inputs.
    ///
    /// Inputs: one number. Gives a float in its unit, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, inputs
    ///
    /// Notes
    /// -----
    /// TA-Lib's MAX.
    Max(value), rolling_max(values), [period], (period: usize) => formulas::Max::new(period);

    /// Standard deviation (of the population, divided by `period`) of the last `period` inputs.
    ///
    /// Inputs: one number. Gives a float in its unit, exactly 0 where all are equal, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, inputs
    ///
    /// Notes
    /// -----
    /// TA-Lib's STDDEV.
    Std(value), rolling_std(values), [period], (period: usize) => formulas::Std::new(period);

    /// How many deviations (of the population) an input is from the mean of the last `period`; 0 where there is none.
    ///
    /// Inputs: one number. Gives a float without unit, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, inputs
    Zscore(value), zscore(values), [period], (period: usize) => formulas::Zscore::new(period);

    /// Line of least squares through the last `period` inputs, the oldest at 0, the newest at `period - 1`.
    ///
    /// Inputs: one number. Gives `LinearRegressionValue(slope, intercept, value)`: rise per input, the line at the
    /// oldest and at the newest input, in the unit of the input; first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 2 to 100000, inputs
    ///
    /// Notes
    /// -----
    /// TA-Lib's LINEARREG_SLOPE, LINEARREG_INTERCEPT and LINEARREG.
    LinearRegression(value), linear_regression(values), [period = 14], (period: usize)
        => formulas::LinearRegression::new(period);

    /// Exponentially weighted variance, `k = 2 / (period + 1)`.
    ///
    /// Inputs: one number. Gives a float in its unit squared, never negative, first with input number `period`.
    ///
    /// Parameters
    /// ----------
    /// period : int, 1 to 100000, span in inputs
    ///
    /// Notes
    /// -----
    /// Finch (2009). pandas' `ewm(span=period, adjust=False, min_periods=period).var(bias=True)`.
    EwmVariance(value), ewm_variance(values), [period], (period: usize) => formulas::EwmVariance::new(period);
}
