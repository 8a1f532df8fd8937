//! An account's sealed tokens, as the database hands them out and takes them back.

use crate::secret::Bound;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An account's sealed tokens.
#[derive(Debug, Clone, Deserialize)]
pub struct TokenGrant {
    /// The account.
    pub account_id: Uuid,
    /// Whose account it is: the seals open for nobody else.
    pub user: String,
    /// Google's stable key of the account, and for no other one.
    pub subject: String,
    /// Which tokens these are; every outcome names it.
    pub generation: i64,
    /// The caller is the one to refresh them, before anything else.
    pub refresh: bool,
    /// Sealed.
    pub access_token: Option<String>,
    /// Sealed.
    pub refresh_token: String,
}

impl TokenGrant {
    /// What its tokens are sealed for.
    pub fn bound<'a>(&'a self, purpose: &'a str) -> Bound<'a> {
        Bound {
            purpose,
            user: &self.user,
            subject: &self.subject,
        }
    }
}

/// A refreshed token, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewToken {
    /// The account.
    pub account_id: Uuid,
    /// The generation that it was made from.
    pub generation: i64,
    /// Sealed.
    pub access_token: String,
    /// Lifetime in seconds.
    pub expires_in: i64,
    /// Sealed; only if Google gave a new one.
    pub refresh_token: Option<String>,
}

impl From<NewToken> for store::NewToken {
    fn from(token: NewToken) -> Self {
        Self {
            account: store::AccountId(token.account_id),
            generation: token.generation,
            access_token: token.access_token,
            expires_in: token.expires_in,
            refresh_token: token.refresh_token,
        }
    }
}
