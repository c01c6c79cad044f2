//! What is listed: coins, their asset ids, tokens; and the two questions that ask for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::wire::decimal;
use crate::hyperliquid::number;
use crate::instrument::{Instrument, InstrumentId, Instruments, MarginTier, TickRule};
use crate::num::{Money, Price, Qty, UNIT};
use crate::venue::exchange::account::TokenId;
use crate::venue::exchange::machine::Pair;

/// A perpetual.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Perpetual {
    /// Its coin.
    pub name: String,
    /// Decimals of quantities.
    pub size_decimals: u32,
    /// Tiers: the notional from which each holds, and its largest leverage; the first from zero.
    pub tiers: Vec<(i64, u32)>,
    /// Its positions are always isolated.
    #[serde(default)]
    pub only_isolated: bool,
    /// Not listed before an operator says so.
    #[serde(default)]
    pub is_reserve: bool,
    /// Where a made-up market starts.
    #[serde(with = "number")]
    pub price: Price,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its name.
    pub name: String,
    /// The venue's index.
    pub index: u32,
    /// Decimals of quantities.
    pub size_decimals: u32,
}

/// A spot pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpotPair {
    /// `BASE/QUOTE` for a canonical one, else `@` and the index.
    pub name: String,
    /// The venue's index; the asset id is 10000 more.
    pub index: u32,
    /// Indices of the tokens: what is bought and sold, what it is paid with.
    pub tokens: (u32, u32),
    /// Where a made-up market starts.
    #[serde(with = "number")]
    pub price: Price,
}

/// What a venue lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Universe {
    /// In the order of the asset ids.
    pub perpetuals: Vec<Perpetual>,
    /// Tokens; the first is the money of the perpetuals.
    pub tokens: Vec<Token>,
    /// Spot pairs.
    pub pairs: Vec<SpotPair>,
}

/// Asset ids of spot pairs begin here.
const SPOT: u32 = 10_000;
/// Decimals of prices, less those of quantities: of perpetuals and of spot pairs.
const DECIMALS: [u32; 2] = [6, 8];
/// Tables of a single tier are named by its leverage, others from here.
const TABLES: usize = 50;

/// Coins by every name that they have.
#[derive(Debug, Clone)]
pub struct Listing {
    universe: Universe,
    /// Instruments of the perpetuals that are listed, in the order of their asset ids.
    perpetuals: Vec<InstrumentId>,
    /// Names and decimals of quantities by instrument; where it stands in the universe.
    coins: Vec<(String, u32, usize)>,
    by_coin: BTreeMap<String, InstrumentId>,
    by_asset: BTreeMap<u32, InstrumentId>,
    /// Coins that are no longer traded.
    delisted: Vec<InstrumentId>,
}

fn rules(name: &str, size_decimals: u32, decimals: u32, tiers: &[(i64, u32)]) -> Instrument {
    let tier = |(lower, max_leverage): &(i64, u32)| MarginTier {
        lower_bound: Money::from_raw(lower.saturating_mul(UNIT)),
        max_leverage: *max_leverage,
    };
    Instrument {
        symbol: name.to_owned(),
        tick: TickRule::Figures { figures: 5, decimals: decimals.saturating_sub(size_decimals) },
        lot_size: Qty::from_raw(10_i64.pow(Price::DECIMALS.saturating_sub(size_decimals))),
        min_notional: Money::from_raw(10 * UNIT),
        tiers: tiers.iter().map(tier).collect(),
        leverage: None,
        margin_mode: None,
    }
}

impl Listing {
    /// Numbers what there is: perpetuals by the rank of their names, then pairs. Returns what an exchange is made of.
    #[must_use]
    pub fn new(universe: Universe) -> (Self, Instruments, Vec<Pair>) {
        let [of_perpetuals, of_spot] = DECIMALS;
        let perpetuals = Instruments::new(
            universe.perpetuals.iter().map(|p| rules(&p.name, p.size_decimals, of_perpetuals, &p.tiers)).collect(),
        );
        let decimals = |index: u32| universe.tokens.iter().find(|t| t.index == index).map_or(0, |t| t.size_decimals);
        let pair = |pair: &SpotPair| Pair {
            instrument: rules(&pair.name, decimals(pair.tokens.0), of_spot, &[(0, 1)]),
            base: TokenId(pair.tokens.0),
            quote: TokenId(pair.tokens.1),
        };
        let pairs: Vec<Pair> = universe.pairs.iter().map(pair).collect();
        let mut coins = Vec::new();
        for (_, instrument) in perpetuals.iter() {
            let place = universe.perpetuals.iter().position(|p| p.name == instrument.symbol).unwrap_or_default();
            let decimals = universe.perpetuals.get(place).map_or(0, |p| p.size_decimals);
            coins.push((instrument.symbol.clone(), decimals, place));
        }
        for (place, pair) in universe.pairs.iter().enumerate() {
            coins.push((pair.name.clone(), decimals(pair.tokens.0), place));
        }
        let ids = (0_u32..).map(InstrumentId);
        let by_coin = coins.iter().zip(ids).map(|((name, ..), id)| (name.clone(), id)).collect();
        let mut listing =
            Self { perpetuals: Vec::new(), coins, by_coin, by_asset: BTreeMap::new(), delisted: Vec::new(), universe };
        for pair in &listing.universe.pairs {
            if let Some(id) = listing.by_coin.get(&pair.name) {
                listing.by_asset.insert(SPOT + pair.index, *id);
            }
        }
        for at in 0..listing.universe.perpetuals.len() {
            if let Some(name) = listing.universe.perpetuals.get(at).filter(|p| !p.is_reserve).map(|p| p.name.clone()) {
                listing.list(&name);
            }
        }
        (listing, perpetuals, pairs)
    }

    /// Lists a perpetual at the end of the universe: its instrument, if there is one of this name that is not listed yet.
    pub fn list(&mut self, coin: &str) -> Option<InstrumentId> {
        let id = *self.by_coin.get(coin)?;
        if self.is_spot(id) || self.perpetuals.contains(&id) {
            return None;
        }
        let asset = u32::try_from(self.perpetuals.len()).ok()?;
        self.perpetuals.push(id);
        self.by_asset.insert(asset, id);
        Some(id)
    }

    /// Marks a coin as no longer traded; it keeps its asset id.
    pub fn delist(&mut self, id: InstrumentId) {
        if !self.delisted.contains(&id) {
            self.delisted.push(id);
        }
    }

    /// The instrument of a coin that is listed, or has been.
    #[must_use]
    pub fn find(&self, coin: &str) -> Option<InstrumentId> {
        let id = *self.by_coin.get(coin)?;
        (self.is_spot(id) || self.perpetuals.contains(&id)).then_some(id)
    }

    /// The instrument of an asset id.
    #[must_use]
    pub fn asset(&self, asset: u32) -> Option<InstrumentId> {
        self.by_asset.get(&asset).copied()
    }

    /// The coin of an instrument.
    #[must_use]
    pub fn coin(&self, id: InstrumentId) -> &str {
        self.coins.get(id.index()).map_or("?", |(name, ..)| name)
    }

    /// Decimals of quantities of an instrument.
    #[must_use]
    pub fn size_decimals(&self, id: InstrumentId) -> u32 {
        self.coins.get(id.index()).map_or(0, |(_, decimals, _)| *decimals)
    }

    /// The perpetual behind an instrument.
    #[must_use]
    pub fn perpetual(&self, id: InstrumentId) -> Option<&Perpetual> {
        let (_, _, place) = self.coins.get(id.index())?;
        self.universe.perpetuals.get(*place).filter(|_| !self.is_spot(id))
    }

    /// Listed perpetuals in the order of their asset ids.
    pub fn perpetuals(&self) -> impl Iterator<Item = InstrumentId> + '_ {
        self.perpetuals.iter().copied()
    }

    /// Spot pairs, as listed.
    pub fn pairs(&self) -> impl Iterator<Item = (InstrumentId, &SpotPair)> {
        self.universe.pairs.iter().filter_map(|pair| Some((*self.by_coin.get(&pair.name)?, pair)))
    }

    /// Every coin that is listed, with its instrument.
    pub fn coins(&self) -> impl Iterator<Item = (InstrumentId, &str)> {
        self.perpetuals().chain(self.pairs().map(|(id, _)| id)).map(|id| (id, self.coin(id)))
    }

    /// Tokens, as listed.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.universe.tokens
    }

    /// The token of `NAME:0xid`, or of a name alone.
    #[must_use]
    pub fn token(&self, text: &str) -> Option<&Token> {
        let (name, id) = text.split_once(':').map_or((text, None), |(name, id)| (name, Some(id)));
        let is_it = |token: &&Token| token.name == name && id.is_none_or(|id| id == token_id(token));
        self.universe.tokens.iter().find(is_it)
    }

    /// Whether an instrument is a spot pair.
    #[must_use]
    pub const fn is_spot(&self, id: InstrumentId) -> bool {
        id.index() >= self.universe.perpetuals.len()
    }

    /// The answer to `meta`.
    #[must_use]
    pub fn meta(&self) -> Value {
        let universe: Vec<Value> = self.perpetuals().filter_map(|id| self.perpetual_row(id)).collect();
        let mut tables: BTreeMap<usize, Value> = BTreeMap::new();
        for id in self.perpetuals() {
            if let Some(perpetual) = self.perpetual(id) {
                let tier = |(lower, max): &(i64, u32)| json!({"lowerBound": decimal(*lower), "maxLeverage": max});
                let tiers: Vec<Value> = perpetual.tiers.iter().map(tier).collect();
                let description =
                    if tiers.len() > 1 { format!("tiered {}x", max_leverage(perpetual)) } else { String::new() };
                tables.insert(self.table_of(id), json!({"description": description, "marginTiers": tiers}));
            }
        }
        let tables: Vec<Value> = tables.into_iter().map(|(id, table)| json!([id, table])).collect();
        json!({"universe": universe, "marginTables": tables, "collateralToken": 0})
    }

    fn perpetual_row(&self, id: InstrumentId) -> Option<Value> {
        let perpetual = self.perpetual(id)?;
        let mut row = json!({
            "name": perpetual.name,
            "szDecimals": perpetual.size_decimals,
            "maxLeverage": max_leverage(perpetual),
            "marginTableId": self.table_of(id),
        });
        let fields = row.as_object_mut()?;
        if perpetual.only_isolated {
            fields.insert("onlyIsolated".into(), Value::Bool(true));
        }
        if self.delisted.contains(&id) {
            fields.insert("isDelisted".into(), Value::Bool(true));
        }
        Some(row)
    }

    /// A table of one tier is named by its leverage; those of several by their place.
    fn table_of(&self, id: InstrumentId) -> usize {
        let Some(perpetual) = self.perpetual(id) else { return 1 };
        match perpetual.tiers.as_slice() {
            [(_, leverage)] => usize::try_from(*leverage).unwrap_or(1),
            tiers => {
                let same = self.universe.perpetuals.iter().position(|other| other.tiers == tiers);
                TABLES + same.unwrap_or_default()
            }
        }
    }

    /// The answer to `spotMeta`.
    #[must_use]
    pub fn spot_meta(&self) -> Value {
        let token = |token: &Token| {
            json!({
                "name": token.name,
                "szDecimals": token.size_decimals,
                "weiDecimals": 8,
                "index": token.index,
                "tokenId": token_id(token),
                "isCanonical": true,
                "evmContract": null,
                "fullName": null,
                "deployerTradingFeeShare": "0.0",
            })
        };
        let pair = |pair: &SpotPair| {
            json!({
                "name": pair.name,
                "tokens": [pair.tokens.0, pair.tokens.1],
                "index": pair.index,
                "isCanonical": !pair.name.starts_with('@'),
            })
        };
        json!({
            "tokens": self.universe.tokens.iter().map(token).collect::<Vec<_>>(),
            "universe": self.universe.pairs.iter().map(pair).collect::<Vec<_>>(),
        })
    }
}

fn max_leverage(perpetual: &Perpetual) -> u32 {
    perpetual.tiers.first().map_or(1, |(_, leverage)| *leverage)
}

/// 16 bytes in hex, made of the index.
pub(super) fn token_id(token: &Token) -> String {
    format!("0x{:032x}", u128::from(token.index) * 0x0001_0001_0001_0001 + 1)
}

impl Universe {
    /// A few coins that everybody knows, two tokens, and one perpetual in reserve; more perpetuals than those named here
    /// are called `C000` and so on.
    #[must_use]
    pub fn familiar(count: usize) -> Self {
        type Row = (&'static str, u32, i64, &'static [(i64, u32)]);
        // Prices in steps of 0.000001.
        const NAMED: [Row; 10] = [
            ("BTC", 5, 90_000_000_000, &[(0, 40), (150_000_000, 20)]),
            ("ETH", 4, 3_000_000_000, &[(0, 25), (100_000_000, 15)]),
            ("SOL", 2, 150_000_000, &[(0, 20), (70_000_000, 10)]),
            ("XRP", 0, 2_200_000, &[(0, 20), (40_000_000, 10)]),
            ("DOGE", 0, 200_000, &[(0, 10), (20_000_000, 5)]),
            ("AVAX", 2, 25_000_000, &[(0, 10), (3_000_000, 5)]),
            ("LINK", 1, 15_000_000, &[(0, 10), (3_000_000, 5)]),
            ("SUI", 1, 2_000_000, &[(0, 10), (3_000_000, 5)]),
            ("HYPE", 2, 35_000_000, &[(0, 10)]),
            ("kPEPE", 0, 9_000, &[(0, 10)]),
        ];
        let price = |micros: i64| Price::from_raw(micros * 100);
        let perpetual = |name: &str, size_decimals, micros, tiers: &[(i64, u32)]| Perpetual {
            name: name.to_owned(),
            size_decimals,
            tiers: tiers.to_vec(),
            only_isolated: false,
            is_reserve: false,
            price: price(micros),
        };
        let named = |(name, size_decimals, micros, tiers): Row| perpetual(name, size_decimals, micros, tiers);
        let mut perpetuals: Vec<Perpetual> = NAMED.into_iter().take(count).map(named).collect();
        let others = perpetuals.len()..count;
        perpetuals.extend(others.map(|n| perpetual(&format!("C{n:03}"), 2, 20_000_000, &[(0, 10)])));
        perpetuals.push(Perpetual { is_reserve: true, ..perpetual("NEW", 1, 5_000_000, &[(0, 5)]) });
        let token =
            |(name, index, size_decimals): (&str, u32, u32)| Token { name: name.to_owned(), index, size_decimals };
        let pair = |name: &str, index, base, micros| SpotPair {
            name: name.to_owned(),
            index,
            tokens: (base, 0),
            price: price(micros),
        };
        Self {
            perpetuals,
            tokens: [("USDC", 0, 8), ("PURR", 1, 0), ("HYPE", 150, 2)].map(token).to_vec(),
            pairs: vec![pair("PURR/USDC", 0, 1, 200_000), pair("@107", 107, 150, 35_000_000)],
        }
    }

    /// Where a made-up market of each coin starts.
    #[must_use]
    pub fn prices(&self) -> BTreeMap<String, Price> {
        let perpetuals = self.perpetuals.iter().map(|p| (p.name.clone(), p.price));
        perpetuals.chain(self.pairs.iter().map(|p| (p.name.clone(), p.price))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asset_ids_follow_the_universe_and_those_of_spot_the_index_of_the_pair() {
        let (mut listing, perpetuals, pairs) = Listing::new(Universe::familiar(3));
        assert_eq!((perpetuals.len(), pairs.len()), (4, 2));
        let coin = |listing: &Listing, asset| listing.asset(asset).map(|id| listing.coin(id).to_owned());
        assert_eq!(coin(&listing, 0).as_deref(), Some("BTC"));
        assert_eq!(coin(&listing, 2).as_deref(), Some("SOL"));
        assert_eq!(coin(&listing, 3), None);
        assert_eq!(coin(&listing, 10_107).as_deref(), Some("@107"));
        assert_eq!(listing.find("NEW"), None);
        assert!(listing.list("NEW").is_some());
        assert_eq!(coin(&listing, 3).as_deref(), Some("NEW"));
        assert!(listing.list("NEW").is_none() && listing.list("@107").is_none() && listing.list("X").is_none());
    }

    #[test]
    fn a_delisted_coin_keeps_its_place_in_meta() {
        let (mut listing, ..) = Listing::new(Universe::familiar(3));
        let eth = listing.find("ETH").unwrap();
        listing.delist(eth);
        let meta = listing.meta();
        assert_eq!(meta["universe"][1]["name"], "ETH");
        assert_eq!(meta["universe"][1]["isDelisted"], true);
        assert_eq!(meta["universe"][0]["marginTableId"], 50);
        assert_eq!(
            meta["marginTables"][0],
            json!([50, {
                "description": "tiered 40x",
                "marginTiers": [{"lowerBound": "0.0", "maxLeverage": 40}, {"lowerBound": "150000000.0", "maxLeverage": 20}],
            }])
        );
    }

    #[test]
    fn a_token_is_found_by_its_name_and_id() {
        let (listing, ..) = Listing::new(Universe::familiar(1));
        let id = listing.spot_meta()["tokens"][1]["tokenId"].as_str().unwrap().to_owned();
        assert_eq!(listing.token(&format!("PURR:{id}")).map(|token| token.index), Some(1));
        assert_eq!(listing.token("PURR").map(|token| token.index), Some(1));
        assert_eq!(listing.token("PURR:0x12"), None);
    }
}
