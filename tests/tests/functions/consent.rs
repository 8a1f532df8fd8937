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
    Ok(Visit { url, cookie })
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

pub async fn finish(w: &World, visit: &Visit) -> Result<Response<Bytes>> {
    let request = http::Request::get(visit.url.as_str())
        .header("accept", "application/json")
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
