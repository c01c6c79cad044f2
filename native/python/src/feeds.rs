//! Indicators that a strategy has tied to bars: fed by the engine before its hook runs.

use std::cell::RefCell;

use pyo3::prelude::*;

use engine::bars::Rule;
use engine::event::Bar;
use engine::indicators::Field;
use engine::instrument::InstrumentId;

use crate::errors::ParameterError;
use crate::indicators::{Indicator, feed_bar};

/// An indicator and the bars that it takes.
struct Feed {
    instrument: InstrumentId,
    /// `None` is the bars of the data.
    rule: Option<Rule>,
    field: Field,
    indicator: Py<Indicator>,
}

/// The indicators of one strategy.
#[derive(Default)]
pub struct Feeds {
    feeds: RefCell<Vec<Feed>>,
}

impl Feeds {
    /// Ties an indicator to the bars of an instrument.
    pub fn tie(
        &self,
        indicator: &Bound<'_, Indicator>,
        instrument: InstrumentId,
        rule: Option<Rule>,
        field: Field,
    ) -> PyResult<()> {
        let mut feeds = self.feeds.borrow_mut();
        if feeds.iter().any(|feed| feed.indicator.is(indicator)) {
            return Err(ParameterError::new_err(format!(
                "{} is fed already: make one for each symbol and resolution",
                indicator.repr()?
            )));
        }
        feeds.push(Feed { instrument, rule, field, indicator: indicator.clone().unbind() });
        Ok(())
    }

    /// Feeds a bar to the indicators that take it.
    #[inline]
    pub fn feed(&self, bar: &Bar, rule: Option<Rule>) -> PyResult<()> {
        let feeds = self.feeds.borrow();
        if feeds.is_empty() {
            return Ok(());
        }
        let takes = |feed: &&Feed| feed.instrument == bar.instrument && feed.rule == rule;
        Python::attach(|py| {
            feeds.iter().filter(takes).try_for_each(|feed| feed_bar(feed.indicator.bind(py), bar, feed.field))
        })
    }
}
