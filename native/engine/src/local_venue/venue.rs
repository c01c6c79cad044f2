//! A local venue as it is asked for: what it lists, where its market comes from, how it behaves.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::backend::exchange::{LocalExchange, LocalOptions, MarketData};
use super::backend::listing::{Perpetual, Universe};
use super::door::Door;
use super::limits::Limits;
use crate::data::fault::SourceError;
use crate::data::tick::table::lake::{Lake, LakeQuery};
use crate::hyperliquid::number;
use crate::instrument::Instruments;
use crate::num::{Money, Price, UNIT};
use crate::time::Nanos;

/// Where the market comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketKind {
    /// It is made up, from a seed.
    #[default]
    Synthetic,
    /// It is recorded: tick tables.
    Recording,
    /// It is what the customers make of it.
    Customers,
}

/// What a venue is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VenueOptions {
    /// Where the market comes from.
    pub market: MarketKind,
    /// Of the made-up market, and of chances.
    pub seed: u64,
    /// Perpetuals of a made-up market.
    pub symbols: usize,
    /// Changes of each made-up market in a second.
    pub density: u32,
    /// Files and folders of tick tables: a recording.
    pub data: Vec<PathBuf>,
    /// What is listed, in place of what would be.
    pub universe: Option<Universe>,
    /// What an address gets when it is first named as a user; zero for nothing.
    #[serde(with = "number")]
    pub faucet: Money,
    /// How the exchange behaves.
    pub local: LocalOptions,
    /// What may be asked for.
    pub limits: Limits,
}

impl Default for VenueOptions {
    fn default() -> Self {
        Self {
            market: MarketKind::default(),
            seed: 0,
            symbols: 10,
            density: 100,
            data: Vec::new(),
            universe: None,
            faucet: Money::from_raw(100_000 * UNIT),
            local: LocalOptions::default(),
            limits: Limits::default(),
        }
    }
}

/// Perpetuals at most.
const SYMBOLS_MAX: usize = 1_000;

/// Why a venue cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum VenueError {
    /// The options cannot be read, or do not fit.
    #[error("venue options: {0}")]
    Options(String),
    /// The recording cannot be read.
    #[error(transparent)]
    Data(#[from] SourceError),
}

impl VenueOptions {
    /// Reads options.
    ///
    /// # Errors
    /// [`VenueError::Options`], with the place.
    pub fn read(text: &str) -> Result<Self, VenueError> {
        serde_json::from_str(text).map_err(|error| VenueError::Options(error.to_string()))
    }

    /// Opens the venue.
    ///
    /// # Errors
    /// [`VenueError`].
    pub fn open(self, now: Nanos) -> Result<Door<LocalExchange>, VenueError> {
        let wrong = |text: String| Err(VenueError::Options(text));
        if self.symbols == 0 || self.symbols > SYMBOLS_MAX {
            return wrong(format!("symbols = {}: must be 1 to {SYMBOLS_MAX}", self.symbols));
        }
        if self.local.block_ms <= 0 || self.local.funding_ms <= 0 {
            return wrong("local.block_ms and local.funding_ms: must be above zero".to_owned());
        }
        if (self.market == MarketKind::Recording) == self.data.is_empty() {
            return wrong("data: names the recording where market = \"recording\", and nothing else".to_owned());
        }
        let (universe, data) = match self.market {
            MarketKind::Synthetic => {
                let data = MarketData::Made { seed: self.seed, density: self.density };
                (self.universe.unwrap_or_else(|| Universe::familiar(self.symbols)), data)
            }
            MarketKind::Customers => {
                (self.universe.unwrap_or_else(|| Universe::familiar(self.symbols)), MarketData::Customers)
            }
            MarketKind::Recording => {
                let lake = Lake::open(&self.data, LakeQuery::default())?;
                let symbols = lake.symbols();
                let book = |symbol: &String| {
                    let kind = lake.books(symbol).first().copied().unwrap_or_default();
                    (symbol.clone(), kind)
                };
                let rows = lake.source(&Instruments::unrestricted(&symbols));
                let data = MarketData::Recorded(Box::new(rows), symbols.iter().map(book).collect());
                (self.universe.unwrap_or_else(|| recorded(&symbols)), data)
            }
        };
        let core = LocalExchange::new(self.local, universe, data, now);
        Ok(Door::new(core, self.limits, self.faucet, self.seed, now))
    }
}

/// A universe of recorded symbols: known coins as they are known, others with three decimals.
fn recorded(symbols: &[String]) -> Universe {
    let mut universe = Universe::familiar(usize::from(u8::MAX));
    let known = |symbol: &String| universe.perpetuals.iter().find(|perpetual| perpetual.name == *symbol).cloned();
    let other = |symbol: &String| Perpetual {
        name: symbol.clone(),
        size_decimals: 3,
        tiers: vec![(0, 20)],
        only_isolated: false,
        is_reserve: false,
        price: Price::ONE,
    };
    universe.perpetuals = symbols.iter().map(|symbol| known(symbol).unwrap_or_else(|| other(symbol))).collect();
    universe.pairs.clear();
    universe
}
