//! Numbers that look random and are the same for the same seed (SplitMix64).

/// A source of numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

fn mixed(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Random {
    /// From a seed. Neighbours begin far from each other: a multiple of the step would make the one's numbers
    /// the other's, shifted.
    pub fn new(seed: u64) -> Self {
        Self(mixed(seed.wrapping_add(STEP)))
    }

    /// A number below `below`, which is not 0.
    pub fn below(&mut self, below: u32) -> u32 {
        self.0 = self.0.wrapping_add(STEP);
        let high = mixed(self.0) >> 32;
        u32::try_from((high * u64::from(below)) >> 32).unwrap_or_default()
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }

    /// One of some things.
    pub fn one_of<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        let at = self.below(u32::try_from(all.len()).ok()?.max(1));
        all.get(at as usize).cloned()
    }

    /// One of some things, each as often as its weight says.
    pub fn weighted<T: Copy>(&mut self, all: &[(u32, T)]) -> Option<T> {
        let sum: u32 = all.iter().map(|(weight, _)| weight).sum();
        let mut at = self.below(sum.max(1));
        for (weight, one) in all {
            if at < *weight {
                return Some(*one);
            }
            at -= weight;
        }
        None
    }
}
