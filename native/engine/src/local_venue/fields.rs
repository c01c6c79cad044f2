//! How single fields are read where clients differ.

use serde::de::{Deserialize, Deserializer};

/// `null` is the default, as if the field were not there.
///
/// # Errors
/// The deserializer's.
pub(super) fn nullable<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}
