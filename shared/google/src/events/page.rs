//! A page of events, read one item at a time out of its text: an item that cannot be read loses itself,
//! never the page.

use crate::error::GoogleError;
use crate::event::{Event, Unreadable};
use crate::wire;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// One item of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The JSON text as it came; storable as text, also where the event is not readable.
    pub raw: String,
    /// The event, or why it cannot be read.
    pub event: Result<Event, Unreadable>,
}

/// The fields of a page as raw text.
pub(super) struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, GoogleError> {
        wire::raw_fields(text).map(Self).map_err(unreadable)
    }

    /// The items; none when the page has no such field.
    pub(super) fn items(&self) -> Result<Vec<Item>, GoogleError> {
        let Some(items) = self.0.get("items") else {
            return Ok(Vec::new());
        };
        let items: Vec<&RawValue> = wire::read(items.get())
            .map_err(|why| unreadable(wire::clip(&format!("items: {why}"))))?;
        Ok(items
            .into_iter()
            .map(|item| Item {
                raw: item.get().to_owned(),
                event: Event::read(item.get()),
            })
            .collect())
    }

    /// A token; an empty one is none.
    pub(super) fn token(&self, name: &str) -> Result<Option<String>, GoogleError> {
        let Some(raw) = self.0.get(name) else {
            return Ok(None);
        };
        let token: Option<String> = wire::parse(name, raw).map_err(unreadable)?;
        Ok(token.filter(|token| !token.is_empty()))
    }

    /// A field that the page can be used without.
    pub(super) fn lenient<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        wire::parse(name, self.0.get(name)?).ok()
    }
}

pub(super) fn unreadable(why: String) -> GoogleError {
    GoogleError::Unreadable {
        what: "page of events",
        why,
    }
}
