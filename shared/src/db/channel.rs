//! The calls that open and stop push channels.

use super::token::NewToken;
use super::token::TokenGrant;
use super::{Database, DbError, call, outcome, reason, unknown};
use crate::google::{CalendarId, ChannelId, ResourceId};
use chrono::{DateTime, Utc};
use http_client::{ApiUsage, HttpClient};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// What the beginning of a channel came to.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Begun {
    /// The channel is noted: ask Google for it.
    Begun(Box<Noted>),
    /// There is to be none.
    Nothing {
        /// Why.
        reason: String,
    },
}

/// A channel that is noted.
#[derive(Debug, Deserialize)]
pub struct Noted {
    /// Whose connection it is.
    pub user: String,
    /// The calendar.
    pub google_id: CalendarId,
    /// The database's time.
    pub now: DateTime<Utc>,
    /// The account's tokens.
    pub token: TokenGrant,
}

impl TryFrom<Value> for Begun {
    type Error = serde_json::Error;

    fn try_from(answer: Value) -> Result<Self, Self::Error> {
        match outcome(&answer) {
            "begun" => serde_json::from_value(answer).map(Self::Begun),
            "nothing" => Ok(Self::Nothing {
                reason: reason(&answer),
            }),
            _ => Err(unknown(&answer)),
        }
    }
}

/// Notes a channel before Google is asked for it; `unable` says why there can be none.
///
/// # Errors
/// [`DbError`].
pub async fn begin_channel(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    calendar_id: Uuid,
    channel_id: &ChannelId,
    unable: Option<&str>,
) -> Result<Begun, DbError> {
    let parameters = json!({
        "instance": instance, "calendar_id": calendar_id, "channel_id": channel_id, "unable": unable,
    });
    call(client, database, "tandem_channel_begin", &parameters).await
}

/// What Google answered to watch.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Watched {
    /// The channel is there.
    Active {
        /// Needed to stop it.
        resource_id: ResourceId,
        /// When it ends.
        expires_at: DateTime<Utc>,
    },
    /// It is not.
    Failed {
        /// Why.
        failed: String,
        /// It never will be: poll.
        unsupported: bool,
    },
}

/// A channel that is to be stopped.
#[derive(Debug, Deserialize)]
pub struct OldChannel {
    /// Its id.
    pub channel_id: ChannelId,
    /// What it watches.
    pub resource_id: ResourceId,
}

/// A recorded channel.
#[derive(Debug, Deserialize)]
pub struct ChannelRecorded {
    /// Channels that are to be stopped now.
    #[serde(default)]
    pub old: Vec<OldChannel>,
}

/// Stores Google's answer to watch.
///
/// # Errors
/// [`DbError`].
pub async fn record_channel(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    channel_id: &ChannelId,
    watched: &Watched,
    token: Option<&NewToken>,
) -> Result<ChannelRecorded, DbError> {
    #[derive(Serialize)]
    struct Parameters<'a> {
        instance: &'a str,
        channel_id: &'a ChannelId,
        token: Option<&'a NewToken>,
        #[serde(flatten)]
        asked: ApiUsage,
        #[serde(flatten)]
        watched: &'a Watched,
    }
    let parameters = Parameters {
        instance,
        channel_id,
        token,
        asked: client.take_usage(),
        watched,
    };
    call(client, database, "tandem_channel_record", &parameters).await
}

/// Stores that channels are stopped, which this account asked for.
///
/// # Errors
/// [`DbError`].
pub async fn channels_stopped(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    account_id: Uuid,
    ids: &[ChannelId],
    token: Option<&NewToken>,
) -> Result<Value, DbError> {
    let ApiUsage { calls, units } = client.take_usage();
    let parameters = json!({
        "instance": instance, "account_id": account_id, "channel_ids": ids, "token": token, "calls": calls, "units": units,
    });
    call(client, database, "tandem_channel_stopped", &parameters).await
}

/// What is still to be stopped of an account's channels.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Stopping {
    /// These.
    Stop(Box<Stop>),
    /// Nothing now.
    Nothing {
        /// Why.
        reason: String,
    },
}

/// Channels to stop, and the tokens to do it with.
#[derive(Debug, Deserialize)]
pub struct Stop {
    /// The channels.
    pub channels: Vec<OldChannel>,
    /// The tokens of the account that made them.
    pub token: TokenGrant,
}

impl TryFrom<Value> for Stopping {
    type Error = serde_json::Error;

    fn try_from(answer: Value) -> Result<Self, Self::Error> {
        match outcome(&answer) {
            "stop" => serde_json::from_value(answer).map(Self::Stop),
            "nothing" => Ok(Self::Nothing {
                reason: reason(&answer),
            }),
            _ => Err(unknown(&answer)),
        }
    }
}

/// Asks which of an account's channels are still to be stopped.
///
/// # Errors
/// [`DbError`].
pub async fn stopping(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    account_id: Uuid,
) -> Result<Stopping, DbError> {
    let parameters = json!({"instance": instance, "account_id": account_id});
    call(client, database, "tandem_channel_stopping", &parameters).await
}
