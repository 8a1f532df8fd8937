//! Disconnecting, step by step: the database knows the next one, this does what Google is needed for.
//! Every step may be repeated, by anybody.

use super::{Env, token, watch};
use crate::db::DbError;
use crate::db::manage::{self as db, Ended, Step};
use crate::db::token::TokenGrant;
use http_client::HttpClient;
use uuid::Uuid;

/// Steps at most before others have their turn.
const STEPS: usize = 50;

/// Goes on with a disconnect while there is something to do and time to do it; what it was, where this
/// brings it to its end.
///
/// # Errors
/// [`DbError`].
pub async fn disconnect<D: HttpClient>(
    env: &Env<'_, D>,
    id: Uuid,
    in_time: impl Fn() -> bool,
) -> Result<Option<Ended>, DbError> {
    let config = env.config;
    let mut revoked = false;
    for _ in 0..STEPS {
        let step =
            db::disconnect_step(env.client, &config.database, config.instance(), id, revoked);
        match step.await? {
            Step::Done(ended) => return Ok(ended.map(|ended| *ended)),
            Step::Again => {}
            Step::Waiting => return Ok(None),
            Step::Push(events) if events.is_empty() => return Ok(None),
            Step::Push(events) => {
                let events: Vec<_> = events.into_iter().map(|id| store::EventId(id.0)).collect();
                let pushed = env
                    .sync(async |engine| engine::push(engine, &events).await)
                    .await;
                pushed.map_err(DbError::from)?;
            }
            Step::Stop(stop) => {
                if watch::stop(env, &stop).await? == 0 {
                    return Ok(None);
                }
            }
            Step::Revoke(grant) => match revoke(env, &grant).await {
                true => revoked = true,
                false => return Ok(None),
            },
        }
        if !in_time() {
            return Ok(None);
        }
    }
    Ok(None)
}

/// Gives a grant back; whether it is gone now.
async fn revoke<D: HttpClient>(env: &Env<'_, D>, grant: &TokenGrant) -> bool {
    let bound = grant.bound(token::REFRESH);
    match env.config.keys.open(&grant.refresh_token, &bound) {
        Ok(opened) => token::revoke(env, &opened).await,
        Err(_) => false,
    }
}
