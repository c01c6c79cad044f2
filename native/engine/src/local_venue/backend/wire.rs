//! How the venue writes numbers, times, sides and ids.

use std::fmt::Display;

use serde_json::{Value, json};

use crate::num::UNIT;
use crate::order::{Cloid, Side};

/// A decimal: a string with at least one digit after the point.
pub(super) fn decimal(number: impl Display) -> Value {
    let mut text = number.to_string();
    if !text.contains('.') {
        text.push_str(".0");
    }
    Value::String(text)
}

/// A sum that only grows, in steps of 1e-8.
pub(super) fn decimal_sum(steps: i128) -> Value {
    let unit = i128::from(UNIT);
    let text = format!("{}.{:08}", steps / unit, (steps % unit).abs());
    let short = text.trim_end_matches('0');
    Value::String(if short.ends_with('.') { format!("{short}0") } else { short.to_owned() })
}

/// `B` for a buyer, `A` for a seller.
pub(super) const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "B",
        Side::Sell => "A",
    }
}

/// A customer's id of an order, or `null`.
pub(super) fn cloid(cloid: Option<Cloid>) -> Value {
    cloid.map_or(Value::Null, |cloid| json!(cloid.to_string()))
}

/// A decimal, or `null`.
pub(super) fn maybe(number: Option<impl Display>) -> Value {
    number.map_or(Value::Null, decimal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::Price;

    #[test]
    fn a_decimal_has_a_digit_after_the_point() {
        for (text, written) in [("65000", "65000.0"), ("0", "0.0"), ("-1.25", "-1.25"), ("0.00000001", "0.00000001")] {
            assert_eq!(decimal(text.parse::<Price>().unwrap()), written);
        }
        assert_eq!(decimal_sum(0), "0.0");
        assert_eq!(decimal_sum(i128::from(i64::MAX) * 10), "922337203685.4775807");
        assert_eq!(decimal_sum(150_000_000), "1.5");
    }
}
