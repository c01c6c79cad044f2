//! Both faces against each other and against plain recomputation.

use proptest::prelude::*;

use super::window::{Largest, Moments, Ramp, Smallest, Sum, Total, Window};
use super::*;

/// Each indicator with small parameters, and how many columns it takes.
fn catalogue() -> Vec<Box<dyn Streaming>> {
    vec![
        Box::new(Sma::new(5).unwrap()),
        Box::new(Wma::new(5).unwrap()),
        Box::new(Hma::new(9).unwrap()),
        Box::new(Ema::with_unstable(5, 3).unwrap()),
        Box::new(Dema::new(4).unwrap()),
        Box::new(Tema::new(3).unwrap()),
        Box::new(Kama::new(5).unwrap()),
        Box::new(Rsi::new(5).unwrap()),
        Box::new(StochRsi::with_unstable(5, 4, 3, 2).unwrap()),
        Box::new(Macd::with_unstable(3, 6, 4, 2).unwrap()),
        Box::new(Bollinger::new(5, 2.0).unwrap()),
        Box::new(Keltner::new(5, 7, 1.5).unwrap()),
        Box::new(Donchian::new(5).unwrap()),
        Box::new(Atr::with_unstable(5, 3).unwrap()),
        Box::new(EwmVariance::new(5).unwrap()),
        Box::new(Adx::new(4).unwrap()),
        Box::new(Dmi::new(4).unwrap()),
        Box::new(SuperTrend::new(4, 1.5).unwrap()),
        Box::new(ParabolicSar::new(0.02, 0.2).unwrap()),
        Box::new(Stochastic::new(5, 3, 2).unwrap()),
        Box::new(Cci::new(5).unwrap()),
        Box::new(WilliamsR::new(5).unwrap()),
        Box::new(Roc::new(5).unwrap()),
        Box::new(Momentum::new(5).unwrap()),
        Box::new(Obv::new()),
        Box::new(Mfi::new(5).unwrap()),
        Box::new(RollingVwap::new(5).unwrap()),
        Box::new(Vwap::new(Session::Whole)),
        Box::new(Min::new(5).unwrap()),
        Box::new(Max::new(5).unwrap()),
        Box::new(Std::new(5).unwrap()),
        Box::new(Zscore::new(5).unwrap()),
        Box::new(LinearRegression::new(5).unwrap()),
    ]
}

/// High, low, close and volume, at times with a NaN, longer than a batch hands over at once.
fn bars() -> impl Strategy<Value = [Vec<f64>; 4]> {
    let number = prop_oneof![60 => 90.0..110.0_f64, 1 => Just(100.0), 1 => Just(1e12)];
    let row = (number, 0.0..3.0_f64, 0.0..3.0_f64, 0.0..50.0_f64, 0..400_u32);
    prop::collection::vec(row, 1..1300).prop_map(|rows| {
        let mut columns = [const { Vec::new() }; 4];
        for (close, above, below, volume, luck) in rows {
            let close = if luck == 0 { f64::NAN } else { close };
            for (column, number) in columns.iter_mut().zip([close + above, close - below, close, volume]) {
                column.push(number);
            }
        }
        columns
    })
}

/// The columns that an indicator takes.
fn chosen<'a>(indicator: &dyn Streaming, columns: &'a [Vec<f64>; 4]) -> Vec<&'a [f64]> {
    let [high, low, close, volume] = columns;
    let of = |name: &&str| match *name {
        "high" => high.as_slice(),
        "low" => low.as_slice(),
        "volume" => volume.as_slice(),
        _ => close.as_slice(),
    };
    indicator.inputs().iter().map(of).collect()
}

fn batch(indicator: &dyn Streaming, numbers: &[&[f64]]) -> Vec<Vec<f64>> {
    let mut out = vec![vec![0.0; numbers[0].len()]; indicator.outputs().len()];
    let mut parts: Vec<&mut [f64]> = out.iter_mut().map(Vec::as_mut_slice).collect();
    indicator.batch(&Columns { numbers, times: None }, &mut parts).unwrap();
    out
}

/// The same bits, any NaN being as good as another.
fn same(one: f64, other: f64) -> bool {
    one.to_bits() == other.to_bits() || (one.is_nan() && other.is_nan())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn streaming_equals_batch_bit_for_bit(columns in bars()) {
        for mut indicator in catalogue() {
            let numbers = chosen(&*indicator, &columns);
            let wanted = batch(&*indicator, &numbers);
            for at in 0..numbers[0].len() {
                let row: Vec<f64> = numbers.iter().map(|column| column[at]).collect();
                let value = indicator.update_numbers(&row, None).unwrap();
                for (place, column) in wanted.iter().enumerate() {
                    let streamed = value.map_or(f64::NAN, |value| value.as_slice()[place]);
                    prop_assert!(same(streamed, column[at]), "{} row {at}: {streamed} {}", indicator.name(), column[at]);
                }
            }
        }
    }

    #[test]
    fn folds_over_a_window_equal_a_recomputation(values in prop::collection::vec(-1e6..1e6_f64, 1..200), n in 1_usize..30) {
        let (mut sum, mut largest, mut smallest) = (Window::<Sum>::new(n), Window::<Largest>::new(n), Window::<Smallest>::new(n));
        let (mut moments, mut plain, mut distances) = (Moments::new(n), Ramp::plain(n), Ramp::of_distances(n));
        for (at, value) in values.iter().enumerate() {
            let found = (sum.push(*value), largest.push(*value), smallest.push(*value));
            let (moment, plain, distances) = (moments.push(*value), plain.push(*value), distances.push(*value));
            let Some(start) = (at + 1).checked_sub(n) else {
                prop_assert!(found.0.is_none() && found.1.is_none() && moment.is_none() && plain.is_none());
                continue;
            };
            let window = &values[start..=at];
            let scale = 1e-12 * window.iter().map(|value| value.abs()).sum::<f64>();
            let total: f64 = window.iter().sum();
            prop_assert!((found.0.unwrap() - total).abs() <= scale);
            prop_assert_eq!(found.1.unwrap(), window.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            prop_assert_eq!(found.2.unwrap(), window.iter().copied().fold(f64::INFINITY, f64::min));
            let mean = total / n as f64;
            let variance = window.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n as f64;
            let moment = moment.unwrap();
            prop_assert!((moment.mean - mean).abs() <= scale);
            // Distances from the reference are as long as the window is wide.
            let width = found.1.unwrap() - found.2.unwrap();
            prop_assert!((moment.variance - variance).abs() <= 1e-12 * width * width * n as f64);
            let weighted: f64 = window.iter().enumerate().map(|(age, value)| age as f64 * value).sum();
            prop_assert!((plain.unwrap().weighted - weighted).abs() <= scale * n as f64);
            let sums = distances.unwrap();
            let ages = (n * (n - 1) / 2) as f64;
            prop_assert!((sums.weighted + sums.reference * ages - weighted).abs() <= 1e-11 * n as f64 * (scale * 1e12));
        }
    }

    #[test]
    fn what_has_left_the_window_is_not_felt(
        values in prop::collection::vec(90.0..110.0_f64, 60),
        at in 0_usize..30,
        outlier in prop_oneof![Just(f64::NAN), Just(1e20), Just(-1e20), Just(f64::INFINITY)],
    ) {
        let windowed: [Box<dyn Streaming>; 8] = [
            Box::new(Sma::new(7).unwrap()),
            Box::new(Wma::new(7).unwrap()),
            Box::new(Std::new(7).unwrap()),
            Box::new(Zscore::new(7).unwrap()),
            Box::new(Max::new(7).unwrap()),
            Box::new(Min::new(7).unwrap()),
            Box::new(Bollinger::new(7, 2.0).unwrap()),
            Box::new(LinearRegression::new(7).unwrap()),
        ];
        let mut spoilt = values.clone();
        spoilt[at] = outlier;
        // A leading NaN is skipped and would shift the rest.
        prop_assume!(!(at == 0 && outlier.is_nan()));
        for indicator in windowed {
            let (clean, spoilt) = (batch(&*indicator, &[&values]), batch(&*indicator, &[&spoilt]));
            for (clean, spoilt) in clean.iter().zip(&spoilt) {
                for (clean, spoilt) in clean.iter().zip(spoilt).skip(at + 7) {
                    prop_assert!((clean - spoilt).abs() <= 1e-9 * (1.0 + clean.abs()), "{}: {clean} {spoilt}", indicator.name());
                }
            }
        }
    }

    #[test]
    fn a_total_carries_its_rounding_errors(values in prop::collection::vec(-1e3..1e3_f64, 1..500)) {
        let mut total = Total::default();
        total.add(1e16);
        values.iter().for_each(|value| total.add(*value));
        total.add(-1e16);
        let exact: f64 = values.iter().sum();
        prop_assert!((total.value() - exact).abs() <= 1e-9);
    }
}

#[test]
fn warm_up_counts_the_inputs_of_the_first_value() {
    for mut indicator in catalogue() {
        let mut count = 0_usize;
        while indicator.value().is_none() {
            count += 1;
            let close = 100.0 + (count as f64 * 1.7).sin() * 5.0;
            let row = [close + 1.0, close - 1.0, close, 10.0];
            let row: &[f64] = if indicator.inputs() == ["price", "volume"] { &[100.0, 10.0] } else { &row };
            indicator.update_numbers(&row[..indicator.inputs().len()], None).unwrap();
        }
        assert_eq!(count, indicator.warm_up(), "{}", indicator.name());
    }
}

#[test]
fn equal_inputs_give_exact_values() {
    let still = [1000.25; 64];
    for indicator in catalogue().iter().filter(|indicator| indicator.inputs() == ["value"]) {
        let values = batch(&**indicator, &[&still]);
        let wanted: &[f64] = match indicator.name() {
            "Bollinger" => &[1000.25; 3],
            "LinearRegression" => &[0.0, 1000.25, 1000.25],
            "Macd" | "StochRsi" => &[0.0; 3],
            "Rsi" | "Roc" | "Momentum" | "Std" | "Zscore" | "EwmVariance" => &[0.0],
            _ => &[1000.25],
        };
        for (column, wanted) in values.iter().zip(wanted) {
            assert_eq!(column.last(), Some(wanted), "{}", indicator.name());
        }
    }
}

/// Both values of an indicator, by the typed face.
fn both<I: Indicator>(indicator: &I) -> (Option<I::Output>, Option<I::Output>) {
    (indicator.value(), indicator.previous())
}

#[test]
fn a_first_value_is_its_own_previous_one_and_reset_forgets_both() {
    let mut average = Sma::new(2).unwrap();
    average.update(1.0);
    assert_eq!(both(&average), (None, None));
    average.update(3.0);
    assert_eq!(both(&average), (Some(2.0), Some(2.0)));
    average.update(5.0);
    assert_eq!(both(&average), (Some(4.0), Some(2.0)));
    Indicator::reset(&mut average);
    assert_eq!(both(&average), (None, None));
    assert_eq!(average.update(7.0), None);
}

#[test]
fn leading_nans_do_not_count_and_later_ones_do() {
    let mut average = Sma::new(2).unwrap();
    assert_eq!(average.update(f64::NAN), None);
    assert_eq!(average.update(1.0), None);
    assert_eq!(average.update(2.0), Some(1.5));
    assert!(average.update(f64::NAN).unwrap().is_nan());
    assert!(average.update(1.0).unwrap().is_nan());
    assert_eq!(average.update(3.0), Some(2.0));
}

#[test]
fn wrong_inputs_and_parameters_say_what_is_wanted() {
    let error = Macd::new(26, 12, 9).unwrap_err().to_string();
    assert_eq!(error, "Macd: fast = 26: must be below slow = 12");
    let mut atr = Atr::new(3).unwrap();
    let error = atr.update_value(1.0).unwrap_err().to_string();
    assert_eq!(error, "Atr takes (high, low, close): 1 number given");
    let columns = Columns { numbers: &[&[1.0], &[1.0], &[1.0, 2.0]], times: None };
    let error = atr.batch(&columns, &mut [&mut [0.0]]).unwrap_err().to_string();
    assert_eq!(error, "Atr: the columns differ in length: 1, 1, 2, 1");
}

#[test]
fn a_session_starts_anew_at_midnight() {
    use crate::time::Nanos;
    let mut vwap = Vwap::new(Session::Day);
    let day = Nanos::DAY.raw();
    let value = |vwap: &mut Vwap, price: f64, nanos: i64| {
        vwap.update_numbers(&[price, price, price, 2.0], Some(Nanos::from_raw(nanos))).unwrap().unwrap().first()
    };
    assert!(vwap.update_numbers(&[1.0; 4], None).is_err());
    assert_eq!(value(&mut vwap, 10.0, 0), 10.0);
    assert_eq!(value(&mut vwap, 20.0, day - 1), 15.0);
    assert_eq!(value(&mut vwap, 30.0, day), 30.0);
}
