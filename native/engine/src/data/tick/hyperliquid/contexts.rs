//! The archive's table of contexts: a line for each coin and minute. It has no local time.

use crate::data::fault::{Fault, SourceError};
use crate::data::tick::fields::{Splitter, price};
use crate::data::tick::findings::Findings;
use crate::data::tick::lines::LineFormat;
use crate::data::values::time_of_text;
use crate::num::Price;
use crate::row::{Context, Row, RowKind};
use crate::time::Nanos;

const NAMES: [&str; 6] = ["time", "coin", "mark_px", "oracle_px", "impact_bid_px", "impact_ask_px"];

/// Reads contexts.
#[derive(Debug, Default)]
pub struct Contexts {
    /// Places of [`NAMES`], and how many columns there are.
    columns: Option<([usize; 6], usize)>,
    splitter: Splitter,
}

impl LineFormat for Contexts {
    fn line(&mut self, line: &str, findings: &mut Findings, rows: &mut Vec<Row>) -> Result<(), SourceError> {
        let Some((places, count)) = self.columns else {
            let line = line.trim_start_matches('\u{feff}');
            let mut places = [0; 6];
            for (place, name) in places.iter_mut().zip(NAMES) {
                let found = line.split(',').position(|column| column == name);
                *place = found.ok_or_else(|| {
                    let columns: String = line.chars().take(400).collect();
                    Fault::NoColumn { wanted: name.into(), columns: columns.into(), hint: "".into() }.alone()
                })?;
            }
            self.columns = Some((places, line.split(',').count()));
            return Ok(());
        };
        let fields = self.splitter.split(line);
        fields.expect(count)?;
        let [time, coin, mark, oracle, impact_bid, impact_ask] = places.map(|place| fields.get(place));
        let time = time_of_text(time.as_bytes()).map_err(|fault| fault.of("time", time))?.0;
        let instrument = findings.instrument(coin)?;
        let mut optional = |name: &str, text: &str| {
            if text.is_empty() { Ok(Price::ZERO) } else { price(name, text, findings) }
        };
        let context = Context {
            mark: optional("mark_px", mark)?,
            oracle: optional("oracle_px", oracle)?,
            impact_bid: optional("impact_bid_px", impact_bid)?,
            impact_ask: optional("impact_ask_px", impact_ask)?,
        };
        rows.push(Row::new(RowKind::Context, instrument, time, Nanos::ZERO).with_context(context));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::data::tick::Format;
    use crate::data::tick::samples::{error_of, rows_of};
    use crate::num::UNIT;

    const HEADER: &str = "time,coin,funding,open_interest,prev_day_px,day_ntl_vlm,premium,oracle_px,mark_px,mid_px,impact_bid_px,impact_ask_px";

    #[test]
    fn a_line_is_a_context() {
        let line = "2023-05-20T00:00:00Z,BTC,0.0000125,1,2,3,,26900.0,26901.0,26902,26899.0,";
        let told = rows_of(&format!("{HEADER}\n{line}\n"));
        assert_eq!((told.rows.len(), told.symbols[0].as_str(), told.venue.as_str()), (1, "BTC", "hyperliquid"));
        let context = told.rows[0].context();
        let prices = [context.mark, context.oracle, context.impact_bid, context.impact_ask].map(|p| p.raw() / UNIT);
        assert_eq!(prices, [26_901, 26_900, 26_899, 0]);
        assert_eq!(told.rows[0].exchange_time.to_string(), "2023-05-20T00:00:00Z");
    }

    #[test]
    fn bad_lines_are_refused_with_place_and_value() {
        let error = error_of("time,coin,mark_px\n", Format::Auto);
        assert!(error.contains("there is no column `oracle_px`"), "{error}");
        for (line, part) in [
            ("soon,BTC,,,,,,1,1,1,1,1", "sample:2: time = soon: is not a time"),
            ("2023-05-20T00:00:00Z,BTC,,,,,,x,1,1,1,1", "sample:2: oracle_px = x: is not a number"),
            ("2023-05-20T00:00:00Z,BTC", "sample:2: has 2 fields, the header has 12"),
        ] {
            let error = error_of(&format!("{HEADER}\n{line}\n"), Format::Auto);
            assert!(error.starts_with(part), "{part}: {error}");
        }
    }
}
