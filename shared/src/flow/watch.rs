//! A push channel for a calendar: noted, asked for, recorded; then the earlier ones are stopped.

use super::{Env, token};
use crate::db::DbError;
use crate::db::channel::{self as db, Begun, OldChannel, Stop, Stopping, Watched};
use crate::db::token::NewToken;
use crate::google::channels::stop;
use crate::google::events::watch::{self, NewChannel};
use crate::google::{AccessToken, CalendarId, ChannelId, ChannelToken};
use crate::secret::Signer;
use chrono::{DateTime, TimeDelta, Utc};
use http_client::HttpClient;
use url::Url;
use uuid::Uuid;

/// How long a channel is asked for, in seconds: Google's default.
const TTL: u32 = 7 * 24 * 3600;
/// A token is good for a little longer than its channel, for late messages.
const GRACE: i64 = 3600;

/// Gives a calendar a channel if it needs one. Why it got none is text for people.
///
/// # Errors
/// [`DbError`].
pub async fn watch<D: HttpClient>(
    env: &Env<'_, D>,
    calendar_id: Uuid,
) -> Result<Result<(), String>, DbError> {
    let config = env.config;
    let unable = config.signers.is_empty().then(|| {
        let lack = config.lack_of("signing_key");
        format!("{lack}, so pushes could not be told from forgeries: the calendar is polled")
    });
    let channel = ChannelId::from(env.random.token());
    let begun = db::begin_channel(
        env.client,
        &config.database,
        config.instance(),
        calendar_id,
        &channel,
        unable.as_deref(),
    )
    .await?;
    let noted = match begun {
        Begun::Begun(noted) => noted,
        Begun::Nothing { reason } => return Ok(Err(reason)),
    };
    let (google_id, now, grant) = (&noted.google_id, noted.now, &noted.token);
    let (watched, opened, new) = match token::open_for(env, &noted.user, grant).await {
        Ok(mut access) => {
            let new = access.new.take();
            (
                ask(env, &access.token, google_id, &channel, now).await,
                Some(access.token),
                new,
            )
        }
        Err(error) => (failed(error.reason(), false), None, None),
    };
    let old = record(env, &channel, &watched, new.as_ref()).await?;
    if let Some(token) = opened {
        stop_all(env, grant.account_id, &token, &old, None).await?;
    }
    Ok(match watched {
        Watched::Active { .. } => Ok(()),
        Watched::Failed { failed, .. } => Err(failed),
    })
}

async fn ask<D: HttpClient>(
    env: &Env<'_, D>,
    token: &AccessToken,
    calendar: &CalendarId,
    channel: &ChannelId,
    now: DateTime<Utc>,
) -> Watched {
    let expires = now + TimeDelta::seconds(i64::from(TTL));
    let (Some(signer), Ok(address)) = (
        env.config.signers.first(),
        Url::parse(&env.config.function_url("google-webhook")),
    ) else {
        return failed("there is no address for pushes", true);
    };
    let new = NewChannel {
        id: channel,
        address: &address,
        token: &sign(signer, channel, expires + TimeDelta::seconds(GRACE)),
        ttl: Some(TTL),
    };
    let request = watch::request(&env.config.google.api, token, calendar, new);
    match watch::answer(env.client.send(request).await) {
        Ok(channel) => Watched::Active {
            resource_id: channel.resource_id,
            expires_at: channel.expiration.unwrap_or(expires),
        },
        Err(error) => failed(&error.explain(), error.is_push_unsupported()),
    }
}

async fn record<D: HttpClient>(
    env: &Env<'_, D>,
    channel: &ChannelId,
    watched: &Watched,
    token: Option<&NewToken>,
) -> Result<Vec<OldChannel>, DbError> {
    let config = env.config;
    let recorded = db::record_channel(
        env.client,
        &config.database,
        config.instance(),
        channel,
        watched,
        token,
    )
    .await?;
    Ok(recorded.old)
}

/// Stops what is still to be stopped of an account's channels; says how many were.
///
/// # Errors
/// [`DbError`].
pub async fn stop_rest<D: HttpClient>(
    env: &Env<'_, D>,
    account_id: Uuid,
) -> Result<usize, DbError> {
    let config = env.config;
    match db::stopping(env.client, &config.database, config.instance(), account_id).await? {
        Stopping::Stop(rest) => stop(env, &rest).await,
        Stopping::Nothing { .. } => Ok(0),
    }
}

/// Stops channels; says how many were. Without a token they end by themselves.
///
/// # Errors
/// [`DbError`].
pub async fn stop<D: HttpClient>(env: &Env<'_, D>, wanted: &Stop) -> Result<usize, DbError> {
    match token::open(env, &wanted.token).await {
        Ok(access) => {
            let (account, new) = (wanted.token.account_id, access.new.as_ref());
            stop_all(env, account, &access.token, &wanted.channels, new).await
        }
        Err(_) => Ok(0),
    }
}

/// A channel that cannot be stopped ends by itself; until then its messages are harmless.
async fn stop_all<D: HttpClient>(
    env: &Env<'_, D>,
    account_id: Uuid,
    token: &AccessToken,
    old: &[OldChannel],
    new: Option<&NewToken>,
) -> Result<usize, DbError> {
    let config = env.config;
    let mut stopped = Vec::new();
    for channel in old {
        let request = stop::request(
            &config.google.api,
            token,
            &channel.channel_id,
            &channel.resource_id,
        );
        match stop::answer(env.client.send(request).await) {
            Ok(()) => stopped.push(channel.channel_id.clone()),
            Err(error) if error.is_gone() || error.is_forbidden() => {
                stopped.push(channel.channel_id.clone())
            }
            Err(_) => {}
        }
    }
    if !old.is_empty() || new.is_some() {
        db::channels_stopped(
            env.client,
            &config.database,
            config.instance(),
            account_id,
            &stopped,
            new,
        )
        .await?;
    }
    Ok(stopped.len())
}

fn failed(reason: &str, unsupported: bool) -> Watched {
    Watched::Failed {
        failed: reason.to_owned(),
        unsupported,
    }
}

const PURPOSE: &str = "channel token";

/// The token of a channel: when it ends, and a signature of that and the id. A forged message costs
/// no query.
fn sign(signer: &Signer, channel: &ChannelId, expires: DateTime<Utc>) -> ChannelToken {
    let expires = expires.timestamp();
    let signature = signer.sign(PURPOSE, &format!("{channel} {expires}"));
    ChannelToken::from(format!("{expires}.{signature}"))
}

/// Whether a message carries the token of its channel, and not after its end.
pub fn is_genuine(
    signers: &[Signer],
    channel: &ChannelId,
    token: &ChannelToken,
    now: DateTime<Utc>,
) -> bool {
    let Some((expires, signature)) = token.as_str().split_once('.') else {
        return false;
    };
    let text = format!("{channel} {expires}");
    signers
        .iter()
        .any(|signer| signer.verify(PURPOSE, &text, signature))
        && expires
            .parse::<i64>()
            .is_ok_and(|expires| now.timestamp() < expires)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_token_is_good_for_its_channel_until_its_end() {
        let signers = [Signer::new("key"), Signer::new("previous")];
        let (one, other) = (ChannelId::from("one"), ChannelId::from("other"));
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        for signer in &signers {
            let token = sign(signer, &one, at(1000));
            assert!(is_genuine(&signers, &one, &token, at(999)));
            assert!(!is_genuine(&signers, &one, &token, at(1000)));
            assert!(!is_genuine(&signers, &other, &token, at(999)));
            assert!(!is_genuine(&[Signer::new("other")], &one, &token, at(999)));
            assert!(!is_genuine(&[], &one, &token, at(999)));
            let later = ChannelToken::from(token.as_str().replace("1000.", "9000."));
            assert!(!is_genuine(&signers, &one, &later, at(999)));
        }
        for nonsense in ["", ".", "1000", "x.y", "9999999999999999999999.z"] {
            let token = ChannelToken::from(nonsense);
            assert!(!is_genuine(&signers, &one, &token, at(1)));
        }
    }
}
