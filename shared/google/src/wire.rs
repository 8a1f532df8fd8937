//! How values of the wire become types: unknown enum values and unknown fields are kept, an absent
//! field is `None`, and an error names the field it is about.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// An enum of texts that keeps what it does not know.
macro_rules! wire_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$doc:meta])* $variant:ident = $text:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
            /// A value that was not known when this was written.
            Other(String),
        }

        impl $name {
            /// The text on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(from)?;
                Ok(Self::from(text.as_str()))
            }
        }
    };
}

/// A JSON object: some fields it cannot be without, many it can, and `rest` for the others.
macro_rules! wire_object {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(required { $($(#[$rdoc:meta])* $rfield:ident: $rtype:ty = $rwire:literal,)* })?
            optional { $($(#[$doc:meta])* $field:ident: $type:ty = $wire:literal,)* }
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $($($(#[$rdoc])* pub $rfield: $rtype,)*)?
            $($(#[$doc])* pub $field: Option<$type>,)*
            /// Fields without a type of their own, as they came.
            pub rest: serde_json::Map<String, serde_json::Value>,
        }

        impl $name {
            /// With nothing but what it cannot be without.
            pub fn bare($($($rfield: $rtype),*)?) -> Self {
                Self {
                    $($($rfield,)*)?
                    $($field: None,)*
                    rest: serde_json::Map::new(),
                }
            }

            /// Takes the known fields out of `map`; the error begins with the field's name.
            pub(crate) fn from_map(
                mut map: serde_json::Map<String, serde_json::Value>,
            ) -> Result<Self, String> {
                Ok(Self {
                    $($($rfield: crate::wire::required(&mut map, $rwire)?,)*)?
                    $($field: crate::wire::optional(&mut map, $wire)?,)*
                    rest: map,
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $($(map.serialize_entry($rwire, &self.$rfield)?;)*)?
                $(if let Some(value) = &self.$field {
                    map.serialize_entry($wire, value)?;
                })*
                for (name, value) in &self.rest {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let map = <serde_json::Map<_, _> as serde::Deserialize>::deserialize(from)?;
                Self::from_map(map).map_err(<D::Error as serde::de::Error>::custom)
            }
        }
    };
}

pub(super) use {wire_enum, wire_object};

/// The longest explanation that is kept, in characters.
const WHY_LIMIT: usize = 300;

/// A field that has to be there.
pub(super) fn required<T: DeserializeOwned>(
    map: &mut Map<String, Value>,
    name: &str,
) -> Result<T, String> {
    optional(map, name)?.ok_or_else(|| format!("{name}: missing"))
}

/// A field that may be absent; `null` and `{}` count as absent.
pub(super) fn optional<T: DeserializeOwned>(
    map: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<T>, String> {
    match map.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) if object.is_empty() => Ok(None),
        Some(value) => serde_json::from_value(value)
            .map(Some)
            .map_err(|why| clip(&format!("{name}: {why}"))),
    }
}

/// The fields of an object as raw text, so that one bad field spoils only itself.
pub(super) fn raw_fields(text: &str) -> Result<BTreeMap<String, &RawValue>, String> {
    read(text).map_err(|why| clip(&format!("not an object: {why}")))
}

/// One field out of its raw text; the error begins with `name`.
///
/// U+0000 is an error although JSON allows it: Postgres can store it neither as text nor as jsonb.
pub(super) fn parse<T: DeserializeOwned>(name: &str, raw: &RawValue) -> Result<T, String> {
    if name.contains('\0') || holds_nul(raw.get()) {
        return Err(clip(&format!("{}: holds U+0000", printable(name))));
    }
    read(raw.get()).map_err(|why| clip(&format!("{name}: {why}")))
}

/// As bytes, as whole bodies are read: for texts the parser would be compiled once more.
pub(super) fn read<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    serde_json::from_slice(text.as_bytes())
}

/// `text` without control characters and cut to what an error may hold.
pub(super) fn clip(text: &str) -> String {
    printable(text).chars().take(WHY_LIMIT).collect()
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn holds_nul(raw: &str) -> bool {
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at + 1..];
        if escape.starts_with("u0000") {
            return true;
        }
        // The escaped character may itself be a backslash, so both are stepped over.
        rest = escape.get(1..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_is_told_from_an_escaped_backslash() {
        for (raw, expected) in [
            (r#""a\u0000b""#, true),
            (r#""a\\u0000b""#, false),
            (r#""a\\\u0000b""#, true),
            (r#""a\nb""#, false),
            (r#""plain""#, false),
        ] {
            assert_eq!(holds_nul(raw), expected, "{raw}");
        }
    }

    #[test]
    fn explanations_are_short_and_printable() {
        assert_eq!(clip(&"x".repeat(1000)).len(), WHY_LIMIT);
        assert_eq!(clip("a\0b\nc"), "abc");
    }
}
