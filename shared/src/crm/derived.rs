//! The Google id of an event that was born in the CRM: its uuid in base32hex (26 characters), then
//! the generation in decimal. `tandem.google_id` makes the same, before the event is sent, so that an
//! insert of unknown outcome can be repeated and recognised.

use super::RowId;
use crate::google::EventId;
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// The id of a row's `generation`-th Google event, counted from 0.
pub fn derive(row: RowId, generation: i32) -> EventId {
    let bits = row.0.as_u128();
    let digit = |i: u32| {
        // 26 digits hold 130 bits: two zero bits follow the uuid.
        let shift = 125_u32.saturating_sub(i * 5);
        let value = if i == 25 {
            (bits << 2) & 31
        } else {
            (bits >> (shift - 2)) & 31
        };
        char::from(*ALPHABET.get(value as usize).unwrap_or(&b'0'))
    };
    let text: String = (0..26).map(digit).collect();
    EventId::from(format!("{text}{generation}"))
}

/// Which row and generation an id derives from, if it does.
pub fn derivation(id: &EventId) -> Option<(RowId, i32)> {
    let (digits, generation) = id.as_str().split_at_checked(26)?;
    let mut bits: u128 = 0;
    for (i, digit) in digits.bytes().enumerate() {
        let value = ALPHABET.iter().position(|known| *known == digit)? as u128;
        bits = if i == 25 {
            (bits << 3) | (value >> 2)
        } else {
            (bits << 5) | value
        };
    }
    let found = (RowId(Uuid::from_u128(bits)), generation.parse().ok()?);
    (derive(found.0, found.1) == *id).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uuid: &str, generation: i32, id: &str) {
        let row = RowId(uuid.parse().unwrap());
        assert_eq!(derive(row, generation).as_str(), id);
        assert_eq!(derivation(&EventId::from(id)), Some((row, generation)));
    }

    #[test]
    fn ids_are_those_that_the_database_makes() {
        check(
            "0123e567-e89b-12d3-a456-426614174000",
            0,
            "04huapv8jc9d792m89j185q0000",
        );
        check(
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            12,
            "vvvvvvvvvvvvvvvvvvvvvvvvvs12",
        );
        check(
            "00000000-0000-0000-0000-000000000001",
            3,
            "000000000000000000000000043",
        );
    }

    #[test]
    fn other_ids_do_not_derive() {
        for id in [
            "",
            "abc",
            "_60q30c1g60o30e1i60o4ac1g60rj8gpl88rj2c1h84s34h9g60s30c1g60o30c1g",
            "04huapv8jc9d792m89j185q000",
            "04huapv8jc9d792m89j185q001x",
        ] {
            assert_eq!(derivation(&EventId::from(id)), None, "{id}");
        }
    }
}
