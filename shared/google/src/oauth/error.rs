//! Why a token endpoint refused. Only [`TokenError::InvalidGrant`] is for the user to repair; a wrong
//! client is the operator's.

use crate::wire::clip;
use bytes::Bytes;
use http::Response;
use http_client::TransportError;
use provider::Class;
use serde_json::Value;

/// Why there are no tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is no complete answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The code or refresh token is of no use: revoked, expired, spent, or under a policy.
    #[error("invalid_grant{}{}", labelled(subtype.as_deref()), labelled(description.as_deref()))]
    InvalidGrant {
        /// For example `invalid_rapt`, when a Workspace asks for a new sign-in.
        subtype: Option<String>,
        /// Google's sentence.
        description: Option<String>,
    },
    /// The client's id or secret is wrong, or the client was deleted.
    #[error("{error}{}", labelled(description.as_deref()))]
    InvalidClient {
        /// Google's word.
        error: String,
        /// Google's sentence.
        description: Option<String>,
    },
    /// The token to revoke is unknown or already revoked.
    #[error("invalid_token")]
    InvalidToken,
    /// Google's own trouble, or an answer from something in between.
    #[error("HTTP {status} of the token endpoint")]
    Temporary {
        /// The HTTP status.
        status: u16,
    },
    /// Too many requests.
    #[error("the token endpoint asks for fewer requests")]
    RateLimited,
    /// The call succeeded, its answer cannot be read.
    #[error("unreadable answer of the token endpoint: {why}")]
    Unreadable {
        /// Which field; never its value.
        why: String,
    },
    /// Any other refusal.
    #[error("HTTP {status} {error}{}", labelled(description.as_deref()))]
    Other {
        /// The HTTP status.
        status: u16,
        /// Google's word.
        error: String,
        /// Google's sentence.
        description: Option<String>,
    },
}

/// Whether Google's word says that an organisation's administrator does not allow the application.
pub fn is_policy(error: &str) -> bool {
    matches!(
        error,
        "admin_policy_enforced" | "policy_enforced" | "org_internal"
    )
}

impl TokenError {
    /// An organisation's administrator does not allow the application, until they do.
    pub fn is_policy(&self) -> bool {
        matches!(self, Self::Other { error, .. } if is_policy(error))
    }

    /// What to do about it.
    pub fn class(&self) -> Class {
        match self {
            Self::InvalidGrant { .. } => Class::Reconnect,
            Self::Transport(_) | Self::Temporary { .. } | Self::Unreadable { .. } => Class::Retry,
            Self::RateLimited => Class::RateLimited,
            Self::InvalidClient { .. } | Self::InvalidToken | Self::Other { .. } => {
                Class::Permanent
            }
        }
    }

    /// What happened and what to do, for a user of the CRM.
    pub fn explain(&self) -> String {
        let text = match self {
            Self::InvalidGrant { subtype, .. } if subtype.as_deref() == Some("invalid_rapt") => {
                "Your organisation asks for a new sign-in; connect the Google account again."
            }
            Self::InvalidGrant { .. } => {
                "Google has withdrawn the access; connect the Google account again."
            }
            Self::InvalidClient { .. } => {
                "Google does not know this application; an administrator has to check the OAuth client's id and secret."
            }
            Self::InvalidToken => "There was no access left to give back.",
            Self::Transport(_)
            | Self::Temporary { .. }
            | Self::RateLimited
            | Self::Unreadable { .. } => {
                "Google's sign-in service is not answering properly at the moment; it is tried again by itself."
            }
            Self::Other { error, .. } => match error.as_str() {
                "redirect_uri_mismatch" => {
                    "The address to return to is not registered with Google; an administrator has to add it to the OAuth client."
                }
                error if is_policy(error) => {
                    "Your organisation does not allow this application; ask its Google administrator."
                }
                _ => {
                    "Google refused the sign-in for a reason that is not known here; an administrator should look into the log."
                }
            },
        };
        text.to_owned()
    }

    /// Reads a refusal. It never fails: a body without Google's own word is taken for a passing
    /// trouble, because nothing final follows from it.
    pub(super) fn read(response: &Response<Bytes>) -> Self {
        let status = response.status().as_u16();
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let field = |name: &str| body[name].as_str().map(clip);
        let description = field("error_description");
        if status == 429 {
            return Self::RateLimited;
        }
        let Some(error) = field("error") else {
            return Self::Temporary { status };
        };
        let troubles = [Some(error.as_str()), description.as_deref()];
        if status == 408 || status >= 500 || troubles.iter().flatten().any(|t| is_temporary(t)) {
            return Self::Temporary { status };
        }
        match error.as_str() {
            "invalid_grant" => Self::InvalidGrant {
                subtype: field("error_subtype"),
                description,
            },
            "invalid_client" | "deleted_client" | "unauthorized_client" => {
                Self::InvalidClient { error, description }
            }
            "invalid_token" => Self::InvalidToken,
            _ => Self::Other {
                status,
                error,
                description,
            },
        }
    }
}

fn is_temporary(word: &str) -> bool {
    matches!(
        word,
        "internal_failure" | "server_error" | "temporarily_unavailable"
    )
}

fn labelled(text: Option<&str>) -> String {
    text.map(|text| format!(": {text}")).unwrap_or_default()
}
