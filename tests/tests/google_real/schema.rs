//! Google's discovery document as a judge of answers: right types, no field that it does not know.

use crate::google_api;
use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate};
use serde_json::{Map, Value};
use tests::python;

const DOCUMENT: &str = "googleapiclient/discovery_cache/documents/calendar.v3.json";

/// An answer, with what it answers.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub verb: String,
    /// Without the query.
    pub path: String,
    pub status: u16,
    pub body: Vec<u8>,
}

pub struct Discovery(Value);

impl Discovery {
    pub async fn calendar() -> Result<Self> {
        let environment = google_api::environment().await?;
        let text = std::fs::read(python::file(&environment, DOCUMENT)?)?;
        Ok(Self(serde_json::from_slice(&text)?))
    }

    /// Every method, as in `calendar.events.list`.
    pub fn methods(&self) -> impl Iterator<Item = &Value> {
        let resources = self.0["resources"].as_object().into_iter().flatten();
        resources.flat_map(|(_, resource)| {
            let methods = resource["methods"].as_object().into_iter().flatten();
            methods.map(|(_, method)| method)
        })
    }

    /// The method that a request is for.
    pub fn method(&self, verb: &str, path: &str) -> Option<&Value> {
        let path = path.strip_prefix("/calendar/v3/")?;
        let literal = |method: &&Value| !text(&method["path"]).ends_with('}');
        let fits =
            |method: &&Value| method["httpMethod"] == verb && is_of(text(&method["path"]), path);
        let mut all = self.methods().filter(fits);
        let first = all.next()?;
        // `events/import` is no event.
        Some(all.find(literal).unwrap_or(first))
    }

    /// What is wrong with a good answer of the Calendar API; nothing with other answers.
    pub fn problems(&self, exchange: &Exchange) -> Vec<String> {
        let (verb, path) = (&exchange.verb, &exchange.path);
        if !(200..300).contains(&exchange.status) || !path.starts_with("/calendar/v3/") {
            return Vec::new();
        }
        let Some(method) = self.method(verb, path) else {
            return vec![format!("{verb} {path} is no method")];
        };
        let at = text(&method["id"]).to_owned();
        let mut problems = Vec::new();
        match (
            method.get("response"),
            serde_json::from_slice(&exchange.body),
        ) {
            (None, _) if exchange.body.is_empty() => {}
            (None, _) => problems.push(format!("{at}: a body where there is none")),
            (Some(_), Err(error)) => problems.push(format!("{at}: {error}")),
            (Some(schema), Ok(body)) => self.check(schema, &body, &at, &mut problems),
        }
        problems
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
        if let Some(name) = schema["$ref"].as_str() {
            return self.check(&self.0["schemas"][name], value, at, problems);
        }
        let right = match (text(&schema["type"]), value) {
            ("any", _) | ("boolean", Value::Bool(_)) => true,
            ("integer", Value::Number(number)) => {
                number.as_i64().is_some_and(|n| i32::try_from(n).is_ok())
            }
            ("number", Value::Number(_)) => true,
            ("string", Value::String(string)) => is_formatted(text(&schema["format"]), string),
            ("array", Value::Array(items)) => {
                for (n, item) in items.iter().enumerate() {
                    self.check(&schema["items"], item, &format!("{at}[{n}]"), problems);
                }
                true
            }
            ("object", Value::Object(fields)) => {
                self.check_fields(schema, fields, at, problems);
                true
            }
            _ => false,
        };
        if !right {
            let wanted = format!("{} {}", text(&schema["type"]), text(&schema["format"]));
            problems.push(format!("{at}: {value} is no {}", wanted.trim()));
        }
    }

    fn check_fields(
        &self,
        schema: &Value,
        fields: &Map<String, Value>,
        at: &str,
        problems: &mut Vec<String>,
    ) {
        for (name, value) in fields {
            let at = format!("{at}.{name}");
            let known = schema["properties"].get(name);
            match known.or_else(|| schema.get("additionalProperties")) {
                Some(schema) => self.check(schema, value, &at, problems),
                None => problems.push(format!("{at} is no field")),
            }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Whether a path is of a template such as `calendars/{calendarId}/acl`.
fn is_of(template: &str, path: &str) -> bool {
    let (wanted, given) = (template.split('/'), path.split('/'));
    wanted.clone().count() == given.clone().count()
        && wanted
            .zip(given)
            .all(|(wanted, given)| wanted.starts_with('{') && !given.is_empty() || wanted == given)
}

fn is_formatted(format: &str, string: &str) -> bool {
    match format {
        "date" => string.len() == 10 && string.parse::<NaiveDate>().is_ok(),
        "date-time" => DateTime::parse_from_rfc3339(string).is_ok(),
        "int64" => string.parse::<i64>().is_ok(),
        "uint64" => string.parse::<u64>().is_ok(),
        _ => format.is_empty(),
    }
}

mod cases {
    use super::*;
    use serde_json::json;

    fn small() -> Discovery {
        Discovery(json!({
            "resources": {"things": {"methods": {
                "get": {"id": "get", "path": "things/{id}", "httpMethod": "GET", "response": {"$ref": "Thing"}},
                "odd": {"id": "odd", "path": "things/odd", "httpMethod": "GET"},
            }}},
            "schemas": {"Thing": {"type": "object", "properties": {
                "n": {"type": "integer", "format": "int32"},
                "big": {"type": "string", "format": "int64"},
                "day": {"type": "string", "format": "date"},
                "at": {"type": "string", "format": "date-time"},
                "yes": {"type": "boolean"},
                "inner": {"type": "array", "items": {"$ref": "Thing"}},
                "map": {"type": "object", "additionalProperties": {"type": "string"}},
            }}},
        }))
    }

    fn told(path: &str, body: &str) -> Vec<String> {
        small().problems(&Exchange {
            verb: "GET".into(),
            path: format!("/calendar/v3/{path}"),
            status: 200,
            body: body.into(),
        })
    }

    #[test]
    fn a_body_of_the_schema_has_no_problem() {
        let body = json!({"n": 1, "big": "-5", "day": "2031-01-31", "at": "2031-01-31T10:00:00.000Z",
            "yes": true, "inner": [{"inner": []}], "map": {"any": "text"}});
        assert_eq!(told("things/1", &body.to_string()), [""; 0]);
        assert_eq!(told("things/odd", ""), [""; 0]);
    }

    #[test]
    fn every_departure_is_named_with_its_place() {
        let cases = [
            (json!({"n": "1"}), "get.n: \"1\" is no integer int32"),
            (
                json!({"n": 3_000_000_000_u32}),
                "get.n: 3000000000 is no integer int32",
            ),
            (json!({"big": 5}), "get.big: 5 is no string int64"),
            (
                json!({"day": "2031-02-30"}),
                "get.day: \"2031-02-30\" is no string date",
            ),
            (
                json!({"at": "2031-01-31T10:00:00"}),
                "get.at: \"2031-01-31T10:00:00\" is no string date-time",
            ),
            (json!({"yes": null}), "get.yes: null is no boolean"),
            (
                json!({"inner": [{}, {"x": 1}]}),
                "get.inner[1].x is no field",
            ),
            (json!({"map": {"k": 1}}), "get.map.k: 1 is no string"),
            (json!([]), "get: [] is no object"),
        ];
        for (body, problem) in cases {
            assert_eq!(told("things/1", &body.to_string()), [problem]);
        }
        assert_eq!(
            told("things/odd", "{}"),
            ["odd: a body where there is none"]
        );
        assert_eq!(told("other", "{}"), ["GET /calendar/v3/other is no method"]);
    }
}

/// The method's name of an exchange, for counting.
pub fn name(discovery: &Discovery, exchange: &Exchange) -> Result<String> {
    let method = discovery.method(&exchange.verb, &exchange.path);
    let method = method.with_context(|| format!("{} {}", exchange.verb, exchange.path))?;
    Ok(text(&method["id"]).to_owned())
}
