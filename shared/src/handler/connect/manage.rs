//! A user's own calendars: list, choose, pause, resume, disconnect.

use super::super::{Reply, database_error, login};
use super::parameter;
use crate::db::connect::Choices;
use crate::db::manage::{self as db, Begun, Which};
use crate::db::status;
use crate::flow::Env;
use crate::flow::manage::{self, Choice, ManageError};
use crate::jwt::UserId;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_client::HttpClient;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use uuid::Uuid;

/// The longest body that makes sense, in bytes.
const MAX_BODY: usize = 16 * 1024;

/// All calendars of all accounts of the user, or of one account.
pub async fn list<D: HttpClient>(request: &Request<Bytes>, env: &Env<'_, D>) -> Reply {
    let user = match login::user(env, request.headers()).await {
        Ok(user) => user,
        Err(reply) => return *reply,
    };
    let account = parameter(request, "account_id").map(|id| id.parse::<Uuid>());
    let Ok(account) = account.transpose() else {
        return Reply::error(StatusCode::BAD_REQUEST, "account_id must be a UUID");
    };
    match manage::list(env, &user, account).await {
        Ok(accounts) => Reply::json(StatusCode::OK, &json!({"accounts": accounts})),
        Err(error) => refused(&error),
    }
    .about("user", &user)
}

/// Where the user's sync stands.
pub async fn status<D: HttpClient>(request: &Request<Bytes>, env: &Env<'_, D>) -> Reply {
    let user = match login::user(env, request.headers()).await {
        Ok(user) => user,
        Err(reply) => return *reply,
    };
    match status::of_user(
        env.client,
        &env.config.database,
        env.config.instance(),
        &user,
    )
    .await
    {
        Ok(status) => Reply::json(StatusCode::OK, &status),
        Err(error) => database_error(&error),
    }
}

/// Which calendar is synced, and how.
pub async fn choose<D: HttpClient>(request: &Request<Bytes>, env: &Env<'_, D>) -> Reply {
    let (user, choice) = match signed::<Choice, _>(request, env).await {
        Ok(signed) => signed,
        Err(reply) => return *reply,
    };
    if choice.which.connection_id.is_none() && choice.which.google_id.is_none() {
        return Reply::error(
            StatusCode::BAD_REQUEST,
            "name the calendar by google_id, or by connection_id",
        );
    }
    match manage::choose(env, &user, &choice).await {
        Ok(chosen) => Reply::json(StatusCode::OK, &chosen),
        Err(error) => refused(&error),
    }
    .about("user", &user)
}

/// Pauses a calendar, or resumes it.
pub async fn set_state<D: HttpClient>(
    request: &Request<Bytes>,
    env: &Env<'_, D>,
    state: &'static str,
) -> Reply {
    let (user, which) = match signed::<Which, _>(request, env).await {
        Ok(signed) => signed,
        Err(reply) => return *reply,
    };
    if which.connection_id.is_none() {
        return Reply::error(StatusCode::BAD_REQUEST, "name the connection_id");
    }
    let choice = Choice {
        which,
        choices: Choices {
            state: Some(state.to_owned()),
            ..Choices::default()
        },
    };
    match manage::choose(env, &user, &choice).await {
        Ok(chosen) => Reply::json(
            StatusCode::OK,
            &json!({"connection_id": chosen.connection_id, "state": state}),
        ),
        Err(error) => refused(&error),
    }
}

/// What waits for the user: deletions to confirm, an event or an item to try again.
pub async fn decide<D: HttpClient>(request: &Request<Bytes>, env: &Env<'_, D>) -> Reply {
    let (user, decision) = match signed::<status::UserDecision, _>(request, env).await {
        Ok(signed) => signed,
        Err(reply) => return *reply,
    };
    let config = env.config;
    let decided = status::decide(
        env.client,
        &config.database,
        config.instance(),
        &user,
        &decision,
    );
    match decided.await {
        Ok(answer) => Reply::json(StatusCode::OK, &answer),
        Err(error) => match (error.refusal("PT404"), error.refusal("PT400")) {
            (Some(reason), _) => Reply::error(StatusCode::NOT_FOUND, &reason),
            (_, Some(reason)) => Reply::error(StatusCode::BAD_REQUEST, &reason),
            (None, None) => database_error(&error),
        },
    }
    .about("user", &user)
}

#[derive(Deserialize)]
struct Disconnect {
    #[serde(flatten)]
    which: Which,
    choice: String,
}

/// Begins to disconnect a calendar or an account; the scheduler does the rest.
pub async fn disconnect<D: HttpClient>(request: &Request<Bytes>, env: &Env<'_, D>) -> Reply {
    let (user, decision) = match signed::<Disconnect, _>(request, env).await {
        Ok(signed) => signed,
        Err(reply) => return *reply,
    };
    let which = &decision.which;
    if which.connection_id.is_some() == which.account_id.is_some() {
        let reason = "name either the connection_id of a calendar or the account_id of all of them";
        return Reply::error(StatusCode::BAD_REQUEST, reason);
    }
    let config = env.config;
    let begun = db::begin_disconnect(
        env.client,
        &config.database,
        config.instance(),
        &user,
        which,
        &decision.choice,
    );
    match begun.await {
        Ok(Begun::Begun(ids)) => Reply::json(StatusCode::ACCEPTED, &json!({"disconnections": ids}))
            .about("outcome", "begun"),
        Ok(Begun::Unknown) => refused(&ManageError::Unknown).about("outcome", "unknown"),
        Err(error) => refused(&error.into()).about("outcome", "failed"),
    }
    .about("user", &user)
    .about("account", which.account_id)
    .about("connection", which.connection_id)
    .about("choice", known(&decision.choice))
}

/// A choice as the log may have it: whoever asks can write anything.
fn known(choice: &str) -> Option<&str> {
    ["keep", "remove_from_google", "remove_from_crm"]
        .into_iter()
        .find(|known| *known == choice)
}

/// Who asks, and for what.
async fn signed<B: DeserializeOwned, D: HttpClient>(
    request: &Request<Bytes>,
    env: &Env<'_, D>,
) -> Result<(UserId, B), Box<Reply>> {
    let user = login::user(env, request.headers()).await?;
    if request.body().len() > MAX_BODY {
        let reason = "the body is too large";
        return Err(Box::new(Reply::error(
            StatusCode::PAYLOAD_TOO_LARGE,
            reason,
        )));
    }
    let body = serde_json::from_slice(request.body()).map_err(|error| {
        let reason = format!("the body cannot be read: {error}");
        Box::new(Reply::error(StatusCode::BAD_REQUEST, &reason))
    })?;
    Ok((user, body))
}

fn refused(error: &ManageError) -> Reply {
    let status = match error {
        ManageError::Unknown => StatusCode::NOT_FOUND,
        ManageError::Left(_) => StatusCode::FORBIDDEN,
        ManageError::Disconnecting | ManageError::NoAccess(_) | ManageError::Taken(_) => {
            StatusCode::CONFLICT
        }
        ManageError::Ambiguous | ManageError::Invalid(_) => StatusCode::BAD_REQUEST,
        ManageError::Google(_) => StatusCode::BAD_GATEWAY,
        ManageError::Database(error) => return database_error(error),
    };
    Reply::error(status, &error.to_string())
}
