//! Two stores under the same random history.

use super::Fixture;
use super::play::{Name, Player};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Where two stores differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The history's seed.
    pub seed: u64,
    /// After how many steps.
    pub step: u32,
    /// What was done.
    pub did: String,
    /// What the first answered or showed.
    pub first: Value,
    /// The second.
    pub second: Value,
}

/// Plays a history on two fresh, empty stores. What they say is compared after each step, and all that
/// can be seen after every tenth and at the end: but for numbers of sequences, reserved ids and the words of a
/// refusal, which are a store's own.
///
/// # Errors
/// [`Difference`], the first one.
pub async fn differential<A: Fixture, B: Fixture>(
    a: A,
    b: B,
    seed: u64,
    steps: u32,
) -> Result<(), Difference> {
    let (mut first, mut second) = (Player::new(a, seed).await, Player::new(b, seed).await);
    for step in 1..=steps {
        let (did, one) = first.step().await;
        let (_, two) = second.step().await;
        same(seed, step, &did, one, two)?;
        if step % 10 == 0 || step == steps {
            same(seed, step, "look", first.look().await, second.look().await)?;
        }
    }
    Ok(())
}

fn same(seed: u64, step: u32, did: &str, first: Value, second: Value) -> Result<(), Difference> {
    if first == second {
        return Ok(());
    }
    let (first, second) = differing(first, second);
    Err(Difference {
        seed,
        step,
        did: did.to_owned(),
        first,
        second,
    })
}

/// The parts of two values that differ.
fn differing(first: Value, second: Value) -> (Value, Value) {
    match (first, second) {
        (Value::Object(mut one), Value::Object(mut two)) => {
            let (mut left, mut right) = (Map::new(), Map::new());
            let keys: BTreeSet<String> = one.keys().chain(two.keys()).cloned().collect();
            for key in keys {
                let of = |object: &mut Map<String, Value>| object.remove(&key).unwrap_or_default();
                let (one, two) = (of(&mut one), of(&mut two));
                if one != two {
                    let (one, two) = differing(one, two);
                    left.insert(key.clone(), one);
                    right.insert(key, two);
                }
            }
            (Value::Object(left), Value::Object(right))
        }
        (Value::Array(one), Value::Array(two)) if one.len() == two.len() => {
            let pairs = one.into_iter().zip(two).filter(|(one, two)| one != two);
            let (left, right) = pairs.map(|(one, two)| differing(one, two)).unzip();
            (Value::Array(left), Value::Array(right))
        }
        (first, second) => (first, second),
    }
}

/// Replaces what is a store's own by names in the order of their first sight.
pub(super) fn canonical(value: &mut Value, names: &mut Name) {
    match value {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                match key.as_str() {
                    "fence" | "recorded" | "as_of" | "listed" | "message" => *value = Value::Null,
                    "remote" | "reads" | "remotes" => names.replace(value),
                    _ => canonical(value, names),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|value| canonical(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
