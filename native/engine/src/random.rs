//! The one random generator of the engine: seeded, integers only, the same on every machine.

/// Vigna's SplitMix64 (2015): 64 bits of state, a period of 2^64, no statistical weakness that a simulation would meet.
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// Starts at a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }
    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// From 0 up to, not including, `bound`; 0 for a bound below one.
    pub fn below(&mut self, bound: i64) -> i64 {
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        let high = (u128::from(self.next_u64()) * u128::from(bound)) >> 64;
        i64::try_from(high).unwrap_or(0)
    }
    /// Bell-shaped around zero, with a deviation of about `scale`: the sum of four even draws.
    pub fn bell(&mut self, scale: i64) -> i64 {
        let wide = scale * 2;
        (0..4).map(|_| self.below(wide) - scale).sum::<i64>() * 7 / 8
    }
    /// Exponential with this mean, for the time to the next of events that know nothing of each other.
    pub fn exponential(&mut self, mean: i64) -> i64 {
        // An even draw in (0, 1) on a grid of 2^-53, so that the logarithm is finite.
        let even = ((self.next_u64() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0;
        #[expect(clippy::cast_possible_truncation, reason = "at most 38 times the mean; floats saturate")]
        let drawn = (-libm::log(even) * mean as f64) as i64;
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_published_numbers() {
        // From the reference implementation, prng.di.unimi.it/splitmix64.c, seed 1234567.
        let mut random = SplitMix64::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next_u64()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn draws_have_the_mean_and_range_they_promise() {
        let mut random = SplitMix64::new(1);
        let mean = |draws: Vec<i64>| draws.iter().sum::<i64>() / 100_000;
        let even: Vec<_> = (0..100_000).map(|_| random.below(1_000)).collect();
        assert!(even.iter().all(|n| (0..1_000).contains(n)));
        assert!((495..505).contains(&mean(even)));
        assert!((-10..10).contains(&mean((0..100_000).map(|_| random.bell(1_000)).collect())));
        let waits: Vec<_> = (0..100_000).map(|_| random.exponential(1_000_000)).collect();
        assert!(waits.iter().all(|n| *n >= 0));
        assert!((990_000..1_010_000).contains(&mean(waits)));
        assert_eq!(random.below(0), 0);
    }
}
