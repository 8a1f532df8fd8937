//! `google-webhook`: Google says that a calendar changed.
//!
//! Whoever posts here and is not Google gets the same quiet 200 as Google's own outdated messages,
//! without a query.

use super::{Reply, database_error};
use crate::flow::Env;
use crate::flow::watch::is_genuine;
use crate::google::notification;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_client::HttpClient;
use serde_json::json;
use store::{Notification, Trigger};

/// Answers a notification. 503 makes Google send it again.
pub async fn handle<D: HttpClient>(request: Request<Bytes>, env: &Env<'_, D>) -> Reply {
    let quiet = || Reply::json(StatusCode::OK, &json!({"outcome": "ok"}));
    let signers = &env.config.signers;
    if signers.is_empty() {
        let lack = env.config.lack_of("signing_key");
        return quiet().logged(format!("ignored: {lack}; no notification can be trusted"));
    }
    let Ok(message) = notification::read(request.headers()) else {
        return quiet();
    };
    let now = (env.clock)();
    if !message
        .token
        .as_ref()
        .is_some_and(|token| is_genuine(signers, &message.channel, token, now))
    {
        return quiet();
    }
    let channel = message.channel.clone();
    let trigger = Trigger::Notification(Notification {
        channel: message.channel.as_str().to_owned(),
        resource: message.resource.as_str().to_owned(),
        message: message.message_number,
        is_sync: message.state.to_string() == "sync",
        expires_at: None,
    });
    let pulled = match env
        .sync(async |engine| engine::pull(engine, trigger).await)
        .await
    {
        Ok(pulled) => pulled,
        Err(error) => return database_error(&error.into()),
    };
    quiet().about("did", &pulled).about("channel", channel)
}
