//! What an indicator gives: a number, or a few named numbers.

/// One value of an indicator.
pub trait Output: Copy + Send + Sync {
    /// The name of the value itself.
    const TYPE_NAME: &'static str;
    /// Names of the numbers, in order.
    const NAMES: &'static [&'static str];
    /// The numbers in that order; those past the names are NaN.
    fn parts(self) -> [f64; 3];
}

impl Output for f64 {
    const TYPE_NAME: &'static str = "float";
    const NAMES: &'static [&'static str] = &["value"];
    #[inline]
    fn parts(self) -> [f64; 3] {
        [self, Self::NAN, Self::NAN]
    }
}

macro_rules! output {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident),+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: f64,)+
        }

        impl Output for $name {
            const TYPE_NAME: &'static str = stringify!($name);
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),+];
            #[inline]
            fn parts(self) -> [f64; 3] {
                let mut parts = [f64::NAN; 3];
                for (part, number) in parts.iter_mut().zip([$(self.$field),+]) {
                    *part = number;
                }
                parts
            }
        }
    };
}

output!(
    /// Moving averages, how far apart they are, and how far from their own average.
    MacdValue {
        /// Fast average less slow one.
        macd,
        /// The average of `macd`.
        signal,
        /// `macd` less `signal`.
        histogram
    }
);
output!(
    /// A channel.
    BandsValue {
        /// The upper edge.
        upper,
        /// The middle.
        middle,
        /// The lower edge.
        lower
    }
);
output!(
    /// Strength of a trend, and its two directions; each 0 to 100.
    AdxValue {
        /// The average directional index.
        adx,
        /// The positive directional indicator.
        plus_di,
        /// The negative directional indicator.
        minus_di
    }
);
output!(
    /// The two directions of a trend, each 0 to 100.
    DmiValue {
        /// The positive directional indicator.
        plus_di,
        /// The negative directional indicator.
        minus_di
    }
);
output!(
    /// Where the price lies in its range, 0 to 100, and the average of that.
    StochasticValue {
        /// The place in the range.
        k,
        /// The average of `k`.
        d
    }
);
output!(
    /// A trailing line and the side on which it trails.
    SuperTrendValue {
        /// The line.
        line,
        /// 1 in a rising trend (the line is below the price), -1 in a falling one.
        direction
    }
);
output!(
    /// A straight line through the window, oldest input at 0.
    LinearRegressionValue {
        /// Rise per input.
        slope,
        /// Value at the oldest input.
        intercept,
        /// Value at the newest input.
        value
    }
);
