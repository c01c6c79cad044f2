//! An action of any shape: a tree whose maps keep their order, since the order of keys is part of what is hashed.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

/// How deep lists and maps may lie in each other.
pub const DEPTH_MAX: usize = 128;

/// A value of JSON or msgpack. Serialized to msgpack, each takes its smallest form.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer that fits.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// A float. No action of the venue has one.
    Float(f64),
    /// Text.
    String(String),
    /// Values in a row.
    List(Vec<Value>),
    /// Names and values, in the order given.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// The value of a map under a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The integer, unless it is negative.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::Uint(number) => Some(*number),
            _ => None,
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Uint(value) => serializer.serialize_u64(*value),
            Self::Float(value) if value.is_finite() => serializer.serialize_f64(*value),
            // JSON has no way to say it: what is sent would not be what was signed.
            Self::Float(value) => Err(ser::Error::custom(format!("{value} is not finite"))),
            Self::String(value) => serializer.serialize_str(value),
            Self::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| list.serialize_element(value))?;
                list.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tree)
    }
}

struct Tree;

impl<'de> Visitor<'de> for Tree {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Uint(value), Value::Int))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }
    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = access.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_keeps_the_order_of_its_keys_through_json() {
        let text = r#"{"z":[1,-2,18446744073709551615,0.5,null,true],"a":{"y":"é","b":""},"m":{}}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
        assert_eq!(value.get("a").and_then(|a| a.get("y")).and_then(Value::as_str), Some("é"));
        assert_eq!((value.get("x"), Value::Null.get("z"), Value::Int(-1).as_u64()), (None, None, None));
    }

    #[test]
    fn a_tree_deeper_than_the_limit_is_an_error() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(serde_json::from_str::<Value>(&nested(DEPTH_MAX - 1)).is_ok());
        assert!(serde_json::from_str::<Value>(&nested(DEPTH_MAX)).is_err());
    }

    #[test]
    fn a_float_that_json_cannot_write_is_not_packed_either() {
        for value in [f64::NAN, f64::INFINITY].map(Value::Float) {
            assert!(serde_json::to_string(&value).is_err() && rmp_serde::to_vec(&value).is_err());
        }
    }

    /// The boundaries of each form, with the first bytes that the msgpack specification gives them.
    #[test]
    fn each_value_is_packed_in_its_smallest_form() {
        let packed = |value: &Value| rmp_serde::to_vec(value).unwrap();
        let text = |length: usize| Value::String("x".repeat(length));
        let list = |length: usize| Value::List(vec![Value::Null; length]);
        let map = |length: usize| Value::Map((0..length).map(|n| (n.to_string(), Value::Null)).collect());
        for (value, head) in [
            (Value::Null, &[0xc0][..]),
            (Value::Bool(false), &[0xc2]),
            (Value::Bool(true), &[0xc3]),
            (Value::Int(0), &[0x00]),
            (Value::Int(127), &[0x7f]),
            (Value::Int(128), &[0xcc, 0x80]),
            (Value::Int(255), &[0xcc, 0xff]),
            (Value::Int(256), &[0xcd, 0x01, 0x00]),
            (Value::Int(65_535), &[0xcd, 0xff, 0xff]),
            (Value::Int(65_536), &[0xce, 0x00, 0x01, 0x00, 0x00]),
            (Value::Int(4_294_967_295), &[0xce, 0xff, 0xff, 0xff, 0xff]),
            (Value::Int(4_294_967_296), &[0xcf, 0, 0, 0, 1, 0, 0, 0, 0]),
            (Value::Uint(u64::MAX), &[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (Value::Int(-1), &[0xff]),
            (Value::Int(-32), &[0xe0]),
            (Value::Int(-33), &[0xd0, 0xdf]),
            (Value::Int(-128), &[0xd0, 0x80]),
            (Value::Int(-129), &[0xd1, 0xff, 0x7f]),
            (Value::Int(-32_769), &[0xd2, 0xff, 0xff, 0x7f, 0xff]),
            (Value::Int(-2_147_483_649), &[0xd3, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]),
            (Value::Float(1.0), &[0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]),
            (text(31), &[0xbf, b'x']),
            (text(32), &[0xd9, 32, b'x']),
            (text(256), &[0xda, 0x01, 0x00, b'x']),
            (text(65_536), &[0xdb, 0x00, 0x01, 0x00, 0x00, b'x']),
            (list(15), &[0x9f, 0xc0]),
            (list(16), &[0xdc, 0x00, 0x10, 0xc0]),
            (list(65_536), &[0xdd, 0x00, 0x01, 0x00, 0x00, 0xc0]),
            (map(15), &[0x8f, 0xa1, b'0', 0xc0]),
            (map(16), &[0xde, 0x00, 0x10, 0xa1, b'0', 0xc0]),
            (map(65_536), &[0xdf, 0x00, 0x01, 0x00, 0x00, 0xa1, b'0', 0xc0]),
        ] {
            assert!(packed(&value).starts_with(head), "{head:02x?}");
        }
    }
}
