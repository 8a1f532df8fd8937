//! Why a call of the database has no result, in words that may be logged: a refusal often quotes the
//! value that it is about, and what people write belongs in no log.

use http_client::TransportError;
use provider::Class;
use store::StoreError;

/// Why a call of the database has no result.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// No complete answer.
    #[error("the database cannot be reached: {0}")]
    Transport(#[from] TransportError),
    /// The database or its front end refused.
    #[error("the database refused {function} ({code}){}", told(code, message))]
    Refused {
        /// The SQL function.
        function: &'static str,
        /// SQLSTATE, or the front end's own code.
        code: String,
        /// Its text.
        message: String,
        /// What it says one can do.
        hint: Option<String>,
    },
    /// The sync's store.
    #[error(transparent)]
    Sync(#[from] StoreError),
    /// Not the JSON that the function returns.
    #[error("the answer to {function} cannot be read: {why}")]
    Unreadable {
        /// The SQL function.
        function: &'static str,
        /// The parser's reason.
        why: String,
    },
}

impl DbError {
    /// What a caller can do. Errors of the connection, of resources, of locks and time-outs pass by
    /// themselves; others need a person.
    pub fn class(&self) -> Class {
        match self {
            Self::Transport(_) => Class::Retry,
            Self::Sync(StoreError::OtherInstance(_)) => Class::Conflict,
            Self::Sync(StoreError::NoAnswer(_) | StoreError::Busy(_)) => Class::Retry,
            Self::Unreadable { .. } | Self::Sync(StoreError::Refused(_)) => Class::Permanent,
            Self::Refused { code, .. } => match code.as_str() {
                "PT409" => Class::Conflict,
                "55P03" | "57014" | "40P01" | "PT503" | "PGRST000" | "PGRST001" | "PGRST002"
                | "PGRST003" => Class::Retry,
                code if ["08", "53", "57"]
                    .iter()
                    .any(|class| code.starts_with(class)) =>
                {
                    Class::Retry
                }
                code if code.starts_with("HTTP 5") || code == "HTTP 429" => Class::Retry,
                _ => Class::Permanent,
            },
        }
    }

    /// What the database says about a wish that it refuses with this code of ours, `PT` and a status.
    pub fn refusal(&self, wanted: &str) -> Option<String> {
        match self {
            Self::Refused {
                code,
                message,
                hint,
                ..
            } if code == wanted => Some(match hint {
                Some(hint) => format!("{message}. {hint}"),
                None => message.clone(),
            }),
            Self::Refused { .. } | Self::Transport(_) | Self::Sync(_) | Self::Unreadable { .. } => {
                None
            }
        }
    }

    /// What the database says one can do, for the log.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Refused {
                code,
                hint: Some(hint),
                ..
            } if is_safe_to_log(code) => Some(hint),
            Self::Refused { .. } | Self::Transport(_) | Self::Sync(_) | Self::Unreadable { .. } => {
                None
            }
        }
    }
}

/// Texts about connections, resources, locks, time-outs, logins and rights name what is ours, and so
/// do the front end's, a gateway's, which has no SQLSTATE, and the refusal of another deployment.
fn is_safe_to_log(code: &str) -> bool {
    let classes = ["08", "28", "53", "57", "58", "PGRST", "HTTP "];
    let codes = [
        "PT409", "3D000", "3F000", "40P01", "42501", "42883", "42P01", "55P03",
    ];
    classes.iter().any(|class| code.starts_with(class)) || codes.contains(&code)
}

fn told(code: &str, message: &str) -> String {
    if is_safe_to_log(code) {
        format!(": {message}")
    } else {
        "; its own log has the reason".to_owned()
    }
}

/// A parser's complaint without the value that it quotes.
pub(super) fn unquoted(why: &str) -> String {
    match (why.find('"'), why.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}…{}", &why[..first], &why[last + 1..])
        }
        _ => why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str) -> String {
        let error = DbError::Refused {
            function: "tandem_push_record",
            code: code.to_owned(),
            message: message.to_owned(),
            hint: Some(message.to_owned()),
        };
        format!("{error} {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn what_may_quote_a_person_is_not_told() {
        for code in [
            "22P02", "22007", "23505", "23514", "P0001", "PT400", "PT404", "XX000", "42601", "",
        ] {
            let told = refused(code, "invalid input syntax: \"Lunch with Ann\"");
            assert!(!told.contains("Lunch"), "{told}");
            assert!(told.contains("tandem_push_record") && told.contains(code));
        }
    }

    #[test]
    fn what_an_operator_can_mend_is_told() {
        for (code, message) in [
            (
                "28P01",
                "password authentication failed for user \"tandem\"",
            ),
            ("42883", "function public.tandem_due(jsonb) does not exist"),
            ("PGRST002", "no schema cache"),
            ("PT409", "another deployment"),
        ] {
            let told = refused(code, message);
            assert_eq!(told.matches(message).count(), 2, "{told}");
        }
    }

    #[test]
    fn a_parsers_complaint_quotes_nothing() {
        for (why, told) in [
            (
                "invalid type: string \"Lunch \\\"x\\\" at 9\", expected a number at line 1",
                "invalid type: string …, expected a number at line 1",
            ),
            ("missing field `rev`", "missing field `rev`"),
            ("a lone \"", "a lone \""),
        ] {
            assert_eq!(unquoted(why), told);
        }
    }
}
