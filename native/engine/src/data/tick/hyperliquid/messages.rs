//! The messages of the socket and of the archive, as JSON. Prices and sizes stay text.

use serde::Deserialize;
use serde_json::value::RawValue;

/// A line: a message of the socket, its wrapper in the archive (`raw`), or a trade of the archive's nodes.
#[derive(Deserialize)]
pub struct Line<'a> {
    pub channel: Option<&'a str>,
    #[serde(borrow)]
    pub data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub raw: Option<&'a RawValue>,
    #[serde(borrow)]
    pub time: Option<&'a RawValue>,
    pub coin: Option<&'a str>,
    pub side: Option<&'a str>,
    pub px: Option<&'a str>,
    pub sz: Option<&'a str>,
}

#[derive(Deserialize)]
pub struct Level<'a> {
    pub px: &'a str,
    pub sz: &'a str,
}

#[derive(Deserialize)]
pub struct Book<'a> {
    pub coin: &'a str,
    pub time: i64,
    /// Bids, then offers; best first.
    #[serde(borrow)]
    pub levels: (Vec<Level<'a>>, Vec<Level<'a>>),
}

#[derive(Deserialize)]
pub struct Trade<'a> {
    pub coin: &'a str,
    pub side: &'a str,
    pub px: &'a str,
    pub sz: &'a str,
    pub time: i64,
    pub tid: u64,
}

#[derive(Deserialize)]
pub struct Best<'a> {
    pub coin: &'a str,
    pub time: i64,
    #[serde(borrow)]
    pub bbo: (Option<Level<'a>>, Option<Level<'a>>),
}

#[derive(Deserialize)]
pub struct ActiveContext<'a> {
    pub coin: &'a str,
    #[serde(borrow)]
    pub ctx: Context<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Context<'a> {
    pub mark_px: &'a str,
    pub oracle_px: &'a str,
    #[serde(borrow)]
    pub impact_pxs: Option<(&'a str, &'a str)>,
}

#[derive(Deserialize)]
pub struct Confirmed<'a> {
    #[serde(borrow)]
    pub subscription: Option<Subscription<'a>>,
}

#[derive(Deserialize)]
pub struct Subscription<'a> {
    #[serde(rename = "type")]
    pub kind: Option<&'a str>,
    pub coin: Option<&'a str>,
}
