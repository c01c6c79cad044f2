//! Which rows lie in one file, and which of two rows of one instant comes first.

use serde::{Deserialize, Serialize};

use crate::row::RowKind;

/// Rows that belong in one file: a folder of the lake, in the order of an instant.
///
/// The order of a run is `(exchange_time, instrument, family, sequence)`: at one instant a trade precedes the change of
/// the book that it causes (SIMULATION, section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Family {
    /// Public prints.
    Trades = 0,
    /// Orders of others; and the clears of a book that is made of orders, which must stay ahead of the adds after them.
    Orders = 1,
    /// Levels: deltas, snapshots, clears.
    Book = 2,
    /// Best bid and offer.
    Quotes = 3,
    /// Mark and oracle prices.
    Contexts = 4,
    /// Settled funding rates.
    Funding = 5,
    /// States of the instrument.
    Status = 6,
}

impl Family {
    /// All of them, in the order of an instant.
    pub const ALL: [Self; 7] =
        [Self::Trades, Self::Orders, Self::Book, Self::Quotes, Self::Contexts, Self::Funding, Self::Status];

    /// The family of a kind by itself; a clear counts as one of levels.
    #[must_use]
    pub const fn of(kind: RowKind) -> Self {
        match kind {
            RowKind::Trade => Self::Trades,
            RowKind::OrderFill | RowKind::OrderCancel | RowKind::OrderModify | RowKind::OrderAdd => Self::Orders,
            RowKind::BookDelta | RowKind::BookSnapshot | RowKind::BookClear => Self::Book,
            RowKind::Quote => Self::Quotes,
            RowKind::Context => Self::Contexts,
            RowKind::Funding => Self::Funding,
            RowKind::Status => Self::Status,
        }
    }
    /// The name of its folder.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trades => "trades",
            Self::Orders => "orders",
            Self::Book => "book",
            Self::Quotes => "quotes",
            Self::Contexts => "contexts",
            Self::Funding => "funding",
            Self::Status => "status",
        }
    }
    /// The family with this folder.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.as_str() == name)
    }
    /// Whether its rows come in batches that hold only as a whole.
    #[must_use]
    pub const fn has_batches(self) -> bool {
        matches!(self, Self::Orders | Self::Book | Self::Quotes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_follow_the_rank_of_their_kinds() {
        // A clear goes where the rows after it are: with the orders or with the levels, in the order of its feed.
        let kinds: Vec<_> = RowKind::ALL.into_iter().filter(|kind| *kind != RowKind::BookClear).collect();
        for pair in kinds.windows(2) {
            let ranks = pair[0].rank().cmp(&pair[1].rank());
            assert_eq!(Family::of(pair[0]).cmp(&Family::of(pair[1])), ranks, "{pair:?}");
        }
    }

    #[test]
    fn a_family_is_found_by_its_folder() {
        for family in Family::ALL {
            assert_eq!(Family::named(family.as_str()), Some(family));
        }
        assert_eq!(Family::named("bars"), None);
    }
}
