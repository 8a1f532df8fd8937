//! Parameters of the URL: known ones, each once.

use super::answer::Problem;
use bytes::Bytes;
use chrono::{DateTime, Datelike, Utc};
use http::Request;
use std::collections::BTreeMap;
use url::form_urlencoded::parse;

/// The parameters of a request.
pub struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads them.
    ///
    /// # Errors
    /// The name of one that is not known, or there twice.
    pub fn read(request: &Request<Bytes>, known: &[&str]) -> Result<Self, Problem> {
        let mut found = BTreeMap::new();
        for (name, value) in parse(request.uri().query().unwrap_or_default().as_bytes()) {
            if !known.contains(&name.as_ref()) {
                let reason = match known {
                    [] => "this path takes no parameters".to_owned(),
                    known => format!("this path takes {}", known.join(", ")),
                };
                return Err(Problem::invalid(name, reason));
            }
            if found.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(Problem::invalid(name, "send this parameter once"));
            }
        }
        Ok(Self(found))
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The same of one that must be there.
    ///
    /// # Errors
    /// Its name.
    pub fn wanted(&self, name: &'static str) -> Result<&str, Problem> {
        let reason = || Problem::invalid(name, format!("send the parameter {name}"));
        self.get(name).ok_or_else(reason)
    }

    /// A time with its offset.
    ///
    /// # Errors
    /// Its name.
    pub fn time(&self, name: &'static str) -> Result<DateTime<Utc>, Problem> {
        let text = self.wanted(name)?;
        time(text).ok_or_else(|| {
            let reason = "write a time with its offset, such as 2031-03-03T00:00:00Z (a + as %2B)";
            Problem::invalid(name, reason)
        })
    }

    /// A whole number of at least 1 and at most `most`.
    ///
    /// # Errors
    /// Its name.
    pub fn number(&self, name: &'static str, most: i64) -> Result<Option<i64>, Problem> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text
            .parse()
            .ok()
            .filter(|n| (1..=most).contains(n) && plain);
        let reason = || Problem::invalid(name, format!("write a whole number from 1 to {most}"));
        number.map(Some).ok_or_else(reason)
    }
}

/// A time with its offset, in the years that everything can write.
pub fn time(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (1..=9999).contains(&at.year()).then_some(at)
}
