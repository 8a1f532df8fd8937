//! An account's access token: opened, or refreshed by whoever was granted the refresh.

use super::Env;
use crate::db::connect;
use crate::db::token::NewToken;
use crate::db::token::TokenGrant;
use crate::google::oauth::{Client, TokenError, refresh, revoke};
use crate::google::{AccessToken, RefreshToken};
use crate::secret::Bound;
use http_client::HttpClient;
use provider::Class;

/// What an access token is sealed for.
pub const ACCESS: &str = "access token";
/// What a refresh token is sealed for.
pub const REFRESH: &str = "refresh token";

/// A token to call Google with.
#[derive(Debug)]
pub struct Access {
    /// The token.
    pub token: AccessToken,
    /// To be stored with the next record, if it was refreshed.
    pub new: Option<NewToken>,
}

/// Why there is no token.
#[derive(Debug)]
pub enum NoAccess {
    /// Google refused for good; the account waits for its user.
    Refused(String),
    /// It may work later.
    Later(String),
    /// Only somebody else can help, the account's administrator: then it works again by itself.
    Policy(String),
    /// The deployment is configured wrongly.
    Broken(String),
}

impl NoAccess {
    /// For people.
    pub fn reason(&self) -> &str {
        match self {
            Self::Refused(reason)
            | Self::Later(reason)
            | Self::Policy(reason)
            | Self::Broken(reason) => reason,
        }
    }
}

/// Opens the token, refreshed if that is the caller's job.
///
/// # Errors
/// [`NoAccess`].
pub async fn open<D: HttpClient>(env: &Env<'_, D>, grant: &TokenGrant) -> Result<Access, NoAccess> {
    match &grant.access_token {
        Some(sealed) if !grant.refresh => {
            let opened = env.config.keys.open(sealed, &grant.bound(ACCESS));
            let token = opened.map_err(|error| NoAccess::Broken(error.to_string()))?;
            Ok(Access {
                token: AccessToken::from(token),
                new: None,
            })
        }
        Some(_) | None => renew(env, grant).await,
    }
}

/// The same, with a refreshed token stored at once.
///
/// # Errors
/// [`crate::db::DbError`]; within, [`NoAccess`].
pub async fn stored<D: HttpClient>(
    env: &Env<'_, D>,
    grant: &TokenGrant,
) -> Result<Result<AccessToken, NoAccess>, crate::db::DbError> {
    let access = match open(env, grant).await {
        Ok(access) => access,
        Err(no_access) => return Ok(Err(no_access)),
    };
    if let Some(new) = &access.new {
        let config = env.config;
        connect::store_token(env.client, &config.database, config.instance(), new).await?;
    }
    Ok(Ok(access.token))
}

/// The same for a connection, which must be of the account's user.
///
/// # Errors
/// [`NoAccess`].
pub async fn open_for<D: HttpClient>(
    env: &Env<'_, D>,
    user: &str,
    grant: &TokenGrant,
) -> Result<Access, NoAccess> {
    if user == grant.user {
        open(env, grant).await
    } else {
        Err(NoAccess::Broken(engine::ANOTHER_USER.to_owned()))
    }
}

/// Asks Google for a new access token. A new refresh token is stored before anything else.
///
/// # Errors
/// [`NoAccess`].
pub async fn renew<D: HttpClient>(
    env: &Env<'_, D>,
    grant: &TokenGrant,
) -> Result<Access, NoAccess> {
    let config = env.config;
    let sealed_wrong = |error: crate::secret::KeyError| NoAccess::Broken(error.to_string());
    let refresh_token = RefreshToken::from(
        config
            .keys
            .open(&grant.refresh_token, &grant.bound(REFRESH))
            .map_err(sealed_wrong)?,
    );
    let request = refresh::request(&config.google.oauth, &client(env), &refresh_token);
    let tokens = match refresh::answer(env.client.send(request).await) {
        Ok(tokens) => tokens,
        Err(error) => {
            let reason = error.explain();
            return Err(match error.class() {
                Class::Reconnect => {
                    refused(env, grant, &reason).await;
                    NoAccess::Refused(reason)
                }
                Class::Retry | Class::RateLimited | Class::Conflict | Class::Resync => {
                    NoAccess::Later(reason)
                }
                Class::Permanent if error.is_policy() => NoAccess::Policy(reason),
                Class::Permanent => NoAccess::Broken(reason),
            });
        }
    };
    let seal = |secret: &str, purpose| {
        config
            .keys
            .seal(secret, &grant.bound(purpose), env.random)
            .map_err(sealed_wrong)
    };
    let rotated = tokens.refresh_token.is_some();
    let new_refresh = match &tokens.refresh_token {
        Some(token) => Some(seal(token.as_str(), REFRESH)?),
        None if config.keys.is_outdated(&grant.refresh_token) => {
            Some(seal(refresh_token.as_str(), REFRESH)?)
        }
        None => None,
    };
    let new = NewToken {
        account_id: grant.account_id,
        generation: grant.generation,
        access_token: seal(tokens.access_token.as_str(), ACCESS)?,
        expires_in: i64::from(tokens.expires_in),
        refresh_token: new_refresh,
    };
    if rotated {
        let stored =
            connect::store_token(env.client, &config.database, config.instance(), &new).await;
        stored.map_err(|error| NoAccess::Later(error.to_string()))?;
    }
    Ok(Access {
        token: tokens.access_token,
        new: (!rotated).then_some(new),
    })
}

/// Seals tokens of accounts at rest with the current key; says how many.
///
/// # Errors
/// [`crate::db::DbError`].
pub async fn reseal<D: HttpClient>(
    env: &Env<'_, D>,
    grants: &[TokenGrant],
) -> Result<usize, crate::db::DbError> {
    let config = env.config;
    let again = |sealed: &str, bound: Bound<'_>| {
        let opened = config.keys.open(sealed, &bound)?;
        config.keys.seal(&opened, &bound, env.random)
    };
    let mut resealed = Vec::new();
    for grant in grants {
        // A key that is not here any more cannot be helped; the account's next refresh says so.
        if let Ok(refresh_token) = again(&grant.refresh_token, grant.bound(REFRESH)) {
            let access = grant.access_token.as_deref();
            resealed.push(connect::Resealed {
                account_id: grant.account_id,
                generation: grant.generation,
                refresh_token,
                access_token: access.and_then(|sealed| again(sealed, grant.bound(ACCESS)).ok()),
            });
        }
    }
    if !resealed.is_empty() {
        connect::reseal(env.client, &config.database, config.instance(), &resealed).await?;
    }
    Ok(resealed.len())
}

/// The account waits for its user. Where the database does not hear it, the next refresh says it again.
pub async fn refused<D: HttpClient>(env: &Env<'_, D>, grant: &TokenGrant, reason: &str) {
    let config = env.config;
    let _heard = connect::token_refused(
        env.client,
        &config.database,
        config.instance(),
        grant,
        reason,
    )
    .await;
}

/// Gives a grant back to Google, by either of its tokens; whether it is gone now.
pub async fn revoke<D: HttpClient>(env: &Env<'_, D>, token: &str) -> bool {
    let request = revoke::request(&env.config.google.oauth, token);
    match revoke::answer(env.client.send(request).await) {
        Ok(()) | Err(TokenError::InvalidToken | TokenError::InvalidGrant { .. }) => true,
        Err(
            TokenError::Transport(_)
            | TokenError::InvalidClient { .. }
            | TokenError::Temporary { .. }
            | TokenError::RateLimited
            | TokenError::Unreadable { .. }
            | TokenError::Other { .. },
        ) => false,
    }
}

/// The OAuth client.
pub fn client<D>(env: &Env<'_, D>) -> Client {
    Client {
        id: env.config.client_id.clone(),
        secret: env.config.client_secret.as_str().into(),
    }
}
