//! A ticket is for the browser that asked for it: whoever gets hold of the link, or hands out one of
//! their own, connects nothing by it.

use super::lab::{BOB, system};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::json;
use tests::inprocess::{ANN, EMAIL, System, Ticket};

const START: &str = "http://localhost:3000/functions/v1/google-connect/start";

fn is_refused(to: &str) -> Result<()> {
    let refused = to.ends_with("?google=error&code=ticket_of_another_browser");
    ensure!(refused, "{to}");
    Ok(())
}

/// What a browser sends that a page of this origin tells to post a form.
async fn posted(system: &System, ticket: &Ticket, origin: Option<&str>) -> Result<Response<Bytes>> {
    let (_, signed) = ticket.url.split_once("ticket=").context("ticket")?;
    let mut request = Request::post(START)
        .header("accept", "text/html")
        .header("content-type", "application/x-www-form-urlencoded");
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    let request = request.body(Bytes::from(format!("ticket={signed}")))?;
    Ok(system.connecting(request).await.context("killed")?.response)
}

fn led(response: &Response<Bytes>) -> Result<&str> {
    let to = response.headers().get("location").context("location")?;
    Ok(to.to_str()?)
}

#[tokio::test]
async fn a_link_that_was_passed_on_connects_nobody() -> Result<()> {
    let system = system(1).await?;
    // Bob wants Ann's Google account on his own CRM user.
    let ticket = system.ticket(BOB, &json!({})).await?;
    let other = system.ticket(ANN, &json!({})).await?;
    let (name, value) = ticket.cookie.split_once('=').context("cookie")?;
    let guess = format!("{name}=guessed");
    let renamed = format!("{}={value}", name.replace("ticket", "state"));
    for cookie in ["", "tandem-ticket=1", &other.cookie, &guess, &renamed] {
        is_refused(&system.browse(&ticket.url, cookie).await?.0)?;
    }
    let accounts = "select jsonb_agg(user_id) from tandem.accounts";
    ensure!(system.value(accounts).await? == json!([ANN]));
    // Nobody else used it up for him either.
    let (page, _) = system.browse(&ticket.url, &ticket.cookie).await?;
    ensure!(page.starts_with("http://google.localhost/"), "{page}");
    Ok(())
}

#[tokio::test]
async fn no_other_host_sets_a_cookie_in_the_place_of_a_tickets() -> Result<()> {
    let mut system = system(2).await?;
    let plain = system.ticket(ANN, &json!({})).await?.cookie;
    for part in [
        "; HttpOnly",
        "; SameSite=Lax",
        "; Max-Age=60",
        "; Path=/functions/v1/google-connect;",
    ] {
        ensure!(plain.contains(part), "{part}: {plain}");
    }
    ensure!(!plain.contains("Secure"), "{plain}");
    system.set("app_url", "https://tandem.example")?;
    let ticket = system.ticket(ANN, &json!({})).await?;
    let secure = &ticket.cookie;
    ensure!(secure.starts_with("__Host-tandem-ticket-"), "{secure}");
    ensure!(
        secure.contains("; Path=/;") && secure.ends_with("; Secure"),
        "{secure}"
    );
    ensure!(!secure.contains("Domain"), "{secure}");
    system
        .sql("update tandem.settings set value = 'https://tandem.example' where key = 'instance'")
        .await?;
    // A sibling host's own: it lacks the prefix that browsers keep from it.
    let tossed = secure.replace("__Host-", "");
    is_refused(&system.browse(&ticket.url, &tossed).await?.0)?;
    let (page, cookie) = system.browse(&ticket.url, secure).await?;
    ensure!(page.starts_with("http://google.localhost/"), "{page}");
    ensure!(cookie.starts_with("__Host-tandem-state-"), "{cookie}");
    Ok(())
}

#[tokio::test]
async fn a_page_of_another_origin_posts_the_ticket() -> Result<()> {
    let mut system = system(3).await?;
    system.set("page_origins", "https://crm.example")?;
    for origin in [
        None,
        Some("null"),
        Some("https://evil.example"),
        Some("https://crm.example.evil.example"),
        Some("http://crm.example"),
    ] {
        let ticket = system.ticket(BOB, &json!({})).await?;
        is_refused(led(&posted(&system, &ticket, origin).await?)?)?;
    }
    for origin in ["https://crm.example", "http://localhost:3000"] {
        let ticket = system.ticket(BOB, &json!({})).await?;
        let response = posted(&system, &ticket, Some(origin)).await?;
        let cookie = response.headers().get("set-cookie").context("cookie")?;
        let back = system.consent(led(&response)?, EMAIL)?;
        let to = system.come_back(&back, cookie.to_str()?).await?;
        ensure!(to.ends_with("?google=connected"), "{to}");
    }
    // An origin says nothing where a browser follows a link.
    let ticket = system.ticket(BOB, &json!({})).await?;
    let request = Request::get(&ticket.url)
        .header("accept", "text/html")
        .header("origin", "https://crm.example")
        .body(Bytes::new())?;
    let reply = system.connecting(request).await.context("killed")?;
    is_refused(led(&reply.response)?)
}

#[tokio::test]
async fn what_the_previous_signing_key_began_is_finished_with_it() -> Result<()> {
    let [old, new] =
        ["old", "new"].map(|name| format!("the {name} signing key of 32 bytes or more"));
    let mut system = system(5).await?;
    system.set("signing_key", &old)?;
    let ticket = system.ticket(BOB, &json!({})).await?;
    let (page, cookie) = system.browse(&ticket.url, &ticket.cookie).await?;
    let later = system.ticket(BOB, &json!({})).await?;
    let back = system.consent(&page, EMAIL)?;
    system.set("signing_key", &new)?;
    let (to, _) = system.browse(&back, &cookie).await?;
    ensure!(to.contains("google=error"), "{to}");
    system.set("signing_key_previous", &old)?;
    let to = system.come_back(&back, &cookie).await?;
    ensure!(to.ends_with("?google=connected"), "{to}");
    // A ticket of the old key begins what the new one signs.
    let (page, cookie) = system.browse(&later.url, &later.cookie).await?;
    system.set("signing_key_previous", "")?;
    let to = system
        .come_back(&system.consent(&page, EMAIL)?, &cookie)
        .await?;
    ensure!(to.ends_with("?google=connected"), "{to}");
    Ok(())
}

#[tokio::test]
async fn no_other_origin_may_call_with_cookies() -> Result<()> {
    let mut system = system(4).await?;
    system.set("page_origins", "https://crm.example")?;
    let request = Request::options(START.replace("start", "ticket"))
        .header("origin", "https://crm.example")
        .body(Bytes::new())?;
    let reply = system.connecting(request).await.context("killed")?;
    let headers = reply.response.headers();
    ensure!(headers["access-control-allow-origin"] == "*");
    ensure!(!headers.contains_key("access-control-allow-credentials"));
    Ok(())
}
