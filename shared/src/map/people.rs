//! Organizer and creator: Google's to say.

use crate::crm::Row;
use crate::google::event::{Event, Person};
use serde_json::{Map, Value, json};

pub fn shown(event: &Event) -> Value {
    json!({"organizer": person(event.organizer.as_ref()), "creator": person(event.creator.as_ref())})
}

pub fn expected(row: &Row) -> Value {
    json!({"organizer": row.value("organizer"), "creator": row.value("creator")})
}

pub fn to_row(shown: &Value) -> Map<String, Value> {
    let one = |name: &str| (name.to_owned(), shown[name].clone());
    Map::from_iter([one("organizer"), one("creator")])
}

fn person(person: Option<&Person>) -> Value {
    person.map_or(Value::Null, |person| {
        let is_self = person.is_self.unwrap_or(false);
        json!({"email": person.email, "display_name": person.display_name, "self": is_self})
    })
}
