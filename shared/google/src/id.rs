//! Names and secrets that Google hands out. All are opaque: compared and sent back as they came,
//! never taken apart.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! opaque {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text as it came.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )*};
}

macro_rules! secret {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// `Debug` hides it and there is no `Display`, so that it reaches no log by accident.
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The secret itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[secret]")
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )*};
}

opaque! {
    /// A calendar: an address such as `team@group.calendar.google.com`, or `primary`. May hold `#`.
    CalendarId;
    /// An event, unique within one calendar. Ids made by Google may hold `_` and upper case.
    EventId;
    /// The version of a resource, with its quotes.
    Etag;
    /// Where the last complete listing of a calendar ended.
    SyncToken;
    /// Where the next page of a listing begins.
    PageToken;
    /// A push channel; chosen by its creator, at most 64 characters, unique in the project.
    ChannelId;
    /// What a push channel watches; needed to stop it.
    ResourceId;
}

secret! {
    /// Opens the API for about an hour.
    AccessToken;
    /// Gets access tokens until it is revoked.
    RefreshToken;
    /// Comes back in every push of a channel and proves where the push is from.
    ChannelToken;
    /// What the consent page hands to the redirect; good for one exchange.
    AuthorizationCode;
    /// The secret half of PKCE; its hash went to the consent page.
    CodeVerifier;
    /// The OAuth client's own secret.
    ClientSecret;
    /// A signed statement about who consented.
    IdToken;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_strings_in_json() {
        let id: EventId = serde_json::from_str(r#""abc_R20260301T010000""#).unwrap();
        assert_eq!(id.as_str(), "abc_R20260301T010000");
        assert_eq!(
            serde_json::to_string(&id).unwrap(),
            r#""abc_R20260301T010000""#
        );
        assert_eq!(id.to_string(), "abc_R20260301T010000");
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        assert_eq!(
            format!("{:?}", AccessToken::from("ya29.example")),
            "[secret]"
        );
        assert_eq!(
            format!("{:?}", Some(RefreshToken::from("1//example"))),
            "Some([secret])"
        );
    }
}
