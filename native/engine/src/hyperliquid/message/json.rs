//! JSON of known shapes into values, and values as something that can be shown.
//!
//! A value stays text until a field asks for it, so that no number goes through a float and an error can name its field.
//! Each level of nesting is scanned once more, and their number is bounded: the work is linear in the bytes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::MessageError;

/// Deeper nesting is no message.
const DEPTH_MAX: u8 = 24;

/// The text of a value, and how deep it lies.
#[derive(Debug, Clone, Copy)]
pub struct Raw<'a> {
    text: &'a str,
    depth: u8,
}

/// A type that a message holds.
pub trait Wire: Sized {
    /// Reads it from the value of a field.
    ///
    /// # Errors
    /// [`MessageError`] with the field and the value.
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError>;

    /// What stands for a field that is not there.
    ///
    /// # Errors
    /// [`MessageError::Missing`] where nothing does.
    fn absent(field: &'static str) -> Result<Self, MessageError> {
        Err(MessageError::Missing { field })
    }

    /// It as something to show.
    fn view(&self) -> View<'_>;
}

/// A value as something to show: a tree whose leaves any language has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View<'a> {
    /// Not told.
    Nothing,
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Integer(i128),
    /// A decimal number.
    Decimal {
        /// Its steps.
        steps: i128,
        /// A step is `10^-decimals`.
        decimals: u32,
    },
    /// Text.
    Text(Cow<'a, str>),
    /// JSON that is passed on as it came.
    Json(&'a str),
    /// Values in order.
    List(Vec<View<'a>>),
    /// Values by name, in order.
    Record(Vec<(&'a str, View<'a>)>),
}

/// The decimal text of [`View::Decimal`].
#[must_use]
pub fn decimal_text(steps: i128, decimals: u32) -> String {
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = super::statistic::write_steps(&mut text, steps, decimals);
    text
}

/// The value of a field, or what stands for it.
pub(super) fn read_field<T: Wire>(value: Option<Raw<'_>>, field: &'static str) -> Result<T, MessageError> {
    value.map_or_else(|| T::absent(field), |value| T::read(value, field))
}

impl<'a> Raw<'a> {
    /// A whole message.
    ///
    /// # Errors
    /// [`MessageError::NotText`], [`MessageError::Shape`].
    pub fn whole(bytes: &'a [u8], field: &'static str) -> Result<Self, MessageError> {
        let text = std::str::from_utf8(bytes).map_err(|error| MessageError::NotText { at: error.valid_up_to() })?;
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| MessageError::shape(field, &error))?;
        Ok(Self { text: raw.get(), depth: 0 })
    }

    /// The JSON as it came.
    #[must_use]
    pub const fn json(self) -> &'a str {
        self.text
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.text == "null"
    }

    /// Whether it is a string.
    #[must_use]
    pub fn is_text(self) -> bool {
        self.text.starts_with('"')
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        self.text.starts_with('{')
    }

    /// The content of a string.
    ///
    /// # Errors
    /// [`MessageError::Value`].
    pub fn text(self, field: &'static str) -> Result<Cow<'a, str>, MessageError> {
        let inner = self.text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match inner {
            Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
            Some(_) => serde_json::from_str(self.text).map(Cow::Owned).map_err(|e| MessageError::shape(field, &e)),
            None => Err(MessageError::value(field, self.text, "text")),
        }
    }

    /// The text of a number, which comes as a string or bare.
    ///
    /// # Errors
    /// [`MessageError::Value`].
    pub fn number(self, field: &'static str) -> Result<Cow<'a, str>, MessageError> {
        match self.text.as_bytes() {
            [b'"', ..] => self.text(field),
            [b'-' | b'0'..=b'9', ..] => Ok(Cow::Borrowed(self.text)),
            _ => Err(MessageError::value(field, self.text, "a number")),
        }
    }

    /// The items of a list.
    ///
    /// # Errors
    /// [`MessageError::Shape`].
    pub fn items(self, field: &'static str) -> Result<Vec<Self>, MessageError> {
        let depth = self.deeper(field)?;
        let items: Vec<&RawValue> = serde_json::from_str(self.text).map_err(|e| MessageError::shape(field, &e))?;
        Ok(items.into_iter().map(|item| Self { text: item.get(), depth }).collect())
    }

    /// The items of a list of so many.
    ///
    /// # Errors
    /// [`MessageError::Shape`].
    pub fn exactly<const N: usize>(self, field: &'static str) -> Result<[Self; N], MessageError> {
        let items = self.items(field)?;
        let found = items.len();
        items.try_into().map_err(|_| MessageError::shape(field, &format_args!("{found} items instead of {N}")))
    }

    /// The keys and values of an object, in order.
    ///
    /// # Errors
    /// [`MessageError::Shape`].
    pub fn entries(self, field: &'static str) -> Result<Vec<(Box<str>, Self)>, MessageError> {
        let depth = self.deeper(field)?;
        let mut parser = serde_json::Deserializer::from_str(self.text);
        let found = parser.deserialize_map(Pairs).map_err(|e| MessageError::shape(field, &e))?;
        Ok(found.into_iter().map(|(key, value): (_, &RawValue)| (key, Self { text: value.get(), depth })).collect())
    }

    /// The values of an object under these keys; others are passed over.
    ///
    /// # Errors
    /// [`MessageError::Shape`].
    pub fn fields<const N: usize>(
        self,
        names: &[&str; N],
        field: &'static str,
    ) -> Result<[Option<Self>; N], MessageError> {
        let depth = self.deeper(field)?;
        let mut parser = serde_json::Deserializer::from_str(self.text);
        let found = parser.deserialize_map(Named(names)).map_err(|e| MessageError::shape(field, &e))?;
        Ok(found.map(|value| value.map(|value: &'a RawValue| Self { text: value.get(), depth })))
    }

    fn deeper(self, field: &'static str) -> Result<u8, MessageError> {
        if self.depth >= DEPTH_MAX {
            return Err(MessageError::shape(field, &"nested too deeply"));
        }
        Ok(self.depth + 1)
    }
}

/// Takes every key and value of an object.
struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(Box<str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// Takes the values under some keys of an object.
struct Named<'n, const N: usize>(&'n [&'n str; N]);

impl<'de, const N: usize> Visitor<'de> for Named<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        // Keys mostly come in the order in which they are asked for.
        let mut next = 0;
        while let Some(place) = map.next_key_seed(Place { names: self.0, next })? {
            match place.and_then(|place| found.get_mut(place)) {
                Some(slot) => *slot = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
            next = place.map_or(next, |place| place + 1);
        }
        Ok(found)
    }
}

/// The place of a key among those that are asked for.
struct Place<'n> {
    names: &'n [&'n str],
    next: usize,
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Option<usize>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Place<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        if self.names.get(self.next).is_some_and(|name| *name == key) {
            return Ok(Some(self.next));
        }
        Ok(self.names.iter().position(|name| *name == key))
    }
}

/// Declares a record of a message: its fields, their types, and under which keys the exchange has them.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $( $(#[$field_doc:meta])* $field:ident: $kind:ty = $key:ident, )* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name { $( $(#[$field_doc])* pub $field: $kind, )* }

        impl $crate::hyperliquid::message::json::Wire for $name {
            fn read(
                value: $crate::hyperliquid::message::json::Raw<'_>,
                field: &'static str,
            ) -> Result<Self, $crate::hyperliquid::message::error::MessageError> {
                use $crate::hyperliquid::{message::json::read_field, names::field as key};
                let [$( $field ),*] = value.fields(&[$( key::$key ),*], field)?;
                Ok(Self { $( $field: read_field($field, key::$key)?, )* })
            }
            fn view(&self) -> $crate::hyperliquid::message::json::View<'_> {
                $crate::hyperliquid::message::json::View::Record(vec![
                    $( (stringify!($field), self.$field.view()), )*
                ])
            }
        }
    };
}
pub(super) use record;

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Raw<'_> {
        Raw::whole(text.as_bytes(), "test").unwrap()
    }

    #[test]
    fn keys_are_found_in_any_order_escaped_or_repeated_and_others_are_passed_over() {
        let [a, b, c] =
            raw(r#" { "x" : [1,{}], "c":3 , "\u0061" : "1", "c" : 4 } "#).fields(&["a", "b", "c"], "test").unwrap();
        assert_eq!(a.map(Raw::json), Some("\"1\""));
        assert!(b.is_none());
        assert_eq!(c.map(Raw::json), Some("4"));
        assert_eq!(raw(r#""a\u0062\"""#).text("test").unwrap(), "ab\"");
        assert_eq!(raw(r#"{"\u0061":1}"#).entries("test").unwrap()[0].0.as_ref(), "a");
    }

    #[test]
    fn numbers_are_text_or_bare_and_nothing_else() {
        for (text, number) in
            [("\"1.50\"", "1.50"), ("-1.5e-3", "-1.5e-3"), ("0.30000000000000004", "0.30000000000000004")]
        {
            assert_eq!(raw(text).number("test").unwrap(), number);
        }
        for text in ["null", "true", "[1]", "{}"] {
            assert!(raw(text).number("test").is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_message_is_an_error_without_a_panic() {
        for bytes in [&b""[..], b"{", b"[1,]", b"{\"a\":}", b"nul", b"\"", b"1 2"] {
            assert!(matches!(Raw::whole(bytes, "test"), Err(MessageError::Shape { .. })), "{bytes:?}");
        }
        assert_eq!(Raw::whole(b"{\xff}", "test").unwrap_err(), MessageError::NotText { at: 1 });
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let mut here = Raw::whole(deep.as_bytes(), "test");
        while let Ok(value) = here {
            here = value.items("test").map(|items| items[0]);
        }
        assert!(here.unwrap_err().to_string().contains("nested too deeply"));
    }
}
