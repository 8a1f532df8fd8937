//! A Postgres of the tests' own, and a database each with the set of `migrations`.

mod blocking;
mod cluster;
mod fixture;
mod people;

use serde_json::{Value, json};

pub use blocking::Blocking;
pub use cluster::{again, fresh, functions, halves, restored, set};
pub use fixture::PostgresStore;

/// The arguments of a commit; families with their `ops`.
pub fn commit_of(families: &[Value], listing: &Value) -> Value {
    let mut by_kind = serde_json::Map::new();
    let mut parts = families.to_vec();
    for family in &mut parts {
        let ops = family["ops"].take();
        for op in ops.as_array().into_iter().flatten() {
            let mut op = op.clone();
            op["root"] = family["root"].clone();
            let kind = op["op"].as_str().unwrap_or_default();
            let all = by_kind.entry(kind).or_insert_with(|| json!([]));
            all.as_array_mut()
                .into_iter()
                .for_each(|all| all.push(op.clone()));
        }
    }
    json!({ "families": parts, "ops": by_kind, "listing": listing, "usage": [], "tokens": [], "pauses": [] })
}
