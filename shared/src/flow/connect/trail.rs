//! What the log says of a request to connect: whose, which account, what became of the grant. Ids, and
//! nothing that a person wrote.

use super::grant::Grant;
use crate::jwt::UserId;
use uuid::Uuid;

/// As far as it is known.
#[derive(Debug, Default)]
pub struct Trail {
    /// The CRM user, of a text that this deployment has signed.
    pub user: Option<UserId>,
    /// The account that is to be connected again, or the one that was stored.
    pub account: Option<Uuid>,
    /// Of a code that was exchanged for nothing.
    pub grant: Option<Grant>,
}

impl Trail {
    /// Of a request of this user.
    pub fn of(user: UserId, account: Option<Uuid>) -> Self {
        Self {
            user: Some(user),
            account,
            grant: None,
        }
    }
}
