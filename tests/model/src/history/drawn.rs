//! What a seed decides of a history besides its steps: positions of the simulator's switches, and what users chose.

use super::step::Scope;
use google_simulator::undocumented;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Positions that no history has, and why.
const LEFT_OUT: &[(&str, &str, &str)] = &[(
    "shortLived",
    "nothing",
    "what Tandem inserts and somebody deletes before the next listing would never be told, while guides/sync has \
     every deletion in a delta",
)];

/// A position for every switch that documentation does not decide.
pub fn positions(seed: u64) -> BTreeMap<String, String> {
    let mut drawn = BTreeMap::new();
    for (name, positions) in undocumented() {
        let is_left_out = |position: &&&str| {
            let mut left_out = LEFT_OUT.iter();
            left_out.any(|(switch, without, _)| *switch == name && *without == **position)
        };
        let positions: Vec<&str> = positions
            .iter()
            .filter(|position| !is_left_out(position))
            .copied()
            .collect();
        let at = hash(seed, name) % positions.len().max(1) as u64;
        let position = usize::try_from(at).ok().and_then(|at| positions.get(at));
        drawn.extend(position.map(|position| (name.to_owned(), (*position).to_owned())));
    }
    drawn
}

/// FNV-1a, mixed: near seeds have nothing in common.
fn hash(seed: u64, name: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in seed.to_le_bytes().iter().chain(name.as_bytes()) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

/// What the user of this number chose for each of their calendars.
pub(crate) fn choices(scope: Scope, seed: u64, user: u64) -> Option<Value> {
    if !scope.settings {
        return None;
    }
    let mail = ["none", "all"][usize::from(seed.is_multiple_of(4))];
    let opt_out = ["remove", "keep"][usize::from(seed.is_multiple_of(3))];
    let policy = ["latest", "crm", "google"][((seed / 12 + user) % 3) as usize];
    Some(json!({"policy": policy, "send_updates": mail, "opt_out": opt_out}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_that_is_not_left_out_is_drawn() {
        let drawn: Vec<_> = (1..200).map(positions).collect();
        for (name, all) in undocumented() {
            for position in all {
                let is_left_out = LEFT_OUT
                    .iter()
                    .any(|(switch, without, _)| switch == &name && without == position);
                let is_drawn = drawn.iter().any(|drawn| drawn[name] == *position);
                assert_eq!(is_drawn, !is_left_out, "{name} {position}");
            }
        }
        assert_eq!(positions(7), positions(7));
    }

    #[test]
    fn what_is_left_out_is_a_position() {
        for (name, position, _) in LEFT_OUT {
            let known = undocumented();
            let switch = known.iter().find(|(switch, _)| switch == name).unwrap();
            assert!(switch.1.contains(position), "{name} {position}");
        }
    }
}
