//! The round trip, step by step, on a fresh stack: what the product promises, with the calls it took.

mod steps;

use crate::host::Log;
use crate::stack::database::{Data, Driver};
use crate::stack::sides::{Crm, Google};
use crate::stack::{Secrets, Stack, StackOptions, build};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What the steps work with.
pub struct World {
    /// Everything, as `cargo dev` starts it.
    pub stack: Stack,
    /// The database, as a CRM uses it.
    pub crm: Crm,
    /// Ann's calendar.
    pub google: Google,
    /// Ann.
    pub ann: String,
}

impl World {
    /// A fresh stack whose first demo user is connected. No clock runs.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn start(root: &Path, driver: Driver, progress: &dyn Fn(&str)) -> Result<Self> {
        let stack = fresh(root, driver, None, progress).await?;
        stack.tick().await?;
        stack.connect(0).await?;
        let crm = Crm::of(&stack).await?;
        let google = Google::of(&stack, 0).await?;
        let ann = stack.people.first().context("Ann")?.id.clone();
        let world = Self {
            stack,
            crm,
            google,
            ann,
        };
        world.rest().await?;
        Ok(world)
    }

    /// Waits until nothing is under way.
    ///
    /// # Errors
    /// When something does not end.
    pub async fn rest(&self) -> Result<()> {
        let patience = Duration::from_secs(20);
        self.stack.relay.wait_until_idle(patience).await?;
        self.google_at_rest().await?;
        self.crm.wait_quiet().await?;
        Ok(())
    }

    async fn google_at_rest(&self) -> Result<()> {
        for _ in 0..400 {
            let state = self
                .google
                .control(http::Method::GET, "notifications", &serde_json::Value::Null)
                .await?;
            let is_empty = |name: &str| state[name].as_array().is_some_and(Vec::is_empty);
            if is_empty("waiting") && is_empty("in_flight") {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        anyhow::bail!("the simulator's notifications do not end")
    }
}

/// A fresh stack where nobody is connected, with a clock or none.
///
/// # Errors
/// When a part does not start.
pub async fn fresh(
    root: &Path,
    driver: Driver,
    clock: Option<Duration>,
    progress: &dyn Fn(&str),
) -> Result<Stack> {
    let on_line: crate::host::OnLine = Arc::new(|component, _, line| {
        if std::env::var_os("TANDEM_LOG").is_some() {
            #[expect(clippy::print_stderr, reason = "asked for by TANDEM_LOG")]
            {
                eprintln!("{component}: {line}");
            }
        }
    });
    let options = StackOptions {
        root: root.to_owned(),
        driver,
        data: Data::Fresh,
        ports: [0; 3],
        clock,
        secrets: Secrets::new(),
        log: Log {
            dir: None,
            on_line: Some(on_line),
        },
    };
    Stack::start(options, progress).await
}

/// Runs every step; `say` gets a line for each.
///
/// # Errors
/// The first step that fails, and how.
pub async fn run(root: &Path, driver: Driver, say: &dyn Fn(&str)) -> Result<()> {
    build(root, say)?;
    say("starting a fresh stack");
    let world = World::start(root, driver, say).await?;
    say("ok  connected a calendar through consent, callback and watch");
    for (name, step) in steps::ALL {
        world.stack.calls.reset();
        step(&world)
            .await
            .with_context(|| format!("FAILED  {name}"))?;
        world
            .rest()
            .await
            .with_context(|| format!("FAILED  {name}: it does not come to rest"))?;
        let (made, handled) = world.stack.calls.take();
        let google = made.iter().filter(|call| call.to_google).count();
        say(&format!(
            "ok  {name}  ({} requests in; calls out: {} to Google, {} to the database)",
            handled.len(),
            google,
            made.len() - google
        ));
    }
    let writes = world.google.writes().await?;
    world.stack.tick().await?;
    world.rest().await?;
    ensure!(
        world.google.writes().await? == writes,
        "FAILED  at rest, a tick wrote to Google"
    );
    say("ok  at rest: no job, and a tick writes nothing to Google");
    world.stack.stop().await;
    Ok(())
}
