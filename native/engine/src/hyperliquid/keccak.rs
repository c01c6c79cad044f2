//! The hash of everything that is signed: Keccak-256, as Ethereum uses it.

use tiny_keccak::{Hasher, Keccak};

/// The hash of `parts`, one after the other.
pub(super) fn keccak256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Keccak::v256();
    for part in parts {
        hasher.update(part);
    }
    let mut hash = [0; 32];
    hasher.finalize(&mut hash);
    hash
}
