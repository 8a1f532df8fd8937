//! Texts with `{{ variable }}` in them, as Spin's manifest has them.

use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;

/// A text with the names of variables in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
}

impl Template {
    /// Takes a text apart.
    ///
    /// # Errors
    /// When a `{{` has no `}}`, or what is between them is no variable's name.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after
                .split_once("}}")
                .with_context(|| format!("`{text}` has a {{{{ without a }}}}"))?;
            let name = name.trim();
            ensure!(is_name(name), "`{name}` in `{text}` is no variable's name");
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Variable(name.to_owned()));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The variables it names.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Variable(name) => Some(name.as_str()),
        })
    }

    /// The text with the variables' values; `None` when one has none.
    pub fn fill(&self, values: &BTreeMap<String, String>) -> Option<String> {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => Some(text.as_str()),
                Part::Variable(name) => values.get(name).map(String::as_str),
            })
            .collect()
    }
}

/// Whether this may be the name of a variable: lower case letters, digits and `_`, a letter first.
pub fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_wherever_they_stand() {
        let template = Template::parse("{{host}}:{{ port }}/x").unwrap();
        let values = BTreeMap::from([("host".into(), "h".into()), ("port".into(), "1".into())]);
        assert_eq!(template.fill(&values).as_deref(), Some("h:1/x"));
        assert_eq!(template.variables().collect::<Vec<_>>(), ["host", "port"]);
    }

    #[test]
    fn a_variable_without_a_value_leaves_no_text() {
        let template = Template::parse("{{ host }}").unwrap();
        assert_eq!(template.fill(&BTreeMap::new()), None);
    }

    #[test]
    fn what_spin_would_refuse_is_refused() {
        assert!(Template::parse("{{ open").is_err());
        assert!(Template::parse("{{ Upper }}").is_err());
        assert!(Template::parse("{{}}").is_err());
    }
}
