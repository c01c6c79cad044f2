//! What a reader learns of its file on the way: symbols, venue, and what it repaired or left out.

use std::collections::BTreeMap;

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::TickOptions;
use crate::instrument::InstrumentId;

/// More symbols than this are a misread file.
const SYMBOLS_MAX: usize = 1 << 16;
/// A longer name is no symbol.
const SYMBOL_BYTES_MAX: usize = 128;

/// Symbols in the order in which they occur, the venue, and counted notes.
#[derive(Debug, Default)]
pub struct Findings {
    /// The symbol that was asked for, whatever the file says.
    given: Option<String>,
    /// What the file calls the symbol that was given another name.
    renamed: Option<String>,
    is_venue_given: bool,
    venue: String,
    symbols: Vec<String>,
    ids: BTreeMap<String, InstrumentId>,
    /// Whether there are no others.
    is_closed: bool,
    /// The name that the file used last, and its number: files repeat one name for long.
    last: Option<(String, InstrumentId)>,
    notes: Vec<(&'static str, u64)>,
}

impl Findings {
    /// Nothing learnt yet but what the caller knows. `venue` is the one that the format implies, or empty.
    pub fn new(options: &TickOptions, venue: &str) -> Self {
        Self {
            given: options.symbol.clone(),
            is_venue_given: options.venue.is_some(),
            venue: options.venue.clone().unwrap_or_else(|| venue.to_owned()),
            ..Self::default()
        }
    }

    /// For symbols that are known, in this order, and no others.
    pub fn of(symbols: Vec<String>) -> Self {
        let numbers = (0..).map(InstrumentId);
        let ids = symbols.iter().cloned().zip(numbers).collect();
        Self { ids, symbols, is_closed: true, ..Self::default() }
    }

    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }
    pub fn venue(&self) -> &str {
        &self.venue
    }
    /// The file names its venue: the first name counts, and only where none was given.
    pub fn see_venue(&mut self, name: &str) {
        if !self.is_venue_given && self.venue.is_empty() && name.len() <= SYMBOL_BYTES_MAX {
            name.clone_into(&mut self.venue);
        }
    }

    /// The number of a symbol as the file has it.
    ///
    /// # Errors
    /// [`Fault::Missing`] and [`Fault::TooManySymbols`]; [`Fault::Renamed`] if a name was given for a file of several.
    pub fn instrument(&mut self, name: &str) -> Result<InstrumentId, SourceError> {
        if let Some((last, id)) = &self.last
            && last == name
        {
            return Ok(*id);
        }
        let id = self.find_or_add(name).map_err(|fault| fault.of("symbol", name))?;
        self.last = Some((name.to_owned(), id));
        Ok(id)
    }

    /// The number of the symbol that was given, for what names none.
    ///
    /// # Errors
    /// [`Fault::NoSymbol`].
    pub fn nameless_instrument(&mut self) -> Result<InstrumentId, SourceError> {
        match self.given.clone() {
            Some(given) => Ok(self.only(given)),
            None => Err(Fault::NoSymbol.alone()),
        }
    }

    fn only(&mut self, given: String) -> InstrumentId {
        if self.symbols.is_empty() {
            self.symbols.push(given);
        }
        InstrumentId(0)
    }

    fn find_or_add(&mut self, name: &str) -> Result<InstrumentId, Fault> {
        if name.is_empty() {
            return Err(Fault::Missing);
        }
        if let Some(given) = self.given.clone() {
            let first = self.renamed.get_or_insert_with(|| name.to_owned());
            if first != name {
                return Err(Fault::Renamed { given: given.into(), first: first.as_str().into() });
            }
            return Ok(self.only(given));
        }
        if let Some(id) = self.ids.get(name) {
            return Ok(*id);
        }
        if self.is_closed {
            return Err(Fault::Other("is none of the symbols that were asked for".into()));
        }
        if self.ids.len() >= SYMBOLS_MAX || name.len() > SYMBOL_BYTES_MAX {
            return Err(Fault::TooManySymbols { limit: SYMBOLS_MAX });
        }
        let id = u32::try_from(self.symbols.len()).map_err(|_| Fault::TooManySymbols { limit: SYMBOLS_MAX })?;
        self.symbols.push(name.to_owned());
        self.ids.insert(name.to_owned(), InstrumentId(id));
        Ok(InstrumentId(id))
    }

    /// Counts something worth telling.
    pub fn note(&mut self, what: &'static str) {
        match self.notes.iter_mut().find(|(known, _)| *known == what) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.notes.push((what, 1)),
        }
    }
    pub fn notes(&self) -> Vec<(String, u64)> {
        self.notes.iter().map(|(what, count)| ((*what).to_owned(), *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_symbol_renames_the_one_of_the_file_and_refuses_a_second() {
        let options = TickOptions { symbol: Some("BTC-PERP".to_owned()), venue: None };
        let mut findings = Findings::new(&options, "bybit");
        assert_eq!(findings.nameless_instrument().unwrap(), InstrumentId(0));
        assert_eq!(findings.instrument("BTCUSDT").unwrap(), InstrumentId(0));
        assert_eq!(findings.symbols(), ["BTC-PERP"]);
        let error = findings.instrument("ETHUSDT").unwrap_err().to_string();
        assert!(error.contains("ETHUSDT") && error.contains("BTC-PERP"), "{error}");
    }

    #[test]
    fn symbols_are_numbered_as_they_occur_and_notes_are_counted() {
        let mut findings = Findings::new(&TickOptions::default(), "");
        for (name, id) in [("B", 0), ("A", 1), ("B", 0)] {
            assert_eq!(findings.instrument(name).unwrap(), InstrumentId(id));
        }
        findings.see_venue("deribit");
        findings.see_venue("other");
        findings.note("x");
        findings.note("x");
        assert_eq!((findings.venue(), findings.notes()), ("deribit", vec![("x".to_owned(), 2)]));
        assert!(findings.instrument("").is_err());
        assert!(matches!(findings.nameless_instrument().unwrap_err().fault, Fault::NoSymbol));
    }
}
