//! A grant that came to nothing goes back to Google.

use super::{Env, db, token};
use http_client::HttpClient;
use serde::Serialize;

/// What became of a grant that came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Google has it back.
    GivenBack,
    /// An account works with what the same person granted, and would end with it.
    InUse,
    /// It is not known whose it is or whether it is in use, or Google did not take it.
    Left,
}

/// Google revokes for a person and an application: another connection with the same account would end.
/// `sub` is whose grant it is, `token` a token of it.
pub(super) async fn give_back<D: HttpClient>(env: &Env<'_, D>, sub: &str, token: &str) -> Grant {
    let config = env.config;
    match db::is_in_use(env.client, &config.database, config.instance(), sub).await {
        Ok(true) => return Grant::InUse,
        Ok(false) => {}
        Err(_) => return Grant::Left,
    }
    match token::revoke(env, token).await {
        true => Grant::GivenBack,
        false => Grant::Left,
    }
}
