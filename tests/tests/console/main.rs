//! The console's page and its hook: their own checks, and people at the page in headless Chromium.

use anyhow::{Context, Error, Result, ensure};
use local::stack::database::Driver;
use local::stack::people::{self, Person};
use local::{browser, page};
use serde_json::json;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tests::stack::{Setup, World, root, start};
use tokio::process::Command;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(1200);
/// One for each test in the browser, so that none meets what another one left. Ada and Ben see Google's
/// consent page, Yan's login is over.
const PEOPLE: [&str; 27] = [
    "Ada", "Ben", "Gwen", "Ivy", "Cleo", "Dora", "Emil", "Fred", "Gina", "Hugo", "Ines", "Jack",
    "Kira", "Lars", "Mona", "Nils", "Olga", "Paul", "Rosa", "Sven", "Tara", "Uwe", "Vera", "Wim",
    "Xena", "Yan", "Zoe",
];
const JWT_SECRET: &str = "the secret of the logins of the people at the page";

#[tokio::test(flavor = "multi_thread")]
async fn the_types_the_style_and_the_units_of_the_page_and_the_hook_hold() -> Result<()> {
    let folder = page::install(&root(), &|_| {}).await?;
    for script in ["check", "test"] {
        let mut npm = Command::new("npm");
        npm.args(["run", script]).current_dir(&folder);
        run(npm, script).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn people_use_the_console_in_a_browser() -> Result<()> {
    browser::ensure_chromium().await?;
    let folder = page::install(&root(), &|_| {}).await?;
    let people = people();
    let users: Vec<_> = people
        .iter()
        .map(|one| json!({"name": one.name, "email": one.email, "token": one.jwt}))
        .collect();
    let setup = Setup::new(Driver::Neon)
        .unconnected()
        .with("jwt_secret", JWT_SECRET)
        .with("demo_users", &json!(users).to_string());
    let world = start(setup).await?;
    let stack = &world.stack;
    let callback = format!("{}/functions/v1/google-connect/callback", stack.app);
    for asked in &people[..2] {
        let account =
            json!({"email": asked.email, "name": asked.name, "time_zone": "Europe/Berlin"});
        stack
            .simulator
            .control("POST", "users", &account)
            .map_err(Error::msg)?;
    }
    people::introduce(&stack.http, &stack.google, &people, &callback).await?;
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
    std::fs::create_dir_all(&shots)?;
    let about = [
        ("E2E_APP", stack.app.clone()),
        ("E2E_GOOGLE", stack.google.clone()),
        ("E2E_PEOPLE", serde_json::to_string(&people)?),
        ("E2E_CHROMIUM", browser::CHROMIUM.to_owned()),
        ("E2E_SHOTS", shots.display().to_string()),
    ];
    // For whoever writes such a test: the stack stays, for Playwright by hand.
    if let Some(path) = std::env::var_os("E2E_SERVE") {
        let lines = about.map(|(name, value)| format!("export {name}='{value}'\n"));
        std::fs::write(path, lines.concat())?;
        return tick(&world).await;
    }
    let mut playwright = Command::new("npx");
    playwright
        .args(["playwright", "test"])
        .current_dir(folder.join("e2e"))
        .envs(about);
    tokio::select! {
        ended = run(playwright, "Playwright") => ended.with_context(|| world.log().join("\n")),
        ticked = tick(&world) => ticked,
    }
}

fn people() -> Vec<Person> {
    let person = |(n, name): (usize, &&str)| {
        let id = format!("c0000000-0000-4000-8000-{n:012}");
        let now = if *name == "Yan" { 0 } else { 4_000_000_000 };
        Person::new(JWT_SECRET, &id, name, now)
    };
    PEOPLE.iter().enumerate().map(person).collect()
}

/// The clock that calls the scheduler.
async fn tick(world: &World) -> Result<()> {
    loop {
        // A tick that fails is in the scheduler's log; the next one does its work.
        let _report = world.stack.tick().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn run(mut command: Command, what: &str) -> Result<()> {
    // What it writes is progress, to be seen at once.
    let running = command.stdin(Stdio::null()).kill_on_drop(true).status();
    let status = timeout(PATIENCE, running)
        .await
        .with_context(|| format!("{what} takes too long"))??;
    ensure!(status.success(), "{what} failed: see above");
    Ok(())
}
