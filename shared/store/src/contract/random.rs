//! Random choices that a seed decides.

/// A sequence of numbers (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`, which is more than 0.
    pub fn below(&mut self, n: u32) -> u32 {
        u32::try_from(self.number() % u64::from(n)).unwrap_or_default()
    }

    /// Once in `n` times.
    pub fn once_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    /// One of these, which are some.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let n = u32::try_from(all.len()).unwrap_or(u32::MAX);
        &all[self.below(n) as usize]
    }
}
