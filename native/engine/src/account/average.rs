//! The average price of several fills, from their exact products: of one fill it is that fill's price, to the last step.

use crate::num::{NumError, Price, Qty, Rounding, div_round};

/// Sums price times quantity without rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Average {
    value: i128,
    quantity: i128,
}

impl Average {
    /// Takes in `quantity`, without sign, at `price`.
    ///
    /// # Errors
    /// [`NumError::Overflow`].
    pub fn add(&mut self, price: Price, quantity: Qty) -> Result<(), NumError> {
        let product = i128::from(price.raw()) * i128::from(quantity.raw());
        self.value = self.value.checked_add(product).ok_or(NumError::Overflow { operation: "average price" })?;
        self.quantity += i128::from(quantity.raw());
        Ok(())
    }

    /// The average, half to even at 1e-8; `None` of nothing.
    #[must_use]
    pub fn price(&self) -> Option<Price> {
        (self.quantity > 0)
            .then(|| div_round(self.value, self.quantity, Rounding::HalfEven))
            .and_then(|raw| i64::try_from(raw).ok())
            .map(Price::from_raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_of_one_price_is_that_price_whatever_its_notional_is_rounded_to() {
        let mut average = Average::default();
        assert_eq!(average.price(), None);
        let price: Price = "46323.6319".parse().unwrap();
        average.add(price, "0.00000003".parse().unwrap()).unwrap();
        average.add(price, "0.02158723".parse().unwrap()).unwrap();
        assert_eq!(average.price(), Some(price));
    }

    #[test]
    fn quantities_are_weights() {
        let mut average = Average::default();
        average.add("1".parse().unwrap(), "2".parse().unwrap()).unwrap();
        average.add("2".parse().unwrap(), "1".parse().unwrap()).unwrap();
        assert_eq!(average.price().unwrap().to_string(), "1.33333333");
    }
}
