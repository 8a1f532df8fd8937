//! Disconnecting, step by step: the database knows the next one, this does what Google is needed for.
//! Every step may be repeated, by anybody.

use super::{Env, token, watch};
use crate::db::DbError;
use crate::db::manage::{self as db, Step};
use crate::google::RefreshToken;
use crate::google::oauth::{TokenError, revoke};
use http_client::HttpClient;
use uuid::Uuid;

/// Steps at most before others have their turn.
const STEPS: usize = 50;

/// Goes on with a disconnect while there is something to do and time to do it; says whether it is over.
///
/// # Errors
/// [`DbError`].
pub async fn disconnect<D: HttpClient>(
    env: &Env<'_, D>,
    id: Uuid,
    in_time: impl Fn() -> bool,
) -> Result<bool, DbError> {
    let config = env.config;
    let mut revoked = false;
    for _ in 0..STEPS {
        let step =
            db::disconnect_step(env.client, &config.database, config.instance(), id, revoked);
        match step.await? {
            Step::Done => return Ok(true),
            Step::Again => {}
            Step::Waiting => return Ok(false),
            Step::Push(events) if events.is_empty() => return Ok(false),
            Step::Push(events) => {
                let events: Vec<_> = events.into_iter().map(|id| store::EventId(id.0)).collect();
                let pushed = env
                    .sync(async |engine| engine::push(engine, &events).await)
                    .await;
                pushed.map_err(DbError::from)?;
            }
            Step::Stop(stop) => {
                if watch::stop(env, &stop).await? == 0 {
                    return Ok(false);
                }
            }
            Step::Revoke { refresh_token } => match revoke(env, &refresh_token).await {
                true => revoked = true,
                false => return Ok(false),
            },
        }
        if !in_time() {
            return Ok(false);
        }
    }
    Ok(false)
}

/// Gives a grant back; whether it is gone now.
async fn revoke<D: HttpClient>(env: &Env<'_, D>, sealed: &str) -> bool {
    let Ok(opened) = env.config.keys.open(sealed, token::REFRESH) else {
        return false;
    };
    let request = revoke::request(&env.config.google.oauth, &RefreshToken::from(opened));
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
