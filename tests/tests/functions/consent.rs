//! The steps of a connection, as a browser does them.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Response};
use local::stack::database::Driver;
use serde_json::Value;
use std::ops::{Deref, DerefMut};
use tests::stack::{Setup, World, start};
use url::Url;

pub async fn disconnected() -> Result<World> {
    start(Setup::new(Driver::Neon).unconnected()).await
}

pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

pub async fn get(w: &World, path: &str, headers: &[(&str, &str)]) -> Result<Response<Bytes>> {
    w.call(Method::GET, path, headers, Bytes::new()).await
}

/// Where Google's page leads, and the cookie of the browser that is led there.
#[derive(Clone)]
pub struct Visit {
    /// The callback.
    pub url: Url,
    /// Name and value.
    pub cookie: String,
    /// The login of the user who began.
    pub authorization: String,
}

impl Deref for Visit {
    type Target = Url;

    fn deref(&self) -> &Url {
        &self.url
    }
}

impl DerefMut for Visit {
    fn deref_mut(&mut self) -> &mut Url {
        &mut self.url
    }
}

/// Starts as Ann and answers Google's page as the person of this address.
pub async fn consent(w: &World, email: &str) -> Result<Visit> {
    let authorization = bearer(&w.stack.people[0].jwt);
    let answer = get(
        w,
        "google-connect/start",
        &[("authorization", &authorization)],
    )
    .await?;
    ensure!(answer.status() == 200, "{answer:?}");
    let cookie = cookie(&answer)?;
    let answer: Value = serde_json::from_slice(answer.body())?;
    let url = agree(w, answer["url"].as_str().context("url")?, email).await?;
    Ok(Visit {
        url,
        cookie,
        authorization,
    })
}

/// The cookie that an answer sets: name and value.
pub fn cookie(answer: &Response<Bytes>) -> Result<String> {
    let set = answer.headers().get("set-cookie").context("no cookie")?;
    let (pair, attributes) = set.to_str()?.split_once(';').context("attributes")?;
    for attribute in [
        "HttpOnly",
        "SameSite=Lax",
        "Max-Age=900",
        "Path=/functions/v1/google-connect",
    ] {
        ensure!(attributes.contains(attribute), "{attribute}: {set:?}");
    }
    Ok(pair.to_owned())
}

/// Answers Google's page as the person of this address; where it leads.
pub async fn agree(w: &World, page: &str, email: &str) -> Result<Url> {
    let mut page = Url::parse(page)?;
    page.query_pairs_mut().append_pair("login_hint", email);
    let answer = w
        .stack
        .http
        .send(http::Request::get(page.as_str()).body(Bytes::new())?)
        .await?;
    let to = answer
        .headers()
        .get("location")
        .and_then(|to| to.to_str().ok());
    Ok(Url::parse(
        to.with_context(|| format!("no redirect: {answer:?}"))?,
    )?)
}

/// The value of a field of a page's form.
fn field(page: &str, name: &str) -> Result<String> {
    let (_, rest) = page
        .split_once(&format!("name=\"{name}\" value=\""))
        .with_context(|| format!("no {name}: {page}"))?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}

/// Answers the question of a page with yes, as a browser does.
pub async fn say_yes(w: &World, asked: &Response<Bytes>) -> Result<Response<Bytes>> {
    ensure!(asked.status() == 200, "{asked:?}");
    let header = |name: &str| {
        asked
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    ensure!(header("content-type") == Some("text/html; charset=utf-8"));
    ensure!(header("referrer-policy") == Some("strict-origin"));
    let policy = header("content-security-policy").context("a policy")?;
    ensure!(policy.contains("form-action 'self'"), "{policy}");
    let page = String::from_utf8(asked.body().to_vec())?;
    let person = &w.stack.people[0].email;
    ensure!(
        page.matches(&format!("<bdi>{person}</bdi>")).count() == 2,
        "{page}"
    );
    let set = header("set-cookie").context("a cookie")?;
    let (cookie, attributes) = set.split_once(';').context("attributes")?;
    ensure!(attributes.contains("HttpOnly; SameSite=Lax"), "{set}");
    let (request, grant) = (field(&page, "request")?, field(&page, "grant")?);
    let form = format!("request={request}&grant={grant}&answer=connect");
    let headers = [
        ("accept", "text/html"),
        ("origin", w.stack.app.as_str()),
        ("cookie", cookie),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    w.call(
        Method::POST,
        "google-connect/finish",
        &headers,
        Bytes::from(form),
    )
    .await
}

pub async fn finish(w: &World, visit: &Visit) -> Result<Response<Bytes>> {
    let request = http::Request::get(visit.url.as_str())
        .header("accept", "application/json")
        .header("authorization", &visit.authorization)
        .header("cookie", &visit.cookie);
    w.stack.http.send(request.body(Bytes::new())?).await
}

pub fn parameter(url: &Url, name: &str) -> Result<String> {
    let found = url.query_pairs().find(|(known, _)| known == name);
    Ok(found.with_context(|| format!("no {name}"))?.1.into_owned())
}

pub async fn nothing_connected(w: &World) -> Result<()> {
    let rows = w.crm.value("select (select count(*) from tandem.accounts) + (select count(*) from tandem.connections)").await?;
    ensure!(rows == 0, "something was connected");
    Ok(())
}

/// Neither an answer nor the log may hold what only the deployment knows.
pub fn shows_no_secret(w: &World, answer: &Response<Bytes>) -> Result<()> {
    let body = String::from_utf8_lossy(answer.body());
    w.check_secrets(&format!("{:?} {body} {:?}", answer.headers(), w.log()))
}
