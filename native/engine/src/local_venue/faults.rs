//! Faults on request: what the venue does wrong, where, and how often.

use serde::{Deserialize, Serialize};

use crate::random::SplitMix64;

/// Where something can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// A request has come and nothing has been done.
    Request,
    /// The answer to a request stands, and is about to leave: what was asked for has been done.
    Answer,
    /// A message of a stream is about to leave.
    Push,
    /// A connection is wanted.
    Connect,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It is lost: a request or answer with its connection, a message alone.
    Drop,
    /// It comes later.
    Delay {
        /// By so many milliseconds.
        ms: i64,
    },
    /// A message comes twice.
    Duplicate,
    /// The connection is closed in its place.
    Cut,
    /// A request is answered with this status in its place.
    Status {
        /// The HTTP status.
        status: u16,
        /// The body, as text.
        body: String,
    },
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Fault {
    /// Where.
    pub at: Point,
    /// Only to a type of question, action or channel; to all if not given.
    pub only: Option<String>,
    /// How often, in thousandths.
    pub per_mille: u32,
    /// How many times more; for ever if not given.
    pub count: Option<u32>,
    /// What.
    pub effect: Effect,
}

/// A fault as it is written: flat, so that a word that is not known is an error and not a fault that never ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    at: Point,
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    only: Option<String>,
    #[serde(default = "always")]
    per_mille: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    effect: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Drop,
    Delay,
    Duplicate,
    Cut,
    Status,
}

const fn always() -> u32 {
    1_000
}

impl TryFrom<Written> for Fault {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { at, only, per_mille, count, effect, ms, status, body } = written;
        if per_mille > 1_000 {
            return Err(format!("per_mille = {per_mille}: must be 0 to 1000"));
        }
        let effect = match (effect, ms, status, body) {
            (Name::Drop, None, None, None) => Effect::Drop,
            (Name::Duplicate, None, None, None) => Effect::Duplicate,
            (Name::Cut, None, None, None) => Effect::Cut,
            (Name::Delay, Some(ms), None, None) if ms >= 0 => Effect::Delay { ms },
            (Name::Status, None, Some(status), body) if (100..=599).contains(&status) => {
                Effect::Status { status, body: body.unwrap_or_default() }
            }
            _ => {
                return Err(
                    "effect: only a delay has ms, 0 or more; only a status has status, 100 to 599, and body".into()
                );
            }
        };
        let can_be = matches!(
            (at, &effect),
            (_, Effect::Drop | Effect::Cut)
                | (Point::Request | Point::Answer, Effect::Status { .. })
                | (Point::Answer | Point::Push, Effect::Delay { .. })
                | (Point::Push, Effect::Duplicate)
        );
        if !can_be {
            return Err(
                "at: a request or answer can have a status, an answer or push a delay, a push a duplicate; all can be \
                        dropped or cut"
                    .into(),
            );
        }
        Ok(Self { at, only, per_mille, count, effect })
    }
}

impl From<Fault> for Written {
    fn from(fault: Fault) -> Self {
        let Fault { at, only, per_mille, count, effect } = fault;
        let (effect, ms, status, body) = match effect {
            Effect::Drop => (Name::Drop, None, None, None),
            Effect::Duplicate => (Name::Duplicate, None, None, None),
            Effect::Cut => (Name::Cut, None, None, None),
            Effect::Delay { ms } => (Name::Delay, Some(ms), None, None),
            Effect::Status { status, body } => (Name::Status, None, Some(status), Some(body)),
        };
        Self { at, only, per_mille, count, effect, ms, status, body }
    }
}

/// The faults that are asked for at present.
#[derive(Debug, Clone)]
pub struct Faults {
    faults: Vec<Fault>,
    random: SplitMix64,
}

impl Faults {
    /// None, and chances drawn from a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { faults: Vec::new(), random: SplitMix64::new(seed) }
    }

    /// These in place of all others.
    pub fn set(&mut self, faults: Vec<Fault>) {
        self.faults = faults;
    }

    /// Those that are left.
    #[must_use]
    pub fn left(&self) -> &[Fault] {
        &self.faults
    }

    /// What goes wrong this time, if anything: the first fault that applies.
    pub fn draw(&mut self, at: Point, what: &str) -> Option<Effect> {
        for fault in &mut self.faults {
            if fault.at != at || fault.only.as_deref().is_some_and(|only| only != what) || fault.count == Some(0) {
                continue;
            }
            if self.random.below(1_000) >= i64::from(fault.per_mille) {
                continue;
            }
            if let Some(count) = &mut fault.count {
                *count -= 1;
            }
            return Some(fault.effect.clone());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Faults {
        let mut faults = Faults::new(1);
        faults.set(serde_json::from_str(text).unwrap());
        faults
    }

    #[test]
    fn a_fault_strikes_where_and_as_often_as_it_says() {
        let mut f = faults(
            r#"[{"at":"answer","match":"order","count":1,"effect":"drop"},
                {"at":"request","effect":"status","status":502,"body":"bad gateway"},
                {"at":"push","per_mille":100,"effect":"duplicate"}]"#,
        );
        assert_eq!(f.draw(Point::Answer, "cancel"), None);
        assert_eq!(f.draw(Point::Answer, "order"), Some(Effect::Drop));
        assert_eq!(f.draw(Point::Answer, "order"), None, "once");
        assert_eq!(f.draw(Point::Request, "meta"), Some(Effect::Status { status: 502, body: "bad gateway".into() }));
        let struck = (0..1_000).filter(|_| f.draw(Point::Push, "trades").is_some()).count();
        assert!((60..150).contains(&struck), "{struck} of a thousand");
    }

    #[test]
    fn a_fault_that_would_never_strike_or_strike_for_ever_by_a_slip_is_refused() {
        let read = |text: &str| serde_json::from_str::<Fault>(text).map_err(|error| error.to_string());
        for (text, word) in [
            (r#"{"at":"answer","effect":"drop","cuont":1}"#, "cuont"),
            (r#"{"at":"answer","effect":"drop","ms":5}"#, "effect"),
            (r#"{"at":"answer","effect":"delay"}"#, "effect"),
            (r#"{"at":"answer","effect":"delay","ms":-1}"#, "effect"),
            (r#"{"at":"answer","effect":"status","status":42}"#, "effect"),
            (r#"{"at":"answer","effect":"lose"}"#, "lose"),
            (r#"{"at":"request","effect":"delay","ms":5}"#, "at:"),
            (r#"{"at":"answer","effect":"duplicate"}"#, "at:"),
            (r#"{"at":"push","effect":"status","status":500}"#, "at:"),
            (r#"{"at":"push","effect":"drop","per_mille":1001}"#, "per_mille = 1001"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn a_fault_is_shown_as_it_is_written() {
        for text in [
            r#"{"at":"push","match":"trades","per_mille":10,"effect":"duplicate"}"#,
            r#"{"at":"answer","per_mille":1000,"count":2,"effect":"status","status":502,"body":"bad"}"#,
            r#"{"at":"answer","per_mille":1000,"effect":"delay","ms":7}"#,
            r#"{"at":"connect","per_mille":1000,"effect":"cut"}"#,
        ] {
            let fault: Fault = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&fault).unwrap(), text);
        }
    }

    #[test]
    fn a_seed_gives_the_same_faults_for_ever() {
        let text = r#"[{"at":"push","per_mille":500,"effect":"delay","ms":3}]"#;
        let draw = || (0..50).scan(faults(text), |f, _| Some(f.draw(Point::Push, "x").is_some())).collect::<Vec<_>>();
        assert_eq!(draw(), draw());
    }
}
