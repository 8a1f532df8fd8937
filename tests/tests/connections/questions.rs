//! Before a Google account is connected that the user has not connected before, the browser's person is asked; until
//! then nothing is stored.

use super::grants::{has_grant, logged};
use super::lab::{BOB, call, rest, system};
use super::refused::is;
use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use chrono::TimeDelta;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tests::inprocess::{ANN, EMAIL, Opened, Question, System, Ticket};

const NEW: &str = "new@example.com";

async fn lab(seed: u64) -> Result<System> {
    let system = system(seed).await?;
    system.simulator.add_user(NEW, "New", true);
    Ok(system)
}

/// The way back from Google's page of whoever holds this ticket, and the browser's cookie.
async fn back(system: &System, ticket: &Ticket, email: &str) -> Result<(String, String)> {
    let (page, cookie) = system.browse(&ticket.url, &ticket.cookie).await?;
    Ok((system.consent(&page, email)?, cookie))
}

async fn asked(system: &System, user: &str, email: &str) -> Result<Question> {
    let ticket = system.ticket(user, &json!({})).await?;
    let (back, cookie) = back(system, &ticket, email).await?;
    match system.opened(&back, &cookie).await? {
        Opened::Question(question) => Ok(question),
        Opened::Elsewhere(to) => bail!("not asked: {to}"),
    }
}

/// Accounts, by address and user.
async fn accounts(system: &System) -> Result<Value> {
    let all = "select coalesce(jsonb_agg(jsonb_build_array(email, user_id) order by email, user_id), '[]')
        from tandem.accounts where state <> 'disconnected'";
    system.value(all).await
}

#[tokio::test]
async fn both_sides_are_named_and_nothing_is_stored_before_a_yes() -> Result<()> {
    let system = lab(1).await?;
    let login =
        system.login_with(json!({"sub": BOB, "email": "bob@crm.example", "email_verified": true}));
    let ticket = system.ticket_for(&login, &json!({})).await?;
    let (page, cookie) = system.browse(&ticket.url, &ticket.cookie).await?;
    let back = system.consent(&page, NEW)?;
    // Neither Google nor who keeps addresses reads the name.
    for address in [&ticket.url, &page, &back] {
        let encoded = ["bob@", "bob%40", "Ym9iQGNyb"];
        ensure!(
            !encoded.iter().any(|part| address.contains(part)),
            "{address}"
        );
    }
    let Opened::Question(question) = system.opened(&back, &cookie).await? else {
        bail!("not asked");
    };
    for name in [NEW, "bob@crm.example"] {
        let named = format!("<bdi>{name}</bdi>");
        ensure!(question.html.contains(&named), "{}", question.html);
    }
    for secret in ["ya29.", "1//"] {
        ensure!(!question.html.contains(secret), "{}", question.html);
    }
    ensure!(accounts(&system).await? == json!([[EMAIL, ANN]]));
    let to = system.respond(&question, "connect").await?;
    ensure!(to.ends_with("?google=connected"), "{to}");
    ensure!(accounts(&system).await? == json!([[EMAIL, ANN], [NEW, BOB]]));
    let unnamed = asked(&system, ANN, NEW).await?;
    ensure!(unnamed.html.contains(&format!("<bdi>{ANN}</bdi>")));
    Ok(())
}

#[tokio::test]
async fn a_no_gives_the_grant_back() -> Result<()> {
    let system = lab(2).await?;
    let question = asked(&system, BOB, NEW).await?;
    ensure!(has_grant(&system, NEW)?);
    is(&system.respond(&question, "no").await?, "declined")?;
    ensure!(!has_grant(&system, NEW)?);
    ensure!(logged(&system) == "given_back", "{}", logged(&system));
    is(&system.respond(&question, "connect").await?, "replayed")?;
    ensure!(accounts(&system).await? == json!([[EMAIL, ANN]]));
    // Another user lives by this grant.
    let hers = asked(&system, BOB, EMAIL).await?;
    is(&system.respond(&hers, "no").await?, "declined")?;
    ensure!(has_grant(&system, EMAIL)?);
    ensure!(logged(&system) == "in_use", "{}", logged(&system));
    Ok(())
}

#[tokio::test]
async fn an_answer_counts_once() -> Result<()> {
    let system = lab(3).await?;
    let question = asked(&system, BOB, NEW).await?;
    let to = system.respond(&question, "connect").await?;
    ensure!(to.ends_with("?google=connected"), "{to}");
    let stored = "select jsonb_agg(a order by a.id) from tandem.accounts a";
    let before = system.value(stored).await?;
    is(&system.respond(&question, "no").await?, "replayed")?;
    // A second click of the same person finds what the first one has done.
    let to = system.respond(&question, "connect").await?;
    ensure!(to.ends_with("?google=connected"), "{to}");
    system.advance(TimeDelta::minutes(15)).await?;
    is(&system.respond(&question, "no").await?, "expired")?;
    ensure!(system.value(stored).await? == before);
    ensure!(has_grant(&system, NEW)?);
    Ok(())
}

#[tokio::test]
async fn an_answer_is_for_the_browser_that_was_asked_on_this_page_alone() -> Result<()> {
    let system = lab(4).await?;
    let question = asked(&system, BOB, NEW).await?;
    let other = asked(&system, BOB, NEW).await?;
    let (name, value) = question.cookie.split_once('=').context("cookie")?;
    let value = value.split(';').next().unwrap_or_default();
    let state = format!("{}={value}", name.replace("question", "state"));
    for cookie in [
        "",
        "tandem-question=1",
        &other.cookie,
        &format!("{name}=guessed"),
        &state,
    ] {
        let mut stranger = question.clone();
        stranger.cookie = cookie.to_owned();
        is(
            &system.respond(&stranger, "connect").await?,
            "another_browser",
        )?;
        is(&system.respond(&stranger, "no").await?, "another_browser")?;
    }
    for origin in [
        None,
        Some("null"),
        Some("https://localhost:3000"),
        Some("http://localhost:3000.evil"),
        Some("http://localhost"),
        Some("https://crm.example"),
    ] {
        let to = system.post_answer(&question, "connect", origin).await?;
        is(&to, "invalid_request")?;
    }
    is(
        &system.respond(&question, "perhaps").await?,
        "invalid_request",
    )?;
    ensure!(accounts(&system).await? == json!([[EMAIL, ANN]]));
    ensure!(has_grant(&system, NEW)?, "a stranger gave it back");
    let to = system.respond(&question, "connect").await?;
    ensure!(to.ends_with("?google=connected"), "{to}");
    Ok(())
}

#[tokio::test]
async fn a_grant_is_sealed_for_its_own_question() -> Result<()> {
    let mut system = lab(5).await?;
    let (bobs, anns) = (
        asked(&system, BOB, NEW).await?,
        asked(&system, ANN, NEW).await?,
    );
    let again = asked(&system, BOB, NEW).await?;
    for grant in ["", "k1.AAAA", &anns.grant, &again.grant] {
        let mut mixed = bobs.clone();
        grant.clone_into(&mut mixed.grant);
        is(&system.respond(&mixed, "connect").await?, "invalid_request")?;
    }
    let mut forged = bobs.clone();
    forged.request = format!("x{}", bobs.request);
    is(
        &system.respond(&forged, "connect").await?,
        "invalid_request",
    )?;
    ensure!(accounts(&system).await? == json!([[EMAIL, ANN]]));
    let keys = [
        "k2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
        "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ];
    system.set("token_keys", keys[0])?;
    is(&system.respond(&bobs, "connect").await?, "invalid_request")?;
    // Of keys that are rotated meanwhile the older one opens it.
    system.set("token_keys", &keys.join(","))?;
    let to = system.respond(&bobs, "connect").await?;
    ensure!(to.ends_with("?google=connected"), "{to}");
    Ok(())
}

#[tokio::test]
async fn an_answer_that_comes_too_late_gives_the_grant_back() -> Result<()> {
    let system = lab(6).await?;
    let ticket = system.ticket(BOB, &json!({})).await?;
    let (page, cookie) = system.browse(&ticket.url, &ticket.cookie).await?;
    system.advance(TimeDelta::minutes(10)).await?;
    let back = system.consent(&page, NEW)?;
    let Opened::Question(question) = system.opened(&back, &cookie).await? else {
        bail!("not asked");
    };
    // What is left of the consent's time.
    ensure!(
        question.cookie.contains("; Max-Age=300;"),
        "{}",
        question.cookie
    );
    system.advance(TimeDelta::minutes(5)).await?;
    is(&system.respond(&question, "connect").await?, "expired")?;
    ensure!(accounts(&system).await? == json!([[EMAIL, ANN]]));
    ensure!(!has_grant(&system, NEW)?);
    ensure!(logged(&system) == "given_back", "{}", logged(&system));
    Ok(())
}

#[tokio::test]
async fn who_connects_the_same_account_again_is_not_asked() -> Result<()> {
    let system = lab(7).await?;
    let id = system.value("select id from tandem.accounts").await?;
    for body in [json!({}), json!({"account_id": id})] {
        let ticket = system.ticket(ANN, &body).await?;
        let (back, cookie) = back(&system, &ticket, EMAIL).await?;
        let Opened::Elsewhere(to) = system.opened(&back, &cookie).await? else {
            bail!("asked");
        };
        ensure!(to.ends_with("?google=connected"), "{to}");
    }
    // Once it is disconnected it is new, also where it is named.
    call(
        &system,
        ANN,
        "disconnect",
        &json!({"account_id": id, "choice": "keep"}),
        202,
    )
    .await?;
    rest(&system).await?;
    rest(&system).await?;
    for body in [json!({}), json!({"account_id": id})] {
        let ticket = system.ticket(ANN, &body).await?;
        let (back, cookie) = back(&system, &ticket, EMAIL).await?;
        let opened = system.opened(&back, &cookie).await?;
        ensure!(matches!(opened, Opened::Question(_)), "{opened:?}");
    }
    Ok(())
}

/// Comes back with these headers.
async fn come_back(
    system: &System,
    (back, cookie): &(String, String),
    accept: &str,
    login: &str,
) -> Result<(StatusCode, String)> {
    let request = Request::get(back)
        .header("accept", accept)
        .header("authorization", login)
        .header("cookie", cookie)
        .body(Bytes::new())?;
    let response = system.connecting(request).await.context("killed")?.response;
    let body = String::from_utf8_lossy(response.body()).into_owned();
    Ok((response.status(), body))
}

#[tokio::test]
async fn a_program_is_not_asked_and_shows_its_users_login() -> Result<()> {
    let system = lab(8).await?;
    let ticket = system.ticket(BOB, &json!({})).await?;
    let visit = back(&system, &ticket, NEW).await?;
    let json = "application/json";
    for login in system.bad_logins(BOB) {
        let (status, said) = come_back(&system, &visit, json, &login).await?;
        ensure!(status == 401, "{login}: {status} {said}");
    }
    let anns = system.login(ANN);
    let (status, said) = come_back(&system, &visit, json, &anns).await?;
    ensure!(status == 400 && said.contains("another_browser"), "{said}");
    ensure!(accounts(&system).await? == json!([[EMAIL, ANN]]));
    let (status, said) = come_back(&system, &visit, json, &system.login(BOB)).await?;
    ensure!(status == 200 && said.contains(NEW), "{said}");
    ensure!(accounts(&system).await? == json!([[EMAIL, ANN], [NEW, BOB]]));
    // What a browser accepts is asked, whatever else it shows.
    for accept in ["text/html,application/json", "*/*", ""] {
        let ticket = system.ticket(ANN, &json!({})).await?;
        let visit = back(&system, &ticket, NEW).await?;
        let (status, said) = come_back(&system, &visit, accept, &anns).await?;
        ensure!(status == 200 && said.contains("<form"), "{accept}: {said}");
    }
    ensure!(accounts(&system).await? == json!([[EMAIL, ANN], [NEW, BOB]]));
    Ok(())
}

#[tokio::test]
async fn who_tries_again_after_a_yes_is_not_asked_again() -> Result<()> {
    let system = lab(9).await?;
    let question = asked(&system, BOB, NEW).await?;
    system.control(
        "POST",
        "faults",
        &json!({"method": "calendarList.list", "status": 503}),
    )?;
    is(
        &system.respond(&question, "connect").await?,
        "google_unavailable",
    )?;
    // It is stored, and so known: who tries again is not asked.
    ensure!(logged(&system) == "in_use", "{}", logged(&system));
    let ticket = system.ticket(BOB, &json!({})).await?;
    let (back, cookie) = back(&system, &ticket, NEW).await?;
    let opened = system.opened(&back, &cookie).await?;
    let Opened::Elsewhere(to) = &opened else {
        bail!("{opened:?}");
    };
    ensure!(to.ends_with("?google=connected"), "{to}");
    Ok(())
}

#[tokio::test]
async fn a_question_and_its_answer_are_in_the_log() -> Result<()> {
    let system = lab(10).await?;
    let from = system.log().len();
    let question = asked(&system, BOB, NEW).await?;
    system.respond(&question, "no").await?;
    let stranger = Question {
        cookie: String::new(),
        ..asked(&system, BOB, NEW).await?
    };
    system.respond(&stranger, "no").await?;
    system.post_answer(&stranger, "no", None).await?;
    let log = system.log().split_off(from);
    let lines = log
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let told: Vec<Value> = lines
        .filter(|line| {
            line["flow"] == "google-connect/finish" || line["flow"] == "google-connect/callback"
        })
        .map(|line| json!([line["flow"], line["user"], line["outcome"], line["grant"]]))
        .collect();
    let (callback, finish) = ("google-connect/callback", "google-connect/finish");
    let expected = json!([
        [callback, BOB, "asked", null],
        [finish, BOB, "declined", "given_back"],
        [callback, BOB, "asked", null],
        [finish, BOB, "another_browser", null],
        [finish, null, "invalid_request", null],
    ]);
    ensure!(json!(told) == expected, "{told:?}");
    for secret in [NEW, "ya29.", "1//", "k1.", "eyJ"] {
        ensure!(!log.join("\n").contains(secret), "{secret} is in the log");
    }
    Ok(())
}

#[tokio::test]
async fn only_a_post_answers() -> Result<()> {
    let system = lab(11).await?;
    let answer = system
        .manage(BOB, Method::GET, "finish", &Value::Null)
        .await?;
    ensure!(answer.context("killed")?.0 == 405);
    Ok(())
}
