//! Partial responses: the `fields` parameter (discovery document, `fields`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::{self, ApiError};

/// A parsed selector: names and what is wanted below each; empty means everything.
#[derive(Debug, Default)]
struct Wanted(BTreeMap<String, Wanted>);

/// The deepest nesting a selector may ask for, so that a hostile one cannot exhaust the stack.
const DEPTH: usize = 32;

/// The selected parts of `value`; 400 `invalidParameter` when the selector does not parse.
pub(super) fn select(value: &Value, selector: &str) -> Result<Value, ApiError> {
    let mut rest = selector;
    let wanted = list(&mut rest, DEPTH)
        .filter(|_| rest.is_empty())
        .ok_or_else(|| {
            error::invalid_parameter("fields", format!("Invalid field selection {selector}"))
        })?;
    Ok(pick(value, &wanted))
}

fn list(rest: &mut &str, depth: usize) -> Option<Wanted> {
    let mut all = Wanted::default();
    loop {
        path(rest, &mut all, depth)?;
        match rest.strip_prefix(',') {
            Some(tail) => *rest = tail,
            None => return Some(all),
        }
    }
}

fn path(rest: &mut &str, into: &mut Wanted, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let end = rest.find(['/', '(', ')', ',']).unwrap_or(rest.len());
    let (name, tail) = rest.split_at(end);
    let named = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-*".contains(c));
    if name.is_empty() || !named {
        return None;
    }
    *rest = tail;
    let below = into.0.entry(name.to_owned()).or_default();
    if let Some(tail) = rest.strip_prefix('/') {
        *rest = tail;
        path(rest, below, depth)
    } else if let Some(tail) = rest.strip_prefix('(') {
        *rest = tail;
        below.0.extend(list(rest, depth)?.0);
        *rest = rest.strip_prefix(')')?;
        Some(())
    } else {
        Some(())
    }
}

fn pick(value: &Value, wanted: &Wanted) -> Value {
    if wanted.0.is_empty() {
        return value.clone();
    }
    match value {
        Value::Array(items) => items.iter().map(|item| pick(item, wanted)).collect(),
        Value::Object(map) => {
            let kept: Map<String, Value> = map
                .iter()
                .filter_map(|(name, value)| {
                    let below = wanted.0.get(name).or_else(|| wanted.0.get("*"))?;
                    Some((name.clone(), pick(value, below)))
                })
                .collect();
            Value::Object(kept)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(selector: &str, expected: Value) {
        let value = json!({"kind": "k", "items": [{"id": 1, "start": {"date": "d", "x": 2}}]});
        assert_eq!(select(&value, selector).ok(), Some(expected), "{selector}");
    }

    #[test]
    fn selectors_pick_names_paths_and_groups() {
        check("kind", json!({"kind": "k"}));
        check("items(id)", json!({"items": [{"id": 1}]}));
        check(
            "items/start/date",
            json!({"items": [{"start": {"date": "d"}}]}),
        );
        check(
            "kind,items(id,start(x))",
            json!({"kind": "k", "items": [{"id": 1, "start": {"x": 2}}]}),
        );
        check("missing", json!({}));
    }

    #[test]
    fn a_selector_that_does_not_parse_is_refused() {
        for selector in ["items(", "items)", ",", "a,,b", "a//b", "a b"] {
            assert!(select(&json!({}), selector).is_err(), "{selector}");
        }
        assert!(select(&json!({}), &"a/".repeat(100_000)).is_err());
    }
}
