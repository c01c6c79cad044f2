//! The changes of one book and their place against its snapshot.
//!
//! The venue's rule: a book begins with a snapshot, changes with `u` below its `lastUpdateId` are older than it and to be
//! dropped, and each change names the one before it (`pu`; on spot `U` follows the last `u`).

use crate::data::tick::findings::Findings;
use crate::row::{Flags, Row};

/// Changes that wait for a snapshot: a few seconds of a busy book.
const HELD_ROWS_MAX: usize = 1 << 18;

/// What is known of a book.
#[derive(Debug, Default)]
pub struct Depth {
    last_update: Option<u64>,
    snapshot: Option<u64>,
    /// Changes before the first snapshot; `sequence` is their `u`.
    held: Vec<Row>,
    has_given_up: bool,
}

impl Depth {
    /// Whether a change is to be used; looks for gaps.
    pub fn admit(&mut self, first: u64, last: u64, previous: Option<u64>, findings: &mut Findings) -> bool {
        if let Some(known) = self.last_update {
            let follows = previous.map_or(known.checked_add(1) == Some(first), |previous| previous == known);
            if !follows {
                findings.note("gaps in the changes of a book");
            }
        }
        self.last_update = Some(last);
        let is_old = self.snapshot.is_some_and(|snapshot| last < snapshot);
        if is_old {
            findings.note(OLD);
        }
        !is_old
    }

    /// Takes the rows of a change from `from` on out of `rows` if there is no snapshot yet.
    pub fn hold(&mut self, rows: &mut Vec<Row>, from: usize, findings: &mut Findings) {
        if self.snapshot.is_some() || self.has_given_up {
            return;
        }
        self.held.extend(rows.drain(from.min(rows.len())..));
        if self.held.len() > HELD_ROWS_MAX {
            self.give_up(rows, findings);
        }
    }

    /// A snapshot, whose rows are in `rows`: what waited for it follows.
    pub fn begin(&mut self, id: u64, rows: &mut Vec<Row>, findings: &mut Findings) {
        self.snapshot = Some(id);
        for row in self.held.drain(..) {
            if row.sequence >= id {
                rows.push(row);
            } else if row.flags.has(Flags::LAST) {
                findings.note(OLD);
            }
        }
    }

    /// No snapshot came: hands out the changes alone.
    pub fn give_up(&mut self, rows: &mut Vec<Row>, findings: &mut Findings) {
        if !self.held.is_empty() {
            findings.note("books that begin with changes, without a snapshot");
        }
        rows.append(&mut self.held);
        self.has_given_up = true;
    }
}

const OLD: &str = "changes of a book older than its snapshot, dropped";
