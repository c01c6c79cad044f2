//! Which sides a strategy trades: the `direction` of the strategies that take sides.

use crate::event::SignalKind;
use crate::order::Side;
use crate::strategy::{ParamSpec, Params, Value};

/// Which sides are traded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Long and short.
    Both,
    /// Long and flat.
    LongOnly,
}

impl Direction {
    /// The declaration of the parameter.
    pub fn param() -> ParamSpec {
        let help = "sides to trade; with long_only the short side means flat";
        ParamSpec::new("direction", Value::Text("both".into()), help).one_of(&["both", "long_only"])
    }

    /// From checked parameters.
    pub fn of(params: &Params) -> Self {
        if params.text("direction") == "long_only" { Self::LongOnly } else { Self::Both }
    }

    /// The target for a side.
    pub const fn signal(self, side: Side) -> SignalKind {
        match (side, self) {
            (Side::Buy, _) => SignalKind::Long,
            (Side::Sell, Self::LongOnly) => SignalKind::Exit,
            (Side::Sell, Self::Both) => SignalKind::Short,
        }
    }
}
