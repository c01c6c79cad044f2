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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
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
        #[serde(default)]
        body: String,
    },
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Where.
    pub at: Point,
    /// Only to a type of question, action or channel; to all if not given.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
    /// How often, in thousandths; always if not given.
    #[serde(default = "always")]
    pub per_mille: u32,
    /// How many times more; for ever if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// What.
    #[serde(flatten)]
    pub effect: Effect,
}

const fn always() -> u32 {
    1_000
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
    fn a_seed_gives_the_same_faults_for_ever() {
        let text = r#"[{"at":"push","per_mille":500,"effect":"delay","ms":3}]"#;
        let draw = || (0..50).scan(faults(text), |f, _| Some(f.draw(Point::Push, "x").is_some())).collect::<Vec<_>>();
        assert_eq!(draw(), draw());
    }
}
