//! What a run left, by its journal alone: without its strategy, which may be another one by now.

use std::collections::BTreeMap;
use std::io::Read;

use super::{JournalError, Reader, Record};
use crate::account::Account;
use crate::event::{AccountEvent, Command};
use crate::instrument::InstrumentId;
use crate::num::{NumError, Qty};
use crate::order::{Cloid, FillEvent, OrderEvent};
use crate::time::Nanos;

/// Why it cannot be told what a run left.
#[derive(Debug, thiserror::Error)]
pub enum EstateError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A number left its range.
    #[error("the account of a journal: {0}")]
    Number(#[from] NumError),
}

/// What a run left.
#[derive(Debug)]
pub struct Estate {
    /// Positions and money.
    pub account: Account,
    /// Orders that were not done, with what was left of them, oldest first.
    pub orders: Vec<(OrderEvent, Qty)>,
    /// The fills of those orders.
    pub fills: Vec<FillEvent>,
    /// When funding was settled last, of each instrument that had any.
    pub fundings: BTreeMap<InstrumentId, Nanos>,
    /// The run came to its end.
    pub has_ended: bool,
}

/// Adds up what a journal says, up to its end or to where it stops being whole.
///
/// # Errors
/// [`EstateError`].
pub fn estate(reader: &mut Reader<impl Read>, mut account: Account) -> Result<Estate, EstateError> {
    let mut orders: BTreeMap<Cloid, OrderEvent> = BTreeMap::new();
    let mut fills: BTreeMap<Cloid, Vec<FillEvent>> = BTreeMap::new();
    let mut fundings = BTreeMap::new();
    let mut has_ended = false;
    loop {
        let record = match reader.next() {
            Ok(Some(record)) => record,
            Ok(None) | Err(JournalError::Damaged { .. }) => break,
            Err(error) => return Err(error.into()),
        };
        has_ended = record == Record::End;
        match record {
            Record::Command(Command::Submit(order)) => {
                orders.insert(order.cloid, order);
            }
            Record::Command(Command::Modify { cloid, price, quantity, .. }) => {
                let filled =
                    fills.get(&cloid).into_iter().flatten().try_fold(Qty::ZERO, |sum, f| sum.add(f.quantity))?;
                if let Some(order) = orders.get_mut(&cloid) {
                    order.quantity = quantity.add(filled)?;
                    order.kind = order.kind.moved_to(price);
                }
            }
            Record::Order(update) if update.status.is_final() => {
                orders.remove(&update.cloid);
                fills.remove(&update.cloid);
            }
            Record::Fill(fill) => {
                account.apply_fill(&fill)?;
                fills.entry(fill.cloid).or_default().push(fill);
            }
            Record::Account(event) => {
                account.apply(&event)?;
                if let AccountEvent::Funding { instrument, time, .. } = event {
                    fundings.insert(instrument, time);
                }
            }
            _ => {}
        }
    }
    let mut left = Vec::with_capacity(orders.len());
    for (cloid, order) in orders {
        let mut mine = fills.get(&cloid).into_iter().flatten();
        let filled = mine.try_fold(Qty::ZERO, |sum, fill| sum.add(fill.quantity))?;
        let rest = order.quantity.sub(filled)?;
        left.push((order, rest));
    }
    let of_open =
        |fill: &FillEvent| left.iter().any(|(order, _)| order.cloid == fill.cloid) || fill.cloid == Cloid::default();
    let fills = fills.into_values().flatten().filter(of_open).collect();
    Ok(Estate { account, orders: left, fills, fundings, has_ended })
}
