//! A small seeded generator (SplitMix64), so that a run can be repeated.

use serde::{Deserialize, Serialize};

const BASE32HEX: &[u8] = b"0123456789abcdefghijklmnopqrstuv";
const URL_SAFE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length)
            .map(|_| {
                let at = self.next() as usize % alphabet.len();
                char::from(alphabet[at])
            })
            .collect()
    }

    /// Letters and digits an event id may hold.
    pub(crate) fn base32hex(&mut self, length: usize) -> String {
        self.text(BASE32HEX, length)
    }

    pub(crate) fn url_safe(&mut self, length: usize) -> String {
        self.text(URL_SAFE, length)
    }

    pub(crate) fn letters(&mut self, length: usize) -> String {
        self.text(LETTERS, length)
    }

    /// A decimal number of exactly `length` digits that does not start with 0.
    pub(crate) fn digits(&mut self, length: usize) -> String {
        let mut text = self.text(b"0123456789", length);
        if text.starts_with('0') {
            text.replace_range(..1, "1");
        }
        text
    }
}

/// Bytes in the letters and digits of an event id (RFC 4648, base32hex, lower case, unpadded).
pub(crate) fn base32hex(bytes: &[u8]) -> String {
    let five = |bits: &[u8]| {
        let value = (0..5).fold(0, |value, at| {
            value << 1 | bits.get(at).copied().unwrap_or(0)
        });
        char::from(BASE32HEX[usize::from(value)])
    };
    let bits = |byte: &u8| {
        (0..8).rev().map({
            let byte = *byte;
            move |at| byte >> at & 1
        })
    };
    let bits: Vec<u8> = bytes.iter().flat_map(bits).collect();
    bits.chunks(5).map(five).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, section 10.
    #[test]
    fn bytes_in_base32hex() {
        assert_eq!(base32hex(b"foobar"), "cpnmuoj1e8");
        assert_eq!(base32hex(b"f"), "co");
    }

    #[test]
    fn the_same_seed_gives_the_same_values() {
        let (mut a, mut b) = (Random::new(7), Random::new(7));
        assert_eq!(a.base32hex(26), b.base32hex(26));
        assert_ne!(a.next(), Random::new(8).next());
    }

    #[test]
    fn digits_never_start_with_zero() {
        let mut random = Random::new(3);
        assert!((0..200).all(|_| !random.digits(5).starts_with('0')));
    }
}
