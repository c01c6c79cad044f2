//! How far a resting order moves up when its level shrinks without a trade (SIMULATION, section 5.3).

use serde::{Deserialize, Serialize};

use crate::num::Qty;

/// Which share of a cancelled quantity is thought to have stood behind our order.
///
/// With `f` ahead and `b` behind; power models take an exponent `n`. Fang and Hu (2017), and hftbacktest's documentation,
/// discuss them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueModel {
    /// All of it: only trades move the order up.
    RiskAverse,
    /// `bⁿ / (bⁿ + fⁿ)`.
    Power1(f64),
    /// `bⁿ / (b + f)ⁿ`.
    Power2(f64),
    /// `1 − (f / (f + b))ⁿ`.
    Power3(f64),
    /// `ln(1 + b) / (ln(1 + b) + ln(1 + f))`, quantities in the unit given.
    Log1(Qty),
    /// `ln(1 + b) / ln(1 + b + f)`, quantities in the unit given.
    Log2(Qty),
}

impl Default for QueueModel {
    fn default() -> Self {
        Self::Power1(2.0)
    }
}

#[expect(clippy::float_cmp, reason = "a short way for exponents that are exactly these")]
fn power(base: f64, n: f64) -> f64 {
    if n == 1.0 {
        base
    } else if n == 2.0 {
        base * base
    } else {
        libm::pow(base, n)
    }
}

impl QueueModel {
    /// The share behind us, 0 to 1. Neither `ahead` nor `behind` is zero here.
    fn share_behind(self, ahead: f64, behind: f64) -> f64 {
        match self {
            Self::RiskAverse => 1.0,
            // Divided by the larger one first, so that no power overflows.
            Self::Power1(n) => {
                let scale = ahead.max(behind);
                let (f, b) = (power(ahead / scale, n), power(behind / scale, n));
                b / (b + f)
            }
            Self::Power2(n) => power(behind / (behind + ahead), n),
            Self::Power3(n) => 1.0 - power(ahead / (ahead + behind), n),
            Self::Log1(unit) => {
                let unit = unit.raw() as f64;
                let (f, b) = (libm::log1p(ahead / unit), libm::log1p(behind / unit));
                b / (b + f)
            }
            Self::Log2(unit) => {
                let unit = unit.raw() as f64;
                libm::log1p(behind / unit) / libm::log1p((behind + ahead) / unit)
            }
        }
    }

    /// What stands ahead of an order after its level went from `before` to `after`, `traded` of that by trades that
    /// were counted already.
    #[must_use]
    pub fn advance(self, ahead: Qty, before: Qty, after: Qty, traded: Qty) -> Qty {
        let cancelled = before.raw() - after.raw() - traded.raw();
        if cancelled <= 0 || ahead.is_zero() || matches!(self, Self::RiskAverse) {
            return ahead.min(after);
        }
        let behind = (before.raw() - traded.raw() - ahead.raw()).max(0);
        let (f, b, d) = (ahead.raw() as f64, behind as f64, cancelled as f64);
        let p = if behind == 0 { 0.0 } else { self.share_behind(f, b) };
        // `libm::ceil` of a float below 2^53: exact, and never negative once clamped.
        let moved = libm::ceil(f - (1.0 - p) * d - (p * d - b).max(0.0));
        #[expect(clippy::cast_possible_truncation, reason = "clamped between zero and a quantity")]
        let moved = moved.clamp(0.0, after.raw() as f64) as i64;
        Qty::from_raw(moved.min(after.raw()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qty(text: &str) -> Qty {
        text.parse().unwrap()
    }

    /// Case A2: 40 ahead, the level goes from 100 to 90 without a trade.
    #[test]
    fn each_model_moves_the_order_up_by_its_formula() {
        let unit = Qty::ONE;
        for (model, expected) in [
            (QueueModel::RiskAverse, "40"),
            (QueueModel::Power1(1.0), "36"),
            (QueueModel::Power1(2.0), "36.92307692"),
            (QueueModel::Power1(3.0), "37.71428571"),
            (QueueModel::Power2(1.0), "36"),
            (QueueModel::Power2(2.0), "33.6"),
            (QueueModel::Power3(2.0), "38.4"),
            (QueueModel::Power3(0.5), "33.67544468"),
            (QueueModel::Log1(unit), "35.25388494"),
            (QueueModel::Log2(unit), "38.90740307"),
        ] {
            let ahead = model.advance(qty("40"), qty("100"), qty("90"), Qty::ZERO);
            assert!((ahead.raw() - qty(expected).raw()).abs() <= 2, "{model:?}: {ahead}, not {expected}");
        }
    }

    /// Case A3.
    #[test]
    fn what_was_traded_is_neither_cancelled_nor_behind() {
        let ahead = QueueModel::Power1(2.0).advance(qty("40"), qty("100"), qty("70"), qty("20"));
        assert_eq!(ahead, qty("35"));
    }

    /// Case A3, second.
    #[test]
    fn cancels_never_give_credit_that_would_fill_without_volume() {
        assert_eq!(QueueModel::Power3(0.5).advance(qty("1"), qty("100"), qty("50"), Qty::ZERO), Qty::ZERO);
    }

    #[test]
    fn nobody_is_ahead_of_more_than_the_level_holds() {
        for model in [QueueModel::RiskAverse, QueueModel::Power1(2.0)] {
            assert_eq!(
                model.advance(qty("40"), qty("100"), qty("30"), Qty::ZERO),
                qty("30").min(model.advance(qty("40"), qty("100"), qty("30"), Qty::ZERO))
            );
            assert_eq!(model.advance(qty("40"), qty("100"), Qty::ZERO, Qty::ZERO), Qty::ZERO);
            assert_eq!(model.advance(qty("5"), qty("10"), qty("20"), Qty::ZERO), qty("5"));
        }
    }
}
