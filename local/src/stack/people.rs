//! Demo users: people of the CRM, each with a Google account of the same address.

use crate::http::Http;
use crate::postgrest::jwt;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Response};
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

/// A demo user.
#[derive(Debug, Clone, Serialize)]
pub struct Person {
    /// The CRM's id.
    pub id: String,
    /// As the page shows it.
    pub name: String,
    /// The address of the Google account.
    pub email: String,
    /// A login of the CRM, good for a year.
    pub jwt: String,
}

impl Person {
    /// A user whose login ends a year after `now`, in seconds since 1970.
    pub fn new(jwt_secret: &str, id: &str, name: &str, now: i64) -> Self {
        let email = format!("{}@example.com", name.to_lowercase());
        let exp = now + 365 * 24 * 3600;
        let claims = json!({"sub": id, "role": "authenticated", "aud": "authenticated", "email": email, "email_verified": true, "exp": exp});
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            jwt: jwt::sign(jwt_secret, &claims),
            email,
        }
    }
}

/// The demo users.
pub fn demo(jwt_secret: &str, now: i64) -> Vec<Person> {
    [
        ("a0000000-0000-4000-8000-000000000001", "Ann"),
        ("b0000000-0000-4000-8000-000000000002", "Bob"),
    ]
    .map(|(id, name)| Person::new(jwt_secret, id, name, now))
    .to_vec()
}

/// The same for the page, which lets its user choose one.
pub fn logins(people: &[Person]) -> String {
    let login =
        |person: &Person| json!({"name": person.name, "email": person.email, "token": person.jwt});
    let logins: Vec<Value> = people.iter().map(login).collect();
    json!(logins).to_string()
}

/// The OAuth client that the simulator knows.
pub const CLIENT: (&str, &str) = ("tandem-local.apps.example.com", "local-client-secret");

/// Makes a person's Google account and the OAuth client, as far as the simulator lacks them.
///
/// # Errors
/// When the simulator refuses.
pub async fn introduce(http: &Http, google: &str, people: &[Person], callback: &str) -> Result<()> {
    let client = json!({"id": CLIENT.0, "secret": CLIENT.1, "redirect_uris": [callback]});
    let (status, answer) = http
        .json(
            Method::POST,
            &format!("{google}/_sim/clients"),
            None,
            &client,
        )
        .await?;
    ensure!(
        status == 200,
        "the simulator refused the OAuth client: {answer}"
    );
    let (_, known) = http
        .json(
            Method::GET,
            &format!("{google}/_sim/users"),
            None,
            &Value::Null,
        )
        .await?;
    let is_known = |person: &Person| {
        known
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["email"] == person.email.as_str()))
    };
    for person in people.iter().filter(|person| !is_known(person)) {
        let account = json!({"email": person.email, "name": person.name, "time_zone": "Europe/Berlin", "auto_consent": true});
        let (status, answer) = http
            .json(
                Method::POST,
                &format!("{google}/_sim/users"),
                None,
                &account,
            )
            .await?;
        ensure!(
            status == 200,
            "the simulator refused {}: {answer}",
            person.email
        );
    }
    Ok(())
}

/// Access to a person's calendar, without the consent page.
///
/// # Errors
/// When the simulator gives no token.
pub async fn token(http: &Http, google: &str, person: &Person) -> Result<String> {
    let wanted = json!({"user": person.email, "client": CLIENT.0, "scopes": ["https://www.googleapis.com/auth/calendar"]});
    let url = format!("{google}/_sim/tokens");
    let (status, answer) = http.json(Method::POST, &url, None, &wanted).await?;
    ensure!(status == 200, "the simulator gave no token: {answer}");
    let token = answer["access_token"].as_str().context("access_token")?;
    Ok(token.to_owned())
}

/// Connects a person's calendar as a program with their login: start, Google's consent, callback.
///
/// # Errors
/// When one of the steps is refused.
pub async fn connect(http: &Http, app: &str, person: &Person) -> Result<Value> {
    let start = format!("{app}/functions/v1/google-connect/start");
    let request = http::Request::get(&start)
        .header("accept", "application/json")
        .header("authorization", format!("Bearer {}", person.jwt));
    let begun = http.send(request.body(Bytes::new())?).await?;
    let (status, answer) = (begun.status(), read(&begun));
    ensure!(
        status == 200,
        "google-connect/start answered {status}: {answer}"
    );
    let cookie = begun.headers().get("set-cookie").cloned();
    let mut consent = Url::parse(answer["url"].as_str().unwrap_or_default())?;
    consent
        .query_pairs_mut()
        .append_pair("login_hint", &person.email);
    let request = http::Request::get(consent.as_str()).body(Bytes::new())?;
    let redirect = http.send(request).await?;
    let callback = redirect
        .headers()
        .get("location")
        .and_then(|to| to.to_str().ok())
        .unwrap_or_default();
    ensure!(
        !callback.is_empty(),
        "Google's consent page did not redirect: {}",
        redirect.status()
    );
    let mut request = http::Request::get(callback)
        .header("accept", "application/json")
        .header("authorization", format!("Bearer {}", person.jwt));
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    let connected = http.send(request.body(Bytes::new())?).await?;
    let (status, answer) = (connected.status(), read(&connected));
    ensure!(
        status == 200,
        "google-connect/callback answered {status}: {answer}"
    );
    Ok(answer)
}

fn read(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap_or_default()
}
