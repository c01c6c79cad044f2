//! Bars whose instruments get other ids, and sources that are opened when they are first asked.

use std::sync::Arc;

use engine::event::MarketEvent;
use engine::instrument::InstrumentId;
use engine::stream::{Chunk, Source, SourceError};

/// The same events under the ids of `ids`; those without one are left out.
pub struct Remapped {
    source: Box<dyn Source>,
    ids: Vec<Option<InstrumentId>>,
}

impl Remapped {
    /// A source that needs no change stays what it is.
    pub fn wrap(source: Box<dyn Source>, ids: Vec<Option<InstrumentId>>) -> Box<dyn Source> {
        let is_same = (0..).zip(&ids).all(|(at, id)| *id == Some(InstrumentId(at)));
        if is_same { source } else { Box::new(Self { source, ids }) }
    }
}

impl Source for Remapped {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, SourceError> {
        while let Some(chunk) = self.source.next_chunk()? {
            let events: Vec<_> = chunk.iter().filter_map(|event| renamed(*event, &self.ids)).collect();
            if !events.is_empty() {
                return Ok(Some(Arc::new(events)));
            }
        }
        Ok(None)
    }
}

fn renamed(mut event: MarketEvent, ids: &[Option<InstrumentId>]) -> Option<MarketEvent> {
    let id = ids.get(event.instrument().index()).copied().flatten()?;
    set_instrument(&mut event, id);
    Some(event)
}

/// Gives an event the id of another instrument.
pub const fn set_instrument(event: &mut MarketEvent, id: InstrumentId) {
    match event {
        MarketEvent::Bar(bar) => bar.instrument = id,
        MarketEvent::Trade(trade) => trade.instrument = id,
        MarketEvent::Quote(quote) => quote.instrument = id,
    }
}

type Open = Box<dyn FnOnce() -> Result<Box<dyn Source>, SourceError> + Send>;

/// A source that is opened when its first chunk is asked for.
pub enum Lazy {
    Closed(Option<Open>),
    Opened(Box<dyn Source>),
}

impl Lazy {
    /// Opened by `open`.
    pub fn new(open: impl FnOnce() -> Result<Box<dyn Source>, SourceError> + Send + 'static) -> Self {
        Self::Closed(Some(Box::new(open)))
    }
}

impl Source for Lazy {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, SourceError> {
        if let Self::Closed(open) = self {
            match open.take() {
                Some(open) => *self = Self::Opened(open()?),
                None => return Ok(None),
            }
        }
        match self {
            Self::Opened(source) => source.next_chunk(),
            Self::Closed(_) => Ok(None),
        }
    }
}
