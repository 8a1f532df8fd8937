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

/// Numbers of the simulator's dials, the first of which is its own; of what histories show nothing.
const DIALS: &[(&str, &[u32])] = &[
    ("readLagSeconds", &[0, 0, 3, 40]),
    ("guestLagSeconds", &[0, 0, 3, 600]),
    ("conferenceDelaySeconds", &[5, 0, 600]),
    ("stopGraceSeconds", &[0, 600]),
    ("messageGap", &[1_000, 1]),
    ("syncTokenAgeSeconds", &[2_592_000, 86_400]),
];

/// What the simulator is told of a drawn position.
pub(crate) fn told(name: &str, position: &str) -> Value {
    let is_dial = DIALS.iter().any(|(dial, _)| *dial == name);
    let number = position.parse::<u32>().ok().filter(|_| is_dial);
    number.map_or_else(|| json!(position), |number| json!(number))
}

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

/// A number for every dial, that of a read lag only where it is asked for.
pub(crate) fn numbers(scope: Scope, seed: u64) -> BTreeMap<String, String> {
    let dials = DIALS
        .iter()
        .filter(|(name, _)| scope.lag || *name != "readLagSeconds");
    let drawn = dials.filter_map(|(name, numbers)| {
        let at = hash(seed, name) % numbers.len() as u64;
        let number = numbers.get(usize::try_from(at).ok()?)?;
        Some(((*name).to_owned(), number.to_string()))
    });
    drawn.collect()
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

/// Which way events of the user's second calendar go.
pub(crate) fn direction(scope: Scope, seed: u64, user: u64) -> &'static str {
    let directions = ["both", "both", "both", "in", "out"];
    let at = hash(seed.wrapping_add(user), "direction") % directions.len() as u64;
    let drawn = usize::try_from(at).ok().and_then(|at| directions.get(at));
    drawn.filter(|_| scope.settings).copied().unwrap_or("both")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

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
    fn every_number_is_drawn() {
        let scope = Scope {
            lag: true,
            ..Scope::all()
        };
        let drawn: Vec<_> = (1..200).map(|seed| numbers(scope, seed)).collect();
        for (name, all) in DIALS {
            for number in all.iter().map(u32::to_string) {
                assert!(
                    drawn.iter().any(|drawn| drawn[*name] == number),
                    "{name} {number}"
                );
            }
            assert_eq!(told(name, "7"), json!(7));
        }
        assert!(!numbers(Scope::all(), 1).contains_key("readLagSeconds"));
    }

    #[test]
    fn a_dial_begins_at_its_own_number() {
        let now = DateTime::from_timestamp(1_900_000_000, 0).unwrap();
        let world = crate::World::new(1, now);
        let known = world.control("GET", "switches", &Value::Null).unwrap();
        for (name, numbers) in DIALS {
            assert_eq!(known[*name]["default"], json!(numbers[0]), "{name}");
        }
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
