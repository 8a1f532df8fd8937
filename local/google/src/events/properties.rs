//! Extended properties (Calendar API guide, extended properties).

use serde_json::{Map, Value};

use crate::error::{self, ApiError};

const KEY: usize = 44;
const VALUE: usize = 1024;
const COUNT: usize = 300;
const BYTES: usize = 32 * 1024;

/// Long keys are dropped, long values cut; 400 for what is not text or too much in total.
pub(super) fn normalise(value: &Value) -> Result<Option<Value>, ApiError> {
    let mut kept = Map::new();
    let (mut count, mut bytes) = (0, 0);
    for kind in ["private", "shared"] {
        let Some(pairs) = value.get(kind).and_then(Value::as_object) else {
            continue;
        };
        let mut texts = Map::new();
        for (key, text) in pairs {
            let Some(text) = text.as_str() else {
                return Err(error::invalid("Invalid extended property value."));
            };
            if key.chars().count() > KEY {
                continue;
            }
            let cut: String = text.chars().take(VALUE).collect();
            count += 1;
            bytes += key.len() + cut.len();
            texts.insert(key.clone(), cut.into());
        }
        if !texts.is_empty() {
            kept.insert(kind.into(), texts.into());
        }
    }
    if count > COUNT || bytes > BYTES {
        return Err(error::invalid(
            "A provided value exceeds the allowed size limit.",
        ));
    }
    Ok((!kept.is_empty()).then_some(Value::Object(kept)))
}

/// One property of an event.
pub(super) fn property<'a>(
    fields: &'a Map<String, Value>,
    kind: &str,
    key: &str,
) -> Option<&'a str> {
    fields
        .get("extendedProperties")?
        .get(kind)?
        .get(key)?
        .as_str()
}

/// Takes the private properties off an event.
pub(super) fn drop_private(fields: &mut Map<String, Value>) {
    if let Some(Value::Object(kinds)) = fields.get_mut("extendedProperties") {
        kinds.remove("private");
        if kinds.is_empty() {
            fields.remove("extendedProperties");
        }
    }
}
