//! What was found in recordings: read, repaired, refused, suspect.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::data::tick::refusal::Refusal;
use crate::time::Nanos;

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileFindings {
    /// Its name.
    pub file: String,
    /// The venue that its rows are filed under.
    pub venue: String,
    /// Rows that the reader made of it.
    pub rows: u64,
    /// What the reader repaired, merged or left out, and how often.
    pub notes: Vec<(String, u64)>,
}

/// How often something was repaired or refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Rows left out, by reason.
    pub refused: BTreeMap<Refusal, u64>,
    /// Rows with a local time of the recorder.
    pub with_local_time: u64,
    /// Rows without a local time, which got one.
    pub without_local_time: u64,
    /// By how much the local times of a venue were shifted, since some lay before the time of the venue.
    pub shifts: BTreeMap<String, Nanos>,
    /// Batches without a LAST of their own.
    pub batches_closed: u64,
}
