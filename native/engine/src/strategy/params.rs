//! Parameters of a strategy: declared once, read by the command line, the configuration, the API and the optimiser.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::num::{NumError, Rate};

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// An exact decimal, in steps of 1e-12.
    Decimal(Rate),
    /// A float.
    Float(f64),
    /// A word, usually one of a few choices.
    Text(String),
}

impl Value {
    /// The type's name: `bool`, `int`, `decimal`, `float` or `str`.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Decimal(_) => "decimal",
            Self::Float(_) => "float",
            Self::Text(_) => "str",
        }
    }

    fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(n) => Some(*n as f64),
            Self::Decimal(d) => Some(d.to_f64()),
            Self::Float(x) => Some(*x),
            Self::Bool(_) | Self::Text(_) => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(n) => write!(f, "{n}"),
            Self::Decimal(d) => write!(f, "{d}"),
            Self::Float(x) => write!(f, "{x}"),
            Self::Text(t) => write!(f, "{t}"),
        }
    }
}

/// The declaration of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamSpec {
    /// Its name.
    pub name: String,
    /// What holds when nothing is given; its type is the parameter's.
    pub default: Value,
    /// The smallest value allowed.
    pub low: Option<Value>,
    /// The largest value allowed.
    pub high: Option<Value>,
    /// The words allowed; empty for any.
    pub choices: Vec<String>,
    /// What it means, with its unit.
    pub help: String,
}

/// Why parameters were refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParamError {
    /// No parameter of that name.
    #[error("{strategy}.{name}: no such parameter. {}It takes: {known}", did_you_mean(suggestion))]
    Unknown {
        /// Of which strategy.
        strategy: String,
        /// The name given.
        name: String,
        /// The nearest name.
        suggestion: Option<String>,
        /// All names.
        known: String,
    },
    /// The text is no value of the parameter's type.
    #[error("{strategy}.{name} = {value}: must be {wanted}")]
    Invalid {
        /// Of which strategy.
        strategy: String,
        /// The parameter.
        name: String,
        /// The value given.
        value: String,
        /// What would be right.
        wanted: String,
    },
    /// No strategy of that name.
    #[error("no strategy is called `{name}`. {}There are: {known}", did_you_mean(suggestion))]
    NoStrategy {
        /// The name given.
        name: String,
        /// The nearest name.
        suggestion: Option<String>,
        /// All names.
        known: String,
    },
}

impl ParamError {
    /// The name of the parameter at fault, if it is one.
    #[must_use]
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Self::Unknown { name, .. } | Self::Invalid { name, .. } => Some(name),
            Self::NoStrategy { .. } => None,
        }
    }
}

fn did_you_mean(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|s| format!("Did you mean `{s}`? ")).unwrap_or_default()
}

impl ParamSpec {
    /// A declaration without bounds.
    #[must_use]
    pub fn new(name: &str, default: Value, help: &str) -> Self {
        Self { name: name.into(), default, low: None, high: None, choices: Vec::new(), help: help.into() }
    }

    /// With an inclusive range.
    #[must_use]
    pub fn between(mut self, low: Value, high: Value) -> Self {
        self.low = Some(low);
        self.high = Some(high);
        self
    }

    /// With a list of words.
    #[must_use]
    pub fn one_of(mut self, choices: &[&str]) -> Self {
        self.choices = choices.iter().map(|c| (*c).to_owned()).collect();
        self
    }

    /// Reads a value from text, as on the command line, and checks it.
    ///
    /// # Errors
    /// [`ParamError::Invalid`], saying what would be right.
    pub fn parse(&self, strategy: &str, text: &str) -> Result<Value, ParamError> {
        let value = match &self.default {
            Value::Bool(_) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Some(Value::Bool(true)),
                "false" | "no" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
            Value::Int(_) => text.parse().ok().map(Value::Int),
            Value::Decimal(_) => text.parse().ok().map(Value::Decimal),
            Value::Float(_) => text.parse::<f64>().ok().filter(|x| x.is_finite()).map(Value::Float),
            Value::Text(_) => Some(Value::Text(text.to_owned())),
        };
        self.check(strategy, value.ok_or_else(|| self.invalid(strategy, text))?)
    }

    /// Checks a value: type and range. A whole number is taken for a decimal or a float.
    ///
    /// # Errors
    /// [`ParamError::Invalid`], saying what would be right.
    pub fn check(&self, strategy: &str, value: Value) -> Result<Value, ParamError> {
        let refused = |value: &Value| self.invalid(strategy, &value.to_string());
        let value = match (&self.default, value) {
            (Value::Decimal(_), Value::Int(n)) => Value::Decimal(whole(n).map_err(|_| refused(&Value::Int(n)))?),
            (Value::Decimal(_), Value::Float(x)) => {
                Value::Decimal(x.to_string().parse().map_err(|_| refused(&Value::Float(x)))?)
            }
            (Value::Decimal(_), Value::Text(t)) => {
                Value::Decimal(t.parse().map_err(|_| refused(&Value::Text(t.clone())))?)
            }
            (Value::Float(_), Value::Int(n)) => Value::Float(n as f64),
            (Value::Float(_), Value::Decimal(d)) => Value::Float(d.to_f64()),
            (_, value) => value,
        };
        let same_type = value.type_name() == self.default.type_name();
        let number = value.as_f64();
        let finite = number.is_none_or(f64::is_finite);
        let above =
            |bound: &Option<Value>| bound.as_ref().and_then(Value::as_f64).zip(number).is_none_or(|(b, n)| n >= b);
        let below =
            |bound: &Option<Value>| bound.as_ref().and_then(Value::as_f64).zip(number).is_none_or(|(b, n)| n <= b);
        let chosen = self.choices.is_empty() || matches!(&value, Value::Text(t) if self.choices.contains(t));
        if same_type && finite && above(&self.low) && below(&self.high) && chosen {
            Ok(value)
        } else {
            Err(refused(&value))
        }
    }

    fn invalid(&self, strategy: &str, value: &str) -> ParamError {
        ParamError::Invalid {
            strategy: strategy.into(),
            name: self.name.clone(),
            value: value.into(),
            wanted: self.wanted(),
        }
    }

    fn wanted(&self) -> String {
        if !self.choices.is_empty() {
            return format!("one of {}", self.choices.join(", "));
        }
        let what = match self.default {
            Value::Bool(_) => "true or false",
            Value::Int(_) => "a whole number",
            Value::Decimal(_) => "a decimal number",
            Value::Float(_) => "a number",
            Value::Text(_) => "a word",
        };
        match (&self.low, &self.high) {
            (Some(low), Some(high)) => format!("{what} from {low} to {high}"),
            (Some(low), None) => format!("{what} of at least {low}"),
            (None, Some(high)) => format!("{what} of at most {high}"),
            (None, None) => what.to_owned(),
        }
    }
}

fn whole(n: i64) -> Result<Rate, NumError> {
    n.to_string().parse()
}

/// The values of all parameters of a strategy, by name.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Params(BTreeMap<String, Value>);

impl Params {
    /// Fills in defaults and checks what was given.
    ///
    /// # Errors
    /// [`ParamError`] for the first name or value that is not allowed.
    pub fn resolve(strategy: &str, specs: &[ParamSpec], given: &[(String, Value)]) -> Result<Self, ParamError> {
        let mut values: BTreeMap<String, Value> = specs.iter().map(|s| (s.name.clone(), s.default.clone())).collect();
        for (name, value) in given {
            let spec = specs.iter().find(|s| s.name == *name).ok_or_else(|| {
                let names: Vec<&str> = specs.iter().map(|s| s.name.as_str()).collect();
                ParamError::Unknown {
                    strategy: strategy.into(),
                    name: name.clone(),
                    suggestion: nearest(name, &names),
                    known: if names.is_empty() { "none".into() } else { names.join(", ") },
                }
            })?;
            let value = match value {
                Value::Text(text) => spec.parse(strategy, text)?,
                other => spec.check(strategy, other.clone())?,
            };
            values.insert(name.clone(), value);
        }
        Ok(Self(values))
    }

    /// Every name and value, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// A whole number; 0 if there is none of that name.
    #[must_use]
    pub fn int(&self, name: &str) -> i64 {
        if let Some(Value::Int(n)) = self.0.get(name) { *n } else { 0 }
    }

    /// A count; 0 if there is none of that name or it is negative.
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        usize::try_from(self.int(name)).unwrap_or(0)
    }

    /// A decimal; zero if there is none of that name.
    #[must_use]
    pub fn decimal(&self, name: &str) -> Rate {
        if let Some(Value::Decimal(d)) = self.0.get(name) { *d } else { Rate::ZERO }
    }

    /// A float; zero if there is none of that name.
    #[must_use]
    pub fn float(&self, name: &str) -> f64 {
        if let Some(Value::Float(x)) = self.0.get(name) { *x } else { 0.0 }
    }

    /// A word; empty if there is none of that name.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        if let Some(Value::Text(t)) = self.0.get(name) { t } else { "" }
    }
}

/// The candidate that needs the fewest edits to become `name`, if that is few enough to be a slip.
#[must_use]
pub fn nearest(name: &str, candidates: &[&str]) -> Option<String> {
    let best = candidates.iter().map(|c| (edits(name, c), *c)).min()?;
    (best.0 <= name.len().div_ceil(3).max(1)).then(|| best.1.to_owned())
}

/// Levenshtein distance, one row at a time.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let next = (*cell + 1).min(left + 1).min(diagonal + usize::from(x != *y));
            diagonal = *cell;
            *cell = next;
            left = next;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs() -> Vec<ParamSpec> {
        vec![
            ParamSpec::new("fast", Value::Int(10), "bars").between(Value::Int(1), Value::Int(100)),
            ParamSpec::new("step", Value::Decimal("0.005".parse().unwrap()), "fraction"),
            ParamSpec::new("direction", Value::Text("both".into()), "sides").one_of(&["both", "long_only"]),
        ]
    }

    fn resolve(name: &str, value: Value) -> Result<Params, String> {
        Params::resolve("s", &specs(), &[(name.into(), value)]).map_err(|e| e.to_string())
    }

    #[test]
    fn defaults_are_filled_in_and_text_takes_the_declared_type() {
        let params = resolve("fast", Value::Text("12".into())).unwrap();
        assert_eq!((params.int("fast"), params.text("direction")), (12, "both"));
        assert_eq!(resolve("step", Value::Float(0.01)).unwrap().decimal("step").to_string(), "0.01");
        assert_eq!(resolve("step", Value::Int(1)).unwrap().decimal("step"), Rate::ONE);
    }

    #[test]
    fn what_is_not_allowed_is_named_with_what_would_be() {
        for (name, value, says) in [
            ("fast", Value::Int(0), "s.fast = 0: must be a whole number from 1 to 100"),
            ("fast", Value::Text("x".into()), "s.fast = x: must be a whole number from 1 to 100"),
            ("fast", Value::Bool(true), "s.fast = true: must be a whole number"),
            ("direction", Value::Text("up".into()), "must be one of both, long_only"),
            ("fats", Value::Int(1), "s.fats: no such parameter. Did you mean `fast`? It takes: fast, step, direction"),
            ("zzzzzzz", Value::Int(1), "s.zzzzzzz: no such parameter. It takes: fast, step, direction"),
        ] {
            let error = resolve(name, value).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
