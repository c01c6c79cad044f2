//! What fills cost, across the border.

use pyo3::prelude::*;

use engine::num::{Money, Rate};
use engine::time::Nanos;
use engine::venue::{FeeBasis, FeeSchedule, FeeTable, FeeTier, HyperliquidFees, MakerTier, PlainFees};

use crate::config::{one_of, rate_between};
use crate::errors::ParameterError;
use crate::number::from_python;

/// The largest rate on a notional, either way.
const RATE_MAX: f64 = 0.1;
/// The largest fee of a unit, a fill or an order, either way.
const AMOUNT_MAX: f64 = 1_000_000.0;

type Given<'py> = Bound<'py, PyAny>;
/// From when on, in nanoseconds; (volume above, taker, maker) by volume; (share above, maker) by share of maker volume.
type Table<'py> = (i64, Vec<(Given<'py>, Given<'py>, Given<'py>)>, Vec<(Given<'py>, Given<'py>)>);

/// What fills cost, checked.
#[pyclass(frozen, name = "FeeSchedule", module = "algo_trade._native")]
pub struct PyFeeSchedule {
    pub inner: FeeSchedule,
}

#[pymethods]
impl PyFeeSchedule {
    /// Constant rates, on value, quantity, fill or order; buyers and sellers pay theirs on value besides.
    #[staticmethod]
    #[pyo3(signature = (*, maker_rate, taker_rate, basis, buyer_rate, seller_rate))]
    fn plain(
        maker_rate: &Given<'_>,
        taker_rate: &Given<'_>,
        basis: &str,
        buyer_rate: &Given<'_>,
        seller_rate: &Given<'_>,
    ) -> PyResult<Self> {
        let choices = [
            ("value", FeeBasis::Value),
            ("per_qty", FeeBasis::PerQty),
            ("per_fill", FeeBasis::PerFill),
            ("per_order", FeeBasis::PerOrder),
        ];
        let basis = one_of("fees.basis", basis, &choices)?;
        let most = if basis == FeeBasis::Value { RATE_MAX } else { AMOUNT_MAX };
        let inner = FeeSchedule::Plain(PlainFees {
            // The taker rate first: where only that was given, it is the maker rate too, and should be the one named.
            taker: rate_between("taker_rate", taker_rate, -most, most)?,
            maker: rate_between("maker_rate", maker_rate, -most, most)?,
            basis,
            buyer: rate_between("buyer_rate", buyer_rate, -RATE_MAX, RATE_MAX)?,
            seller: rate_between("seller_rate", seller_rate, -RATE_MAX, RATE_MAX)?,
        });
        Ok(Self { inner })
    }

    /// Hyperliquid's schedule by volume, with what of it applies to the account. `tables` replace those that are known.
    #[staticmethod]
    #[pyo3(signature = (*, volume_14d, maker_share, staking, referral, builder_rate, tables = None))]
    fn hyperliquid(
        volume_14d: &Given<'_>,
        maker_share: &Given<'_>,
        staking: &Given<'_>,
        referral: &Given<'_>,
        builder_rate: &Given<'_>,
        tables: Option<Vec<Table<'_>>>,
    ) -> PyResult<Self> {
        let mut fees = HyperliquidFees {
            volume_14d: amount("fees.volume_14d", volume_14d)?,
            maker_share: rate_between("fees.maker_share", maker_share, 0.0, 1.0)?,
            staking: rate_between("fees.staking", staking, 0.0, 1.0)?,
            referral: rate_between("fees.referral", referral, 0.0, 1.0)?,
            builder: rate_between("fees.builder_rate", builder_rate, 0.0, RATE_MAX)?,
            ..HyperliquidFees::default()
        };
        if let Some(given) = tables {
            fees.tables = given.iter().map(table).collect::<PyResult<_>>()?;
            let ascend = fees.tables.is_sorted_by(|a, b| a.valid_from < b.valid_from);
            if !ascend || fees.tables.is_empty() {
                return Err(ParameterError::new_err("fees.tables: give at least one, by ascending valid_from"));
            }
        }
        Ok(Self { inner: FeeSchedule::Hyperliquid(fees) })
    }
}

fn amount(name: &str, value: &Given<'_>) -> PyResult<Money> {
    let money: Money = from_python(value).map_err(|e| ParameterError::new_err(format!("{name} = {value}: {e}")))?;
    if money.is_negative() {
        return Err(ParameterError::new_err(format!("{name} = {money}: must not be below zero")));
    }
    Ok(money)
}

fn table((valid_from, tiers, makers): &Table<'_>) -> PyResult<FeeTable> {
    let tier = |(above, taker, maker): &(Given<'_>, Given<'_>, Given<'_>)| -> PyResult<FeeTier> {
        Ok(FeeTier {
            above: amount("fees.tables.tiers", above)?,
            taker: rate_between("fees.tables.tiers", taker, -RATE_MAX, RATE_MAX)?,
            maker: rate_between("fees.tables.tiers", maker, -RATE_MAX, RATE_MAX)?,
        })
    };
    let maker = |(above, maker): &(Given<'_>, Given<'_>)| -> PyResult<MakerTier> {
        let above: Rate = rate_between("fees.tables.makers", above, 0.0, 1.0)?;
        Ok(MakerTier { above, maker: rate_between("fees.tables.makers", maker, -RATE_MAX, RATE_MAX)? })
    };
    let table = FeeTable {
        valid_from: Nanos::from_raw(*valid_from),
        tiers: tiers.iter().map(tier).collect::<PyResult<_>>()?,
        makers: makers.iter().map(maker).collect::<PyResult<_>>()?,
    };
    let starts = table.tiers.first().is_some_and(|t| t.above.is_zero());
    let ascends = table.tiers.is_sorted_by(|a, b| a.above < b.above);
    if !starts || !ascends || !table.makers.is_sorted_by(|a, b| a.above < b.above) {
        return Err(ParameterError::new_err(
            "fees.tables: the first tier is above 0, bounds of tiers and makers ascend",
        ));
    }
    Ok(table)
}
