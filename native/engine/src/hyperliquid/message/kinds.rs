//! How the kinds of values of a message are read: exact numbers, statistics, times, sides, text.

use std::borrow::Cow;

use super::error::MessageError;
use super::json::{Raw, View, Wire};
use super::statistic::{Statistic, rounded};
use crate::num::{Money, NumError, Price, Qty, Rate, parse_decimal};
use crate::order::{Cloid, Side};
use crate::time::Nanos;

/// Nanoseconds in a millisecond, the unit of all times of the protocol.
pub(super) const MILLIS: i64 = 1_000_000;

/// Orders, fills and balances are exact at 1e-8: what is finer is an error, never rounded.
macro_rules! exact {
    ($($kind:ident),*) => { $(
        impl Wire for $kind {
            fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
                let text = value.number(field)?;
                let steps = parse_decimal(text.as_bytes(), Self::DECIMALS);
                steps.map(Self::from_raw).map_err(|fault| MessageError::Number { field, fault })
            }
            fn view(&self) -> View<'_> {
                View::Decimal { steps: i128::from(self.raw()), decimals: Self::DECIMALS }
            }
        }
    )* };
}
exact!(Price, Qty, Money);

/// Rates come from averages: half to even at 1e-12.
impl Wire for Rate {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        let text = value.number(field)?;
        let steps = rounded(&text, Self::DECIMALS).and_then(|steps| {
            let limit = "9,223,372";
            i64::try_from(steps).map_err(|_| NumError::OutOfRange { text: text.clone().into_owned(), limit })
        });
        steps.map(Self::from_raw).map_err(|fault| MessageError::Number { field, fault })
    }
    fn view(&self) -> View<'_> {
        View::Decimal { steps: i128::from(self.raw()), decimals: Self::DECIMALS }
    }
}

impl Wire for Statistic {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        Self::parse(&value.number(field)?, field)
    }
    fn view(&self) -> View<'_> {
        View::Decimal { steps: self.raw(), decimals: Self::DECIMALS }
    }
}

macro_rules! whole {
    ($($kind:ident),*) => { $(
        impl Wire for $kind {
            fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
                let text = value.number(field)?;
                if let Ok(count) = text.parse() {
                    return Ok(count);
                }
                // As a float prints it: 12.0, 1e3.
                let count = parse_decimal(text.as_bytes(), 0).map_err(|fault| MessageError::Number { field, fault })?;
                Self::try_from(count).map_err(|_| MessageError::value(field, &text, "a whole number that fits"))
            }
            fn view(&self) -> View<'_> {
                View::Integer(i128::from(*self))
            }
        }
    )* };
}
whole!(i64, u64, u32);

/// Milliseconds since the epoch.
impl Wire for Nanos {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        let nanos = i64::read(value, field)?.checked_mul(MILLIS).filter(|nanos| *nanos >= 0);
        nanos.map(Self::from_raw).ok_or_else(|| MessageError::value(field, value.json(), "a time after 1970 in ms"))
    }
    fn view(&self) -> View<'_> {
        View::Integer(i128::from(self.raw()))
    }
}

impl Wire for bool {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        match value.json() {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(MessageError::value(field, other, "true or false")),
        }
    }
    fn view(&self) -> View<'_> {
        View::Flag(*self)
    }
}

impl Wire for Box<str> {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        value.text(field).map(Self::from)
    }
    fn view(&self) -> View<'_> {
        View::Text(Cow::Borrowed(self))
    }
}

/// JSON that is passed on as it came: what the exchange may change without notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(pub Box<str>);

impl Wire for Json {
    fn read(value: Raw<'_>, _: &'static str) -> Result<Self, MessageError> {
        Ok(Self(value.json().into()))
    }
    fn view(&self) -> View<'_> {
        View::Json(&self.0)
    }
}

/// `B` buys, `A` sells; of a public trade, whoever took.
impl Wire for Side {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        match &*value.text(field)? {
            "B" => Ok(Self::Buy),
            "A" => Ok(Self::Sell),
            other => Err(MessageError::value(field, other, "A or B")),
        }
    }
    fn view(&self) -> View<'_> {
        View::Text(Cow::Borrowed(self.as_str()))
    }
}

/// `0x` and hex digits.
impl Wire for Cloid {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        let text = value.text(field)?;
        let digits = text.strip_prefix("0x").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let parsed = digits.and_then(|digits| u128::from_str_radix(digits, 16).ok()).map(Self);
        parsed.ok_or_else(|| MessageError::value(field, &text, "0x and 32 hex digits"))
    }
    fn view(&self) -> View<'_> {
        View::Text(Cow::Owned(self.to_string()))
    }
}

/// Null, or not there at all.
impl<T: Wire> Wire for Option<T> {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        if value.is_null() { Ok(None) } else { T::read(value, field).map(Some) }
    }
    fn absent(_: &'static str) -> Result<Self, MessageError> {
        Ok(None)
    }
    fn view(&self) -> View<'_> {
        self.as_ref().map_or(View::Nothing, Wire::view)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        value.items(field)?.into_iter().map(|item| T::read(item, field)).collect()
    }
    fn view(&self) -> View<'_> {
        View::List(self.iter().map(Wire::view).collect())
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        let [a, b] = value.exactly(field)?;
        Ok((A::read(a, field)?, B::read(b, field)?))
    }
    fn view(&self) -> View<'_> {
        View::List(vec![self.0.view(), self.1.view()])
    }
}

/// An object whose keys are names (of coins): values by name, in the order of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByName<T>(pub Vec<(Box<str>, T)>);

impl<T: Wire> Wire for ByName<T> {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        let entries = value.entries(field)?.into_iter();
        entries.map(|(name, value)| Ok((name, T::read(value, field)?))).collect::<Result<_, _>>().map(Self)
    }
    fn view(&self) -> View<'_> {
        View::Record(self.0.iter().map(|(name, value)| (&**name, value.view())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Wire>(text: &str) -> Result<T, String> {
        Raw::whole(text.as_bytes(), "f").and_then(|raw| T::read(raw, "f")).map_err(|error| error.to_string())
    }

    #[test]
    fn amounts_are_exact_or_an_error_with_field_and_value() {
        for text in ["\"1.5\"", "1.5", "\"1.50\"", "15e-1"] {
            assert_eq!(read::<Price>(text).unwrap().to_string(), "1.5");
        }
        assert_eq!(
            read::<Qty>("\"605822.2557999999\"").unwrap_err(),
            "f: `605822.2557999999` is finer than 1e-8: round it to at most 8 decimals"
        );
        assert_eq!(read::<Money>("\"x\"").unwrap_err(), "f: `x` is not a number");
        assert_eq!(read::<Money>("true").unwrap_err(), "f = true: is not a number");
        assert_eq!(read::<Statistic>("\"605822.2557999999\"").unwrap().to_string(), "605822.2558");
        assert_eq!(read::<Rate>("\"-0.0000015186\"").unwrap().to_string(), "-0.0000015186");
        assert!(read::<Rate>("1e30").unwrap_err().contains("out of range"));
    }

    #[test]
    fn whole_numbers_times_and_ids_are_read_in_each_form() {
        assert_eq!(read::<u64>("18446744073709551615"), Ok(u64::MAX));
        assert_eq!((read::<i64>("\"12\""), read::<i64>("12.0"), read::<u32>("1e3")), (Ok(12), Ok(12), Ok(1_000)));
        assert!(read::<u32>("-1").is_err() && read::<u32>("4294967296").is_err() && read::<i64>("1.5").is_err());
        assert_eq!(read::<Nanos>("1737918843542").unwrap().raw(), 1_737_918_843_542_000_000);
        assert!(read::<Nanos>("-1").is_err() && read::<Nanos>("9223372036854775807").is_err());
        assert_eq!(
            read::<Cloid>("\"0xe8d5fd7ebbb4c3cff4d1803472a11463\"").unwrap().to_string(),
            "0xe8d5fd7ebbb4c3cff4d1803472a11463"
        );
        for text in ["\"0x\"", "\"0x+1\"", "\"12\"", "\"0x112233445566778899aabbccddeeff0011\""] {
            assert!(read::<Cloid>(text).is_err(), "{text}");
        }
        assert_eq!((read::<Side>("\"B\""), read::<Side>("\"A\"")), (Ok(Side::Buy), Ok(Side::Sell)));
        assert_eq!(read::<Side>("\"C\"").unwrap_err(), "f = C: is not A or B");
    }
}
