//! Guest lists, merged per address: one side may invite somebody while another answers.

use crate::crm::Row;
use crate::google::event::{Attendee, Event, ResponseStatus};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Guests by canonical address. A guest is what Google shows: `email`, `displayName`, `optional`,
/// `responseStatus`, `comment`, `additionalGuests`, `resource`, `organizer`, `self`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Guests(BTreeMap<String, Map<String, Value>>);

/// A row's names for Google's.
const NAMES: [(&str, &str); 8] = [
    ("display_name", "displayName"),
    ("optional", "optional"),
    ("response_status", "responseStatus"),
    ("comment", "comment"),
    ("additional_guests", "additionalGuests"),
    ("resource", "resource"),
    ("organizer", "organizer"),
    ("self", "self"),
];

/// What Google decides about a guest.
const READ_ONLY: [&str; 2] = ["organizer", "self"];

impl Guests {
    /// The guests of a Google event.
    pub fn of_event(event: &Event) -> Self {
        let guests = event.attendees.as_deref().unwrap_or_default();
        Self::collect(guests.iter().map(|guest| {
            let Attendee { email, .. } = guest;
            (email.clone().unwrap_or_default(), wire(guest))
        }))
    }

    /// The guests of a row.
    pub fn of_row(row: &Row) -> Self {
        let guests = row.value("attendees").as_array().map(Vec::as_slice);
        Self::collect(guests.unwrap_or_default().iter().map(|guest| {
            let field = |name: &str| guest.get(name).cloned().unwrap_or_default();
            let fields = NAMES
                .iter()
                .map(|(ours, theirs)| ((*theirs).to_owned(), field(ours)));
            (
                field("email").as_str().unwrap_or_default().to_owned(),
                fields.collect(),
            )
        }))
    }

    /// The guests of a base.
    pub fn of_shown(shown: &Value) -> Self {
        let guests = shown.as_array().map(Vec::as_slice).unwrap_or_default();
        Self::collect(guests.iter().filter_map(|guest| {
            let guest = guest.as_object()?;
            Some((guest.get("email")?.as_str()?.to_owned(), guest.clone()))
        }))
    }

    /// As bases hold it and as Google is sent it.
    pub fn to_shown(&self) -> Value {
        let guests = self.0.iter().map(|(email, guest)| {
            let mut guest = guest.clone();
            guest.insert("email".to_owned(), json!(email));
            Value::Object(guest)
        });
        guests.collect()
    }

    /// As a row holds it.
    pub fn to_row(&self) -> Value {
        let guests = self.0.iter().map(|(email, guest)| {
            let mut row = Map::from_iter([("email".to_owned(), json!(email))]);
            for (ours, theirs) in NAMES {
                if let Some(value) = guest.get(theirs) {
                    row.insert(ours.to_owned(), value.clone());
                }
            }
            Value::Object(row)
        });
        guests.collect()
    }

    /// Whether these are the same guests, and only what Google decides about them differs: who of them
    /// is the organizer, and whose calendar it is.
    pub fn differs_in_roles(&self, other: &Self) -> bool {
        let said = |guests: &Self| writable(guests.to_shown());
        self != other && said(self) == said(other)
    }

    /// The same guests, with the calendar's own user's answer and note taken from `row`.
    pub fn answered_as(mut self, row: &Self) -> Self {
        for (email, guest) in &mut self.0 {
            let own = guest.get("self").and_then(Value::as_bool) == Some(true);
            let Some(ours) = row.0.get(email).filter(|_| own) else {
                continue;
            };
            for name in ["responseStatus", "comment"] {
                if let Some(value) = ours.get(name) {
                    guest.insert(name.to_owned(), value.clone());
                }
            }
        }
        self
    }

    fn collect(guests: impl Iterator<Item = (String, Map<String, Value>)>) -> Self {
        let named = guests.filter(|(email, _)| !email.trim().is_empty());
        Self(
            named
                .map(|(email, guest)| (canonical(&email), plain(&email, guest)))
                .collect(),
        )
    }
}

/// Both sides' guests become one list.
///
/// Who was invited or dropped on one side since the bases is invited or dropped. Of a guest that both
/// sides have, the fields that the row changed are the row's and all others Google's; the answer to
/// the invitation is always Google's.
pub fn merge(base_crm: &Guests, row: &Guests, base_google: &Guests, google: &Guests) -> Guests {
    let everybody: BTreeSet<&String> = row.0.keys().chain(google.0.keys()).collect();
    let mut merged = BTreeMap::new();
    for email in everybody {
        let known = base_crm.0.contains_key(email) || base_google.0.contains_key(email);
        let guest = match (row.0.get(email), google.0.get(email)) {
            (Some(ours), Some(theirs)) => Some(fields(base_crm.0.get(email), ours, theirs)),
            (Some(one), None) | (None, Some(one)) => (!known).then(|| one.clone()),
            (None, None) => None,
        };
        if let Some(guest) = guest {
            merged.insert(email.clone(), guest);
        }
    }
    Guests(merged)
}

fn fields(
    base: Option<&Map<String, Value>>,
    ours: &Map<String, Value>,
    theirs: &Map<String, Value>,
) -> Map<String, Value> {
    let mut guest = theirs.clone();
    let own = theirs.get("self").and_then(Value::as_bool) == Some(true);
    for (_, name) in NAMES {
        let changed = base.is_some_and(|base| base.get(name) != ours.get(name));
        let ours_to_say = !READ_ONLY.contains(&name) && (own || name != "responseStatus");
        if ours_to_say && changed {
            match ours.get(name) {
                Some(value) => guest.insert(name.to_owned(), value.clone()),
                None => guest.remove(name),
            };
        }
    }
    guest
}

/// Without what Google decides by itself.
pub fn writable(mut shown: Value) -> Value {
    for guest in shown.as_array_mut().into_iter().flatten() {
        if let Some(guest) = guest.as_object_mut() {
            guest.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        }
    }
    shown
}

fn wire(guest: &Attendee) -> Map<String, Value> {
    let answer = guest
        .response_status
        .as_ref()
        .unwrap_or(&ResponseStatus::NeedsAction);
    let fields = json!({
        "displayName": guest.display_name, "optional": guest.optional, "responseStatus": answer,
        "comment": guest.comment, "additionalGuests": guest.additional_guests,
        "resource": guest.resource, "organizer": guest.organizer, "self": guest.is_self,
    });
    fields.as_object().cloned().unwrap_or_default()
}

/// Google lower-cases the local part; domains have no case.
fn canonical(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Without what is absent or default, and without a name that is only the address again.
fn plain(email: &str, mut guest: Map<String, Value>) -> Map<String, Value> {
    guest.remove("email");
    let empty = |value: &Value| {
        value.is_null() || *value == json!(false) || *value == json!("") || *value == json!(0)
    };
    guest.retain(|_, value| !empty(value));
    let named_as_address = guest.get("displayName").and_then(Value::as_str);
    if named_as_address.is_some_and(|name| canonical(name) == canonical(email)) {
        guest.remove("displayName");
    }
    guest
        .entry("responseStatus")
        .or_insert_with(|| json!("needsAction"));
    guest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guests(list: &[(&str, &str)]) -> Guests {
        let one =
            |(email, answer): &(&str, &str)| json!({"email": email, "responseStatus": answer});
        Guests::of_shown(&list.iter().map(one).collect())
    }

    fn check(
        base: &[(&str, &str)],
        row: &[(&str, &str)],
        google: &[(&str, &str)],
        expected: &[(&str, &str)],
    ) {
        let base = guests(base);
        let merged = merge(&base, &guests(row), &base, &guests(google));
        assert_eq!(merged, guests(expected));
    }

    const ANN: (&str, &str) = ("ann@example.com", "needsAction");
    const BOB: (&str, &str) = ("bob@example.com", "needsAction");
    const CAT: (&str, &str) = ("cat@example.com", "needsAction");
    const ANN_YES: (&str, &str) = ("ann@example.com", "accepted");

    #[test]
    fn an_invitation_here_and_an_answer_there_are_both_kept() {
        check(&[ANN], &[ANN, BOB], &[ANN_YES], &[ANN_YES, BOB]);
    }

    #[test]
    fn both_sides_may_invite_and_drop() {
        check(&[ANN, BOB], &[ANN, CAT], &[BOB, ANN], &[ANN, CAT]);
        check(&[ANN, BOB], &[ANN, BOB], &[BOB], &[BOB]);
        check(&[ANN], &[ANN, BOB], &[ANN, CAT], &[ANN, BOB, CAT]);
        check(&[ANN], &[], &[ANN_YES], &[]);
    }

    #[test]
    fn roles_are_googles_to_say() {
        let ann = |more: &Value| {
            let mut guest = json!({"email": "ann@example.com"});
            guest
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            Guests::of_shown(&json!([guest]))
        };
        let before = ann(&json!({"organizer": true, "self": true}));
        assert!(before.differs_in_roles(&ann(&json!({}))));
        assert!(!before.differs_in_roles(&before));
        assert!(!before.differs_in_roles(&ann(&json!({"responseStatus": "accepted"}))));
    }

    #[test]
    fn addresses_are_one_whatever_their_case() {
        check(
            &[ANN],
            &[("Ann@Example.com", "needsAction")],
            &[ANN_YES],
            &[ANN_YES],
        );
    }
}
