//! Words of iCalendar and of providers. One that is not known is kept as it came.

/// An enum of words whose first is the default, which an empty text means too.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $(#[$first_doc:meta])* $first:ident = $first_text:literal,
            $($(#[$doc:meta])* $variant:ident = $text:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[$first_doc])*
            #[default]
            $first,
            $($(#[$doc])* $variant,)*
            /// A word that was not known when this was written.
            Other(String),
        }

        impl $name {
            /// The word.
            pub fn as_str(&self) -> &str {
                match self {
                    Self::$first => $first_text,
                    $(Self::$variant => $text,)*
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    "" | $first_text => Self::$first,
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
                let word = <String as serde::Deserialize>::deserialize(from)?;
                Ok(Self::from(word.as_str()))
            }
        }
    };
}

words! {
    /// Whether the event takes place.
    pub enum Status {
        /// It does.
        Confirmed = "confirmed",
        /// Perhaps.
        Tentative = "tentative",
        /// It does not.
        Cancelled = "cancelled",
    }
}

words! {
    /// Who sees the details.
    pub enum Visibility {
        /// As the calendar says.
        Default = "default",
        /// Every reader of the calendar.
        Public = "public",
        /// Only guests.
        Private = "private",
        /// An older name for private.
        Confidential = "confidential",
    }
}

words! {
    /// Whether it takes up time.
    pub enum Transparency {
        /// Busy.
        Opaque = "opaque",
        /// Free.
        Transparent = "transparent",
    }
}

words! {
    /// A guest's answer.
    pub enum ResponseStatus {
        /// None yet.
        NeedsAction = "needsAction",
        /// No.
        Declined = "declined",
        /// Perhaps.
        Tentative = "tentative",
        /// Yes.
        Accepted = "accepted",
    }
}

words! {
    /// How a reminder reaches its user.
    pub enum ReminderMethod {
        /// On the screen.
        Popup = "popup",
        /// By mail.
        Email = "email",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_survive_and_empty_ones_are_the_default() {
        for word in ["confirmed", "cancelled", "postponed"] {
            let json = format!("\"{word}\"");
            let status: Status = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&status).unwrap(), json);
        }
        assert_eq!(Status::from(""), Status::Confirmed);
        assert_eq!(Visibility::from(""), Visibility::Default);
        assert_eq!(Transparency::from(""), Transparency::Opaque);
    }
}
