//! Guest lists, by address.

use crate::ResponseStatus;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A guest. What is none is not said: of a row, that leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attendee {
    /// A name.
    pub display_name: Option<String>,
    /// Need not come.
    pub optional: Option<bool>,
    /// The answer to the invitation.
    pub response_status: Option<ResponseStatus>,
    /// A note to the answer.
    pub comment: Option<String>,
    /// How many more they bring.
    pub additional_guests: Option<i64>,
    /// A room or a thing.
    pub resource: Option<bool>,
    /// Is the organizer; the provider's to say.
    pub organizer: Option<bool>,
    /// Is the calendar it was read from; the provider's to say.
    pub is_self: Option<bool>,
}

/// Guests by canonical address. In JSON an array of objects with an `email` each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attendees(BTreeMap<String, Attendee>);

impl Attendee {
    /// In the one form that is compared: nothing that is a default, no name that is only the address
    /// again, and an answer.
    #[must_use]
    pub fn canonical(&self, email: &str) -> Self {
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let flag = |flag: Option<bool>| flag.filter(|flag| *flag);
        Self {
            display_name: text(&self.display_name)
                .filter(|name| canonical_address(name) != canonical_address(email)),
            optional: flag(self.optional),
            response_status: Some(self.response_status.clone().unwrap_or_default()),
            comment: text(&self.comment),
            additional_guests: self.additional_guests.filter(|more| *more != 0),
            resource: flag(self.resource),
            organizer: flag(self.organizer),
            is_self: flag(self.is_self),
        }
    }

    /// Without what the provider decides.
    #[must_use]
    pub fn without_roles(self) -> Self {
        Self {
            organizer: None,
            is_self: None,
            ..self
        }
    }

    fn of_object(guest: &Map<String, Value>) -> Self {
        let text = |name| guest.get(name).and_then(Value::as_str);
        let flag = |name| guest.get(name).and_then(Value::as_bool);
        Self {
            display_name: text("display_name").map(str::to_owned),
            optional: flag("optional"),
            response_status: text("response_status").map(ResponseStatus::from),
            comment: text("comment").map(str::to_owned),
            additional_guests: guest.get("additional_guests").and_then(Value::as_i64),
            resource: flag("resource"),
            organizer: flag("organizer"),
            is_self: flag("self"),
        }
    }

    fn to_object(&self, email: &str) -> Map<String, Value> {
        let said = [
            ("email", Some(json!(email))),
            ("display_name", self.display_name.as_ref().map(|x| json!(x))),
            (
                "response_status",
                self.response_status.as_ref().map(|x| json!(x)),
            ),
            ("optional", self.optional.map(Value::from)),
            ("comment", self.comment.as_ref().map(|x| json!(x))),
            ("additional_guests", self.additional_guests.map(Value::from)),
            ("resource", self.resource.map(Value::from)),
            ("organizer", self.organizer.map(Value::from)),
            ("self", self.is_self.map(Value::from)),
        ];
        let mut object = Map::new();
        let said = said.into_iter();
        object.extend(said.filter_map(|(name, value)| Some((name.to_owned(), value?))));
        object
    }
}

impl Attendees {
    /// Adds a guest, or replaces the one with this address; an empty address is nobody.
    pub fn insert(&mut self, email: &str, attendee: Attendee) {
        let email = canonical_address(email);
        if !email.is_empty() {
            self.0.insert(email, attendee);
        }
    }

    /// A guest by any spelling of the address.
    pub fn get(&self, email: &str) -> Option<&Attendee> {
        self.0.get(&canonical_address(email))
    }

    /// Takes a guest off.
    pub fn remove(&mut self, email: &str) -> Option<Attendee> {
        self.0.remove(&canonical_address(email))
    }

    /// Whether an address is invited.
    pub fn contains(&self, email: &str) -> bool {
        self.get(email).is_some()
    }

    /// Addresses and guests, by address.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attendee)> {
        self.0.iter().map(|(email, guest)| (email.as_str(), guest))
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody is invited.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same guests, by the addresses that `shown` has of those with an alias.
    #[must_use]
    pub fn by_address(&self, aliases: &BTreeMap<String, String>, shown: &Self) -> Self {
        let mut guests = self.clone();
        for (alias, address) in aliases
            .iter()
            .filter(|(_, address)| shown.contains(address))
        {
            if let Some(guest) = guests.remove(alias) {
                guests.0.entry(address.clone()).or_insert(guest);
            }
        }
        guests
    }

    /// In the one form that is compared.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let guests = self.iter();
        guests
            .map(|(email, guest)| (email.to_owned(), guest.canonical(email)))
            .collect()
    }

    /// Whether these are the same guests, and only what the provider decides about them differs: who of
    /// them is the organizer, and whose calendar it is.
    pub fn differs_in_roles(&self, other: &Self) -> bool {
        let said = |guests: &Self| -> Self {
            let guests = guests.0.clone().into_iter();
            guests
                .map(|(email, guest)| (email, guest.without_roles()))
                .collect()
        };
        let (ours, theirs) = (self.canonical(), other.canonical());
        ours != theirs && said(&ours) == said(&theirs)
    }

    /// The same guests, with the calendar's own user's answer and note taken from `row`.
    #[must_use]
    pub fn answered_as(mut self, row: &Self) -> Self {
        for (email, guest) in &mut self.0 {
            let Some(ours) = row.0.get(email).filter(|_| guest.is_self == Some(true)) else {
                continue;
            };
            if ours.response_status.is_some() {
                guest.response_status.clone_from(&ours.response_status);
            }
            if ours.comment.is_some() {
                guest.comment.clone_from(&ours.comment);
            }
        }
        self
    }

    /// Of a row, where anything may be odd: what has no address is nobody.
    pub(crate) fn of_row(row: &Value) -> Self {
        let guests = row.as_array().into_iter().flatten();
        let guests = guests.filter_map(Value::as_object).filter_map(|guest| {
            let email = guest.get("email")?.as_str()?;
            Some((email.to_owned(), Attendee::of_object(guest)))
        });
        guests.collect()
    }
}

impl FromIterator<(String, Attendee)> for Attendees {
    fn from_iter<I: IntoIterator<Item = (String, Attendee)>>(guests: I) -> Self {
        let mut all = Self::default();
        for (email, guest) in guests {
            all.insert(&email, guest);
        }
        all
    }
}

impl Serialize for Attendees {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(|(email, guest)| guest.to_object(email)))
    }
}

impl<'de> Deserialize<'de> for Attendees {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::of_row(&Value::deserialize(from)?))
    }
}

/// Providers lower-case the local part; domains have no case.
fn canonical_address(email: &str) -> String {
    email.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guests(json: &Value) -> Attendees {
        Attendees::of_row(json)
    }

    #[test]
    fn roles_are_the_providers_to_say() {
        let before =
            guests(&json!([{"email": "ann@example.com", "organizer": true, "self": true}]));
        let after = guests(&json!([{"email": "ann@example.com"}]));
        let answered =
            guests(&json!([{"email": "ann@example.com", "response_status": "accepted"}]));
        assert!(before.differs_in_roles(&after));
        assert!(!before.differs_in_roles(&before));
        assert!(!before.differs_in_roles(&answered));
    }

    #[test]
    fn defaults_are_said_by_nobody() {
        let said = guests(&json!([{
            "email": " Ann@Example.com", "display_name": "ann@example.com", "optional": false, "comment": "",
            "additional_guests": 0, "resource": null,
        }]));
        let expected = json!([{"email": "ann@example.com", "response_status": "needsAction"}]);
        assert_eq!(json!(said.canonical()), expected);
    }

    #[test]
    fn a_list_that_is_none_invites_nobody() {
        for odd in [
            json!(null),
            json!("ann"),
            json!([1, {"name": "Ann"}, {"email": " "}]),
        ] {
            assert!(guests(&odd).is_empty());
        }
    }
}
