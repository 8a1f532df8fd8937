//! Why an account could not be connected: a sentence for its user and a word for the page.

use crate::db::DbError;
use crate::google::GoogleError;
use crate::google::oauth::TokenError;
use crate::secret::KeyError;

/// Why an account could not be connected. The text is for its user.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not ours, or changed.
    #[error("this connection request is not valid; start again from the settings")]
    State,
    /// The person took too long.
    #[error("this connection request has expired; start again from the settings")]
    Expired,
    /// Another browser began it, which may belong to somebody else.
    #[error(
        "this connection request was begun in another browser, or by somebody else; start again from the settings"
    )]
    Browser,
    /// A ticket of another browser.
    #[error(
        "this link works only in the browser that asked for it; start again from the settings of your own CRM"
    )]
    Elsewhere,
    /// It was used before.
    #[error("this connection request was used before; start again from the settings")]
    Replayed,
    /// The user said no.
    #[error("access to Google Calendar was not granted; nothing was connected")]
    Denied,
    /// The user said no to the question of this deployment.
    #[error("you said no; nothing was connected")]
    Declined,
    /// An administrator does not allow it.
    #[error("your organisation does not allow this application; ask its Google administrator")]
    Policy,
    /// Google's page reported something else.
    #[error("Google reported: {0}; start again from the settings")]
    Reported(String),
    /// The user unticked a box.
    #[error("Google Calendar needs every box ticked on Google's page: {0} was not granted")]
    Scopes(String),
    /// The code is spent, too old, or of another request.
    #[error("Google did not accept the answer of its own page; start again from the settings")]
    Code,
    /// The token endpoint refused, or is out of order.
    #[error("{}", .0.explain())]
    Exchange(TokenError),
    /// Google gave no refresh token.
    #[error(
        "Google gave no lasting access; remove this application in the Google account's settings, then connect again"
    )]
    NoRefreshToken,
    /// The id token is not what was asked for.
    #[error("Google's answer does not belong to this request; start again from the settings")]
    Identity,
    /// Another Google account than the one to connect again.
    #[error("this is another Google account; choose {0} on Google's page")]
    Another(String),
    /// It is being disconnected.
    #[error("this Google account is being disconnected; connect it again in a few minutes")]
    Disconnecting,
    /// The account has no calendar that can be synced.
    #[error("this Google account has no primary calendar")]
    NoCalendar,
    /// Google's calendar list.
    #[error("{}", .0.explain())]
    Google(#[from] GoogleError),
    /// There is no token to ask with.
    #[error("{0}")]
    NoAccess(String),
    /// Another account of the user syncs it.
    #[error("{0}")]
    Taken(String),
    /// A key is missing.
    #[error("this deployment cannot store tokens; its administrator finds the reason in the log")]
    Keys(#[from] KeyError),
    /// The CRM does not know the user any more.
    #[error("you are not a user of this CRM any more; nothing was connected")]
    Left,
    /// The database.
    #[error("the database cannot be reached; try again")]
    Database(DbError),
}

impl From<DbError> for ConnectError {
    fn from(error: DbError) -> Self {
        if error.refusal("PT403").is_some() {
            return Self::Left;
        }
        match error.refusal("PT409") {
            Some(message) if !message.contains("deployment") => Self::Taken(message),
            Some(_) | None => Self::Database(error),
        }
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The user's.
    User,
    /// The operator's.
    Operator,
    /// Google's.
    Google,
    /// The database's.
    Database,
}

impl ConnectError {
    /// Whether the same may succeed later, without a person.
    pub fn passes(&self) -> bool {
        matches!(self, Self::NoAccess(_) | Self::Database(_))
            || matches!(self, Self::Google(error) if !error.is_not_found())
    }

    /// One word for the page.
    pub fn code(&self) -> &'static str {
        match self {
            Self::State => "invalid_request",
            Self::Expired => "expired",
            Self::Browser => "another_browser",
            Self::Elsewhere => "ticket_of_another_browser",
            Self::Replayed => "replayed",
            Self::Denied => "denied",
            Self::Declined => "declined",
            Self::Policy => "policy",
            Self::Reported(_) => "reported",
            Self::Scopes(_) => "missing_scope",
            Self::Code => "code_refused",
            Self::Exchange(TokenError::InvalidClient { .. }) => "client_refused",
            Self::Exchange(TokenError::Other { error, .. }) if error == "redirect_uri_mismatch" => {
                "redirect_mismatch"
            }
            Self::Exchange(TokenError::Other { .. }) => "refused",
            Self::Exchange(_) | Self::Google(_) | Self::NoAccess(_) => "google_unavailable",
            Self::Taken(_) => "synced_already",
            Self::NoRefreshToken => "no_lasting_access",
            Self::Identity => "identity",
            Self::Another(_) => "another_account",
            Self::Disconnecting => "disconnecting",
            Self::Left => "left",
            Self::NoCalendar => "no_calendar",
            Self::Keys(_) => "misconfigured",
            Self::Database(_) => "database_unavailable",
        }
    }

    /// Whose turn it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::State
            | Self::Expired
            | Self::Browser
            | Self::Elsewhere
            | Self::Replayed
            | Self::Denied
            | Self::Declined
            | Self::Policy
            | Self::Reported(_)
            | Self::Scopes(_)
            | Self::NoRefreshToken
            | Self::Identity
            | Self::Another(_)
            | Self::Disconnecting
            | Self::Taken(_)
            | Self::Left
            | Self::NoCalendar => Fault::User,
            Self::Code | Self::Exchange(_) | Self::Google(_) | Self::NoAccess(_) => Fault::Google,
            Self::Keys(_) => Fault::Operator,
            Self::Database(_) => Fault::Database,
        }
    }
}
