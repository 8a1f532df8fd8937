//! What may stand at a place of a message, and what of it a recording keeps. Whatever has no form is replaced.

use super::pseudonym::Pseudonyms;
use super::words;
use serde_json::{Map, Value};

/// Stands for what is not written in any form.
pub const REMOVED: &str = "removed";

/// A field of an object.
pub type Field = (&'static str, Form);

/// The form of a value. Numbers, booleans and null stay in all but secrets.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A string that stays if it fits, and is replaced as text if not.
    Kept(fn(&str) -> bool),
    /// A string with a pseudonym.
    Replaced(fn(&Pseudonyms, &str) -> String),
    /// Nothing of it is written.
    Secret,
    /// An array.
    List(&'static Form),
    /// An object with these fields.
    Object(&'static [&'static [Field]]),
    /// An object with these fields, and secrets in all others.
    Sealed(&'static [Field]),
    /// An object whose keys are data, too.
    Map(&'static Form, &'static Form),
}

/// A word of the API's own, such as `confirmed`.
pub const WORD: Form = Form::Kept(words::is_word);
/// RFC 3339, or a date.
pub const TIME: Form = Form::Kept(words::is_time);
/// A time zone's name.
pub const ZONE: Form = Form::Kept(words::is_zone);
/// A line of `recurrence`.
pub const RULE: Form = Form::Kept(words::is_rule);
/// A list of the API's fields.
pub const SELECTOR: Form = Form::Kept(words::is_selector);
/// An error's message.
pub const MESSAGE: Form = Form::Kept(words::is_message);
/// A number or a boolean.
pub const PLAIN: Form = Form::Kept(|_| false);
/// An address.
pub const EMAIL: Form = Form::Replaced(Pseudonyms::text);
/// A calendar's id.
pub const CALENDAR: Form = Form::Replaced(Pseudonyms::calendar);
/// An access rule's id.
pub const ACL_RULE: Form = Form::Replaced(words::acl_rule);
/// An event's id.
pub const ID: Form = Form::Replaced(Pseudonyms::id);
/// An iCalendar UID.
pub const UID: Form = Form::Replaced(Pseudonyms::uid);
/// An entity tag.
pub const ETAG: Form = Form::Replaced(Pseudonyms::etag);
/// What only its maker reads, such as a sync token.
pub const OPAQUE: Form = Form::Replaced(Pseudonyms::opaque);
/// `name=value`, both somebody's own.
pub const PROPERTY: Form = Form::Replaced(words::property);
/// OAuth scopes.
pub const SCOPES: Form = Form::Replaced(words::scopes);
/// A link.
pub const LINK: Form = Form::Replaced(Pseudonyms::link);
/// Whatever a person wrote.
pub const TEXT: Form = Form::Replaced(Pseudonyms::text);
/// A token, a code, a key.
pub const SECRET: Form = Form::Secret;

/// Replaces by form.
#[derive(Clone, Copy, Debug)]
pub struct Mask<'a> {
    /// Of the recording.
    pub pseudonyms: &'a Pseudonyms,
    /// Whether Google wrote it: then the names of fields that are unknown here are Google's, and stay.
    pub of_google: bool,
}

impl Mask<'_> {
    /// A value without what is private in it.
    #[must_use]
    pub fn value(self, form: Form, value: &Value) -> Value {
        match (form, value) {
            (Form::Secret, _) => REMOVED.into(),
            (_, Value::Null | Value::Bool(_) | Value::Number(_)) => value.clone(),
            (_, Value::String(text)) => self.string(form, text).into(),
            (Form::List(inner), Value::Array(items)) => self.list(*inner, items),
            (Form::Sealed(_), Value::Array(_)) => REMOVED.into(),
            (_, Value::Array(items)) => self.list(TEXT, items),
            (_, Value::Object(fields)) => self.object(form, fields).into(),
        }
    }

    /// A string without what is private in it.
    #[must_use]
    pub fn string(self, form: Form, text: &str) -> String {
        match form {
            Form::Kept(fits) if fits(text) => text.to_owned(),
            Form::Replaced(name) => name(self.pseudonyms, text),
            Form::Secret | Form::Sealed(_) => REMOVED.to_owned(),
            Form::Kept(_) | Form::List(_) | Form::Object(_) | Form::Map(..) => {
                self.pseudonyms.text(text)
            }
        }
    }

    fn list(self, inner: Form, items: &[Value]) -> Value {
        items.iter().map(|item| self.value(inner, item)).collect()
    }

    fn object(self, form: Form, fields: &Map<String, Value>) -> Map<String, Value> {
        let one = |(name, value): (&String, &Value)| {
            let (name, form) = self.field(form, name);
            (name, self.value(form, value))
        };
        fields.iter().map(one).collect()
    }

    /// A field's name and its form.
    fn field(self, of: Form, name: &str) -> (String, Form) {
        let among = |fields: &[Field]| {
            let field = fields.iter().find(|field| field.0 == name);
            field.map(|field| field.1)
        };
        let (known, rest) = match of {
            Form::Object(groups) => (groups.iter().find_map(|fields| among(fields)), TEXT),
            Form::Sealed(fields) => (among(fields), SECRET),
            Form::Map(key, value) => return (self.string(*key, name), *value),
            Form::Kept(_) | Form::Replaced(_) | Form::Secret | Form::List(_) => {
                return (self.string(TEXT, name), TEXT);
            }
        };
        match known {
            Some(form) => (name.to_owned(), form),
            None if self.of_google && words::is_name(name) => (name.to_owned(), rest),
            None => (self.string(TEXT, name), rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FORM: Form = Form::Object(&[&[("status", WORD), ("busy", PLAIN), ("token", SECRET)]]);

    #[test]
    fn what_has_no_form_is_replaced() {
        let pseudonyms = &Pseudonyms::random();
        let text = |text: &str| Value::from(pseudonyms.text(text));
        let check = |of_google: bool, value: Value, expected: Value| {
            let mask = Mask {
                pseudonyms,
                of_google,
            };
            assert_eq!(mask.value(FORM, &value), expected, "{value}");
        };
        check(
            true,
            json!({"status": "confirmed", "busy": true}),
            json!({"status": "confirmed", "busy": true}),
        );
        check(
            true,
            json!({"status": "with Bob"}),
            json!({"status": text("with Bob")}),
        );
        check(true, json!({"busy": "Bob"}), json!({"busy": text("Bob")}));
        check(
            true,
            json!({"token": {"of": ["Bob", 7]}}),
            json!({"token": REMOVED}),
        );
        check(
            true,
            json!({"new": "Bob", "count": 7}),
            json!({"new": text("Bob"), "count": 7}),
        );
        let bob = pseudonyms.text("bob");
        check(
            true,
            json!({"new": {"bob": ["Bob"]}}),
            json!({"new": {bob.clone(): [text("Bob")]}}),
        );
        check(false, json!({"bob": "Bob"}), json!({bob: text("Bob")}));
        check(true, json!(["Bob"]), json!([text("Bob")]));
        check(true, json!("Bob"), text("Bob"));
    }

    #[test]
    fn a_sealed_object_shows_its_fields_alone() {
        let mask = Mask {
            pseudonyms: &Pseudonyms::random(),
            of_google: true,
        };
        let form = Form::Sealed(&[("scope", SCOPES), ("expires_in", PLAIN)]);
        let scope = "openid https://www.googleapis.com/auth/calendar.events";
        let value = json!({"scope": scope, "expires_in": 3599, "code": "4/0Ab", "pin": 1234});
        let shown = json!({"scope": scope, "expires_in": 3599, "code": REMOVED, "pin": REMOVED});
        assert_eq!(mask.value(form, &value), shown);
        assert_eq!(mask.value(form, &json!(["Bob"])), json!(REMOVED));
    }
}
