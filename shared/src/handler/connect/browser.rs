//! The way of a browser: ticket, start, Google's page, callback, the question, and back to the page.

use super::super::{Reply, login};
use super::{cookie, of_form, parameter, question};
use crate::flow::Env;
use crate::flow::connect::error::Fault;
use crate::flow::connect::question as flow;
use crate::flow::connect::state::{CONSENT_TIMEOUT, TICKET};
use crate::flow::connect::{self, ConnectError, Finished, Returned, Sender, Trail};
use crate::secret::Signer;
use bytes::Bytes;
use http::header::{ACCEPT, ORIGIN};
use http::{HeaderMap, Method, Request, StatusCode};
use http_client::HttpClient;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

/// Whoever accepts only JSON is told where to go; a browser is sent there.
pub async fn start<D: HttpClient>(request: &Request<Bytes>, env: &Env<'_, D>) -> Reply {
    let signer = match ready(env) {
        Ok(signer) => signer,
        Err(reply) => return *reply,
    };
    let ticket = match *request.method() {
        Method::POST => of_form(request.body(), "ticket"),
        _ => parameter(request, "ticket"),
    };
    let wish = match ticket {
        Some(ticket) => {
            let mut trail = Trail::default();
            let from = sender(request, env);
            match connect::redeem(env, &ticket, from, &mut trail).await {
                Ok(wish) => wish,
                Err(error) => return failed(request, env, &error, &trail),
            }
        }
        None => match wanted(parameter(request, "account_id").as_deref()) {
            Ok(wanted) => match login::signed_in(env, request.headers()).await {
                Ok((user, login)) => flow::request(env, (user, &login), wanted),
                Err(reply) => return *reply,
            },
            Err(reply) => return *reply,
        },
    };
    let begun = connect::start(env, signer, &wish);
    let mut reply = if wants_html(request.headers()) {
        Reply::redirect(&begun.url)
    } else {
        Reply::json(StatusCode::OK, &json!({"url": begun.url}))
    };
    cookie::set(
        &mut reply,
        &env.config.app_url,
        &begun.cookie,
        CONSENT_TIMEOUT,
    );
    told(reply, "started", &Trail::of(wish.user, wish.wanted))
}

/// A browser names the origin of the page whose form it sends, and no page can change that.
fn sender<'a, D>(
    request: &'a Request<Bytes>,
    env: &Env<'a, D>,
) -> Sender<impl Fn(&str) -> Option<String> + 'a> {
    let headers = request.headers();
    let origin = headers.get(ORIGIN).and_then(|value| value.to_str().ok());
    if *request.method() == Method::POST && origin.is_some_and(|origin| env.config.is_page(origin))
    {
        Sender::Page
    } else {
        let config = env.config;
        Sender::Browser(move |name: &str| cookie::shown(headers, &config.app_url, name))
    }
}

/// A ticket for a browser that is redirected and cannot show a login.
pub async fn ticket<D: HttpClient>(request: &Request<Bytes>, env: &Env<'_, D>) -> Reply {
    let signer = match ready(env) {
        Ok(signer) => signer,
        Err(reply) => return *reply,
    };
    let (user, login) = match login::signed_in(env, request.headers()).await {
        Ok(signed_in) => signed_in,
        Err(reply) => return *reply,
    };
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let wanted = match wanted(body["account_id"].as_str()) {
        Ok(wanted) => wanted,
        Err(reply) => return *reply,
    };
    let wish = flow::request(env, (user, &login), wanted);
    let ticket = connect::ticket(env, signer, &wish);
    let url = format!(
        "{}?ticket={}",
        env.config.function_url("google-connect/start"),
        ticket.text
    );
    let answer = json!({"ticket": ticket.text, "url": url, "expires_in": TICKET.num_seconds()});
    let mut reply = Reply::json(StatusCode::OK, &answer);
    cookie::set(&mut reply, &env.config.app_url, &ticket.cookie, TICKET);
    told(reply, "ticket", &Trail::of(wish.user, wish.wanted))
}

/// Google's page came back. A program shows the login of the user who is to be connected: no page of
/// another origin can have a browser send that along with its cookie, as no answer here allows it.
pub async fn callback<D: HttpClient>(request: &Request<Bytes>, env: &Env<'_, D>) -> Reply {
    if let Err(reply) = signer(env) {
        return *reply;
    }
    let returned = Returned {
        code: parameter(request, "code"),
        state: parameter(request, "state"),
        error: parameter(request, "error"),
    };
    let proven = match is_program(request.headers()) {
        true => match login::user(env, request.headers()).await {
            Ok(user) => Some(user),
            Err(reply) => return *reply,
        },
        false => None,
    };
    let app_url = &env.config.app_url;
    let shown = |name: &str| cookie::shown(request.headers(), app_url, name);
    let mut trail = Trail::default();
    match connect::finish(env, &returned, proven.as_ref(), shown, &mut trail).await {
        Ok(Finished::Connected { email }) => connected(request, env, &email, &trail),
        Ok(Finished::Asked(asked)) => {
            let mut reply = question::page(&asked);
            cookie::set(&mut reply, app_url, &asked.cookie, asked.age);
            told(reply, "asked", &trail)
        }
        Err(error) => failed(request, env, &error, &trail),
    }
}

/// The answer to the question.
pub async fn finish<D: HttpClient>(request: &Request<Bytes>, env: &Env<'_, D>) -> Reply {
    if let Err(reply) = signer(env) {
        return *reply;
    }
    let app_url = &env.config.app_url;
    let shown = |name: &str| cookie::shown(request.headers(), app_url, name);
    let mut trail = Trail::default();
    let answered = match question::answer(request, app_url) {
        Some(answer) => flow::answer(env, &answer, shown, &mut trail).await,
        None => Err(ConnectError::State),
    };
    match answered {
        Ok(email) => connected(request, env, &email, &trail),
        Err(error) => failed(request, env, &error, &trail),
    }
}

fn connected<D: HttpClient>(
    request: &Request<Bytes>,
    env: &Env<'_, D>,
    email: &str,
    trail: &Trail,
) -> Reply {
    let reply = match is_program(request.headers()) {
        true => Reply::json(StatusCode::OK, &json!({"connected": email})),
        false => Reply::redirect(result_url(&env.config.app_url, None).as_str()),
    };
    told(reply, "connected", trail)
}

/// Who, what and the outcome, for the log.
fn told(mut reply: Reply, outcome: &str, trail: &Trail) -> Reply {
    if let Some(user) = &trail.user {
        reply = reply.about("user", user);
    }
    if let Some(account) = trail.account {
        reply = reply.about("account", account);
    }
    if let Some(grant) = trail.grant {
        reply = reply.about("grant", grant);
    }
    reply.about("outcome", outcome)
}

/// What a deployment needs to connect anybody.
fn ready<'a, D: HttpClient>(env: &Env<'a, D>) -> Result<&'a Signer, Box<Reply>> {
    let signer = signer(env)?;
    if env.config.client_id.is_empty() {
        let reply = Reply::error(
            StatusCode::SERVICE_UNAVAILABLE,
            "this deployment has no Google OAuth client yet",
        );
        let line = "refused: the variable google_client_id is not set";
        return Err(Box::new(reply.logged(line)));
    }
    Ok(signer)
}

/// What signs now.
fn signer<'a, D>(env: &Env<'a, D>) -> Result<&'a Signer, Box<Reply>> {
    env.config.signers.first().ok_or_else(|| {
        let reply = Reply::error(
            StatusCode::UNAUTHORIZED,
            "this deployment cannot connect calendars yet",
        );
        let lack = env.config.lack_of("signing_key");
        Box::new(reply.logged(format!("refused: {lack}; no calendar can be connected")))
    })
}

fn wanted(account: Option<&str>) -> Result<Option<Uuid>, Box<Reply>> {
    let parsed = account.map(str::parse).transpose();
    parsed.map_err(|_| {
        let reason = "account_id must be a UUID";
        Box::new(Reply::error(StatusCode::BAD_REQUEST, reason))
    })
}

fn failed<D: HttpClient>(
    request: &Request<Bytes>,
    env: &Env<'_, D>,
    error: &ConnectError,
    trail: &Trail,
) -> Reply {
    let mut reply = if is_program(request.headers()) {
        let status = match error.fault() {
            Fault::User => StatusCode::BAD_REQUEST,
            Fault::Google => StatusCode::BAD_GATEWAY,
            Fault::Operator => StatusCode::INTERNAL_SERVER_ERROR,
            Fault::Database => StatusCode::SERVICE_UNAVAILABLE,
        };
        Reply::json(
            status,
            &json!({"error": error.to_string(), "code": error.code()}),
        )
    } else {
        Reply::redirect(result_url(&env.config.app_url, Some(error.code())).as_str())
    };
    reply = told(reply, error.code(), trail);
    match error {
        ConnectError::Database(error) => reply.log.push(error.to_string()),
        ConnectError::Keys(error) => reply.log.push(format!("the variable token_keys: {error}")),
        ConnectError::Exchange(error) => reply.log.push(error.to_string()),
        ConnectError::State
        | ConnectError::Expired
        | ConnectError::Browser
        | ConnectError::Elsewhere
        | ConnectError::Replayed
        | ConnectError::Denied
        | ConnectError::Declined
        | ConnectError::Policy
        | ConnectError::Reported(_)
        | ConnectError::Scopes(_)
        | ConnectError::Code
        | ConnectError::NoRefreshToken
        | ConnectError::Identity
        | ConnectError::Another(_)
        | ConnectError::Disconnecting
        | ConnectError::Left
        | ConnectError::NoCalendar
        | ConnectError::Google(_)
        | ConnectError::NoAccess(_)
        | ConnectError::Taken(_) => {}
    }
    reply
}

/// The page shows what came of it.
/// Anybody can write an address, so that it carries a word and no text.
fn result_url(app_url: &Url, code: Option<&str>) -> Url {
    let mut url = app_url.clone();
    match code {
        None => url.query_pairs_mut().append_pair("google", "connected"),
        Some(code) => url
            .query_pairs_mut()
            .append_pair("google", "error")
            .append_pair("code", code),
    };
    url
}

fn accept(headers: &HeaderMap) -> &str {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.unwrap_or_default()
}

fn wants_html(headers: &HeaderMap) -> bool {
    accept(headers).contains("text/html")
}

/// Who asks for JSON, and for no page.
fn is_program(headers: &HeaderMap) -> bool {
    accept(headers).contains("application/json") && !wants_html(headers)
}
