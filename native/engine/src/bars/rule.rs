//! When a bar is complete, and how people write that.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::num::{Money, Qty};
use crate::time::Nanos;

/// When a bar is complete.
///
/// As text: `90s`, `5m`, `4h`, `1d`; `100 trades`; `2.5 base`; `1000000 quote`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// After this length of time.
    Time(Nanos),
    /// After this many trades. An input bar counts its trades, or one where it does not know them.
    Ticks(u32),
    /// Once this much was traded, in base units.
    Volume(Qty),
    /// Once this much was traded, in quote currency. An input bar counts its volume at its close.
    Notional(Money),
}

/// Units of time, the longest first.
const UNITS: [(&str, i64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(length) => {
                let length = length.raw();
                let unit = UNITS.iter().find(|(_, nanos)| length % nanos == 0 && length != 0);
                let (unit, nanos) = unit.unwrap_or(&("ns", 1));
                write!(f, "{}{unit}", length / nanos)
            }
            Self::Ticks(count) => write!(f, "{count} trades"),
            Self::Volume(size) => write!(f, "{size} base"),
            Self::Notional(size) => write!(f, "{size} quote"),
        }
    }
}

/// A text that is no rule for bars.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}`: bars are written as a length of time (30s, 5m, 4h, 1d), `100 trades`, `2.5 base` or `1000000 quote`")]
pub struct RuleError(String);

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let wrong = || RuleError(text.to_owned());
        let text = text.trim();
        let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (size, unit) = text.split_at(unit_at);
        let positive = |value: bool, rule: Self| if value { Ok(rule) } else { Err(wrong()) };
        match unit.trim() {
            "trades" => size.parse().map_err(|_| wrong()).and_then(|n: u32| positive(n > 0, Self::Ticks(n))),
            "base" => size.parse().map_err(|_| wrong()).and_then(|q: Qty| positive(q.is_positive(), Self::Volume(q))),
            "quote" => {
                size.parse().map_err(|_| wrong()).and_then(|m: Money| positive(m.is_positive(), Self::Notional(m)))
            }
            unit => {
                let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
                let length = size.parse::<i64>().ok().and_then(|n| n.checked_mul(*nanos)).ok_or_else(wrong)?;
                positive(length > 0, Self::Time(Nanos::from_raw(length)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again() {
        for text in ["1d", "4h", "90s", "5m", "1500ms", "100 trades", "2.5 base", "1000000 quote"] {
            assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
        }
        assert_eq!("120s".parse::<Rule>(), "2m".parse::<Rule>());
        assert_eq!("24h".parse::<Rule>().unwrap().to_string(), "1d");
    }

    #[test]
    fn what_is_no_rule_is_refused_with_examples() {
        for text in ["", "5", "m", "0m", "-5m", "1.5h", "0 trades", "1.5 trades", "0 base", "5 lots", "9999999999999d"]
        {
            let error = text.parse::<Rule>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}`")) && error.contains("100 trades"), "{error}");
        }
    }
}
