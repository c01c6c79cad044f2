//! Nonces of each signer: none twice, none out of its time.

use std::collections::{BTreeMap, BTreeSet};

use crate::hyperliquid::address::Address;

/// How many of the highest nonces of a signer are remembered.
const KEPT: usize = 100;
/// How far a nonce may lie behind the present, and ahead of it, in milliseconds.
const BEHIND: u64 = 2 * 24 * 3_600 * 1_000;
const AHEAD: u64 = 24 * 3_600 * 1_000;

/// The nonces that were used, by signer.
#[derive(Debug, Clone, Default)]
pub struct Nonces(BTreeMap<Address, BTreeSet<u64>>);

impl Nonces {
    /// Uses a nonce up, at a time in milliseconds.
    ///
    /// # Errors
    /// The venue's text, if it was used, is below all that are remembered, or is out of its time.
    pub fn spend(&mut self, signer: &Address, nonce: u64, now: u64) -> Result<(), String> {
        let (least, most) = (now.saturating_sub(BEHIND), now.saturating_add(AHEAD));
        if nonce > most {
            return Err(format!("Invalid nonce: nonce too high {nonce} > {most}"));
        }
        if nonce < least {
            return Err(format!("Invalid nonce: nonce too low {nonce} < {least}"));
        }
        let used = self.0.entry(*signer).or_default();
        if used.contains(&nonce) {
            return Err(format!("Invalid nonce: duplicate nonce {nonce}"));
        }
        if used.len() >= KEPT
            && let Some(smallest) = used.first().copied()
        {
            if nonce < smallest {
                return Err(format!("Invalid nonce: nonce too low {nonce} < {smallest}"));
            }
            used.pop_first();
        }
        used.insert(nonce);
        Ok(())
    }

    /// Forgets the nonces of a signer: its old actions could be sent again.
    pub fn prune(&mut self, signer: &Address) {
        self.0.remove(signer);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANN: Address = Address([1; 20]);
    const NOW: u64 = 1_700_000_000_000;

    #[test]
    fn a_nonce_is_used_once_and_in_its_time() {
        let mut nonces = Nonces::default();
        assert_eq!(nonces.spend(&ANN, NOW, NOW), Ok(()));
        assert_eq!(nonces.spend(&ANN, NOW, NOW), Err(format!("Invalid nonce: duplicate nonce {NOW}")));
        assert_eq!(nonces.spend(&Address([2; 20]), NOW, NOW), Ok(()), "of another signer");
        assert_eq!(nonces.spend(&ANN, NOW - 5, NOW), Ok(()), "the order does not matter");
        let (low, high) = (NOW - BEHIND, NOW + AHEAD);
        assert_eq!(nonces.spend(&ANN, low - 1, NOW), Err(format!("Invalid nonce: nonce too low {} < {low}", low - 1)));
        assert_eq!(
            nonces.spend(&ANN, high + 1, NOW),
            Err(format!("Invalid nonce: nonce too high {} > {high}", high + 1))
        );
    }

    proptest! {
        /// Beside a model that remembers everything: what was used is never taken again, and what is above all that is
        /// remembered always is.
        #[test]
        fn no_nonce_is_taken_twice(offsets in prop::collection::vec(0_u64..400, 1..600)) {
            let (mut nonces, mut ever) = (Nonces::default(), BTreeSet::new());
            for offset in offsets {
                let nonce = NOW + offset;
                let is_highest = ever.last().is_none_or(|last| nonce > *last);
                let taken = nonces.spend(&ANN, nonce, NOW).is_ok();
                prop_assert!(!(taken && ever.contains(&nonce)));
                prop_assert!(taken || !is_highest);
                if taken {
                    ever.insert(nonce);
                }
                let above = ever.iter().rev().take(KEPT).min().copied();
                prop_assert!(taken || ever.contains(&nonce) || above.is_some_and(|least| nonce < least));
            }
        }
    }
}
