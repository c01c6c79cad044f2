//! What the exchange lists: perpetuals, spot pairs, tokens, margin tables.

use super::error::MessageError;
use super::json::{Raw, View, Wire, record};
use super::market::{PerpContext, SpotContext};
use super::statistic::Statistic;
use crate::hyperliquid::names::info;

record! {
    /// A perpetual. Its place in the list is its number, delisted or not.
    Perpetual {
        /// The exchange's name of it.
        name: Box<str> = NAME,
        /// Decimals of its sizes.
        size_decimals: u32 = SZ_DECIMALS,
        /// The largest leverage of its first tier.
        max_leverage: u32 = MAX_LEVERAGE,
        /// Its margin table; below 50, one tier of that leverage.
        margin_table: Option<u64> = MARGIN_TABLE_ID,
        /// Whether positions cannot share margin.
        is_isolated_only: Option<bool> = ONLY_ISOLATED,
        /// Whether it is traded no more.
        is_delisted: Option<bool> = IS_DELISTED,
        /// `strictIsolated`, `noCross`, or something new.
        margin_mode: Option<Box<str>> = MARGIN_MODE,
        /// Whether its fees are lowered.
        growth_mode: Option<Box<str>> = GROWTH_MODE,
    }
}

record! {
    /// From a notional on, at most so much leverage.
    MarginTierRow {
        /// The notional.
        lower_bound: Statistic = LOWER_BOUND,
        /// The leverage.
        max_leverage: u32 = MAX_LEVERAGE,
    }
}

record! {
    /// The tiers of a margin table.
    MarginTable {
        /// In words.
        description: Option<Box<str>> = DESCRIPTION,
        /// In rising order.
        tiers: Vec<MarginTierRow> = MARGIN_TIERS,
    }
}

record! {
    /// A list of perpetuals.
    PerpMeta {
        /// By their numbers.
        universe: Vec<Perpetual> = UNIVERSE,
        /// By their numbers; there were none in 2023.
        margin_tables: Option<Vec<(u64, MarginTable)>> = MARGIN_TABLES,
        /// The token in which they are paid; the first, USDC, if it is not told.
        collateral_token: Option<u64> = COLLATERAL_TOKEN,
    }
}

record! {
    /// A token.
    Token {
        /// Its name.
        name: Box<str> = NAME,
        /// Decimals of sizes.
        size_decimals: u32 = SZ_DECIMALS,
        /// Decimals of its smallest unit.
        wei_decimals: u32 = WEI_DECIMALS,
        /// Its number.
        index: u64 = INDEX,
        /// Its address.
        token_id: Box<str> = TOKEN_ID,
        /// Whether the name is its alone.
        is_canonical: Option<bool> = IS_CANONICAL,
    }
}

record! {
    /// A spot pair. Its number is `index`, not its place.
    SpotPair {
        /// The exchange's name of it.
        name: Box<str> = NAME,
        /// Base and quote, by their numbers.
        tokens: (u64, u64) = TOKENS,
        /// Its number.
        index: u64 = INDEX,
        /// Whether the name is its alone.
        is_canonical: Option<bool> = IS_CANONICAL,
    }
}

record! {
    /// All tokens and spot pairs.
    SpotMeta {
        /// The tokens.
        tokens: Vec<Token> = TOKENS,
        /// The pairs.
        universe: Vec<SpotPair> = UNIVERSE,
    }
}

record! {
    /// A list of perpetuals that somebody else runs.
    PerpDex {
        /// Its name, which stands before those of its instruments.
        name: Box<str> = NAME,
        /// In full.
        full_name: Option<Box<str>> = FULL_NAME,
        /// Who runs it.
        deployer: Option<Box<str>> = DEPLOYER,
    }
}

/// A list of perpetuals, with the context of each or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPerps {
    /// The list.
    pub meta: PerpMeta,
    /// As many, in the same order; none where they were not sent.
    pub contexts: Option<Vec<PerpContext>>,
}

impl Wire for ListedPerps {
    fn read(value: Raw<'_>, field: &'static str) -> Result<Self, MessageError> {
        if value.is_object() {
            return Ok(Self { meta: Wire::read(value, field)?, contexts: None });
        }
        let (meta, contexts): (PerpMeta, Vec<PerpContext>) = Wire::read(value, field)?;
        let (found, expected) = (contexts.len(), meta.universe.len());
        if found != expected {
            return Err(MessageError::Lengths { field: info::META_AND_ASSET_CTXS, found, expected });
        }
        Ok(Self { meta, contexts: Some(contexts) })
    }
    fn view(&self) -> View<'_> {
        View::Record(vec![("meta", self.meta.view()), ("contexts", self.contexts.view())])
    }
}

/// All spot pairs, with contexts. A context belongs to the pair that it names; not all pairs have one.
pub type ListedPairs = (SpotMeta, Vec<SpotContext>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_that_are_not_as_many_as_the_instruments_are_never_paired() {
        let context = r#"{"funding":"0.0","openInterest":"1.0","prevDayPx":"1.0","dayNtlVlm":"1.0","premium":null,"oraclePx":"1.0","markPx":"1.0","midPx":null,"impactPxs":null}"#;
        let read = |contexts: &str| {
            let text = format!(r#"[{{"universe":[{{"name":"BTC","szDecimals":5,"maxLeverage":40}}]}},[{contexts}]]"#);
            ListedPerps::read(Raw::whole(text.as_bytes(), "test").unwrap(), "test")
        };
        assert_eq!(read(context).unwrap().contexts.unwrap().len(), 1);
        let error = read(&format!("{context},{context}")).unwrap_err();
        assert_eq!(error, MessageError::Lengths { field: "metaAndAssetCtxs", found: 2, expected: 1 });
    }
}
