//! `tandem doctor` at a deployment that is well, and at ones that are not.

use anyhow::{Result, ensure};
use local::doctor::{Options, examine};
use local::stack::database::Driver;
use local::stack::people::CLIENT;
use std::path::Path;
use tests::stack::{World, world};

fn all(w: &World) -> Result<Options> {
    Ok(Options {
        app_url: Some(w.stack.app.parse()?),
        database_url: Some(w.stack.database.url.clone()),
        function_secret: Some(w.stack.secrets.function_secret.clone()),
        login_token: w.stack.people.first().map(|ann| ann.jwt.clone()),
        google_client_id: Some(CLIENT.0.to_owned()),
        google_client_secret: Some(CLIENT.1.to_owned()),
        google_accounts_origin: w.stack.google.clone(),
        google_oauth_origin: w.stack.google.clone(),
    })
}

/// What is wrong.
async fn wrong(options: &Options) -> Result<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let found = examine(&root, options).await?.into_iter();
    Ok(found
        .filter(|finding| finding.remedy.is_some())
        .map(|finding| finding.fact)
        .collect())
}

async fn check(options: Options, expected: &[&str]) -> Result<()> {
    let found = wrong(&options).await?;
    let is_expected = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, expected)| found.starts_with(expected));
    ensure!(is_expected, "{found:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_nothing_wrong_where_nothing_is_through_neon() -> Result<()> {
    let w = world(Driver::Neon).await?;
    w.stack.tick().await?;
    check(all(&w)?, &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_nothing_wrong_where_nothing_is_through_postgrest() -> Result<()> {
    let w = world(Driver::Postgrest).await?;
    w.stack.tick().await?;
    check(all(&w)?, &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_is_wrong() -> Result<()> {
    let w = world(Driver::Neon).await?;
    w.stack.tick().await?;
    let other = Options {
        app_url: Some("http://localhost:9".parse()?),
        ..all(&w)?
    };
    let elsewhere = [
        "the database belongs to the deployment",
        "the deployment is not reached",
        "no answer from",
        "Google does not know the redirect URI",
    ];
    check(other, &elsewhere).await?;
    let secrets = Options {
        function_secret: Some("another secret of at least 32 bytes".to_owned()),
        login_token: Some("no.login.at all".to_owned()),
        google_client_secret: Some("another".to_owned()),
        ..all(&w)?
    };
    let refused = [
        "the deployment does not know this function secret",
        "the login is refused with 401",
        "Google refuses the client's secret",
    ];
    check(secrets, &refused).await?;
    let client = Options {
        google_client_id: Some("another".to_owned()),
        google_client_secret: None,
        ..all(&w)?
    };
    check(client, &["Google says invalid_client of the OAuth client"]).await?;
    w.crm
        .run("update tandem.settings set value = 'older' where key = 'release'; drop table public.events cascade")
        .await?;
    let found = wrong(&all(&w)?).await?;
    let has = |what: &str| found.iter().any(|fact| fact.starts_with(what));
    ensure!(
        has("the database has another release") && has("public.events is adopted"),
        "{found:?}"
    );
    let empty = Options {
        database_url: Some(w.stack.database.url.replace("/test_", "/none_")),
        ..Options::default()
    };
    check(empty, &["the database could not be asked"]).await
}
