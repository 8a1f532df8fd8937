//! What a sync costs the database at 100 connections and at many, side by side.

mod calls;
pub mod fill;

use crate::cache;
use crate::migrate;
use crate::postgres::{Cluster, ClusterOptions};
use anyhow::{Context, Result, bail};
use calls::{Measured, measure};
use fill::{Size, fill};
use std::path::Path;
use std::time::Instant;
use tokio_postgres::Client;

/// How large the large database is.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Options {
    /// Connections, each with an account, a calendar and a channel.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..))]
    connections: u32,
    /// Links, each with an event.
    #[arg(long, default_value_t = 2_000_000, value_parser = clap::value_parser!(u32).range(2_000..))]
    links: u32,
}

/// Connections of the small database.
const FEW: u32 = 100;
/// In both databases. Prime, so that each connection has some.
const LINKS_PER_JOB: u32 = 101;

/// Prints the measurements. The databases live in a cluster of their own, which is deleted in the end.
///
/// # Errors
/// When Postgres does not start or refuses something.
pub async fn run(root: &Path, options: Options, say: &dyn Fn(&str)) -> Result<()> {
    let folder = cache::dir()?.join("bench");
    Cluster::reset(&folder).await?;
    let migrations = root.join("migrations");
    let done = tokio::select! {
        done = compare(&folder, &migrations, options, say) => done,
        _ = tokio::signal::ctrl_c() => bail!("stopped; the databases are deleted the next time"),
    };
    Cluster::reset(&folder).await?;
    done
}

async fn compare(
    folder: &Path,
    migrations: &Path,
    options: Options,
    say: &dyn Fn(&str),
) -> Result<()> {
    // Without waiting for the disk, whose time is the same at any size.
    let cluster = Cluster::start(
        ClusterOptions {
            fast: true,
            ..ClusterOptions::new(folder)
        },
        say,
    )
    .await?;
    let few = Size {
        connections: FEW,
        links: FEW * (options.links / options.connections).max(2),
        links_per_job: LINKS_PER_JOB,
    };
    let many = Size {
        connections: options.connections,
        links: options.links,
        links_per_job: LINKS_PER_JOB,
    };
    let few = (full(&cluster, "few", few, migrations, say).await?, few);
    let many = (full(&cluster, "many", many, migrations, say).await?, many);
    say("measuring");
    report(&measure(&[few, many]).await?, options, say);
    Ok(())
}

async fn full(
    cluster: &Cluster,
    name: &str,
    size: Size,
    migrations: &Path,
    say: &dyn Fn(&str),
) -> Result<Client> {
    let (connections, links) = (size.connections, size.links);
    say(&format!(
        "filling {connections} connections and {links} links"
    ));
    let begun = Instant::now();
    cluster.create_database(name, None).await?;
    migrate::apply(&cluster.superuser_url(name), migrations).await?;
    let client = cluster.connect(name).await?;
    fill(&client, size, say).await?;
    let bytes: i64 = client
        .query_one("select pg_database_size(current_database())", &[])
        .await
        .context("the size of the database")?
        .get(0);
    say(&format!(
        "  {} MB in {:.0} s",
        bytes / 1_000_000,
        begun.elapsed().as_secs_f64()
    ));
    Ok(client)
}

fn report(measured: &[Measured], options: Options, say: &dyn Fn(&str)) {
    let heads = [FEW, options.connections].map(|count| format!("{count} connections"));
    say(&format!(
        "{:<34} {:>22} {:>22} {:>13}",
        "", heads[0], heads[1], "ratio"
    ));
    say(&format!(
        "{:<34} {:>11}{:>11} {:>11}{:>11} {:>7}{:>6}",
        "ms", "p50", "p99", "p50", "p99", "p50", "p99"
    ));
    for Measured { what, times } in measured {
        let [few, many] = [times.first(), times.get(1)].map(|times| {
            let times = times.copied().unwrap_or_default();
            times.map(|time| time.as_secs_f64() * 1000.0)
        });
        let [few50, few99, many50, many99] = [few[0], few[1], many[0], many[1]];
        say(&format!(
            "{what:<34} {few50:>11.2}{few99:>11.2} {many50:>11.2}{many99:>11.2} {:>7.1}{:>6.1}",
            many50 / few50,
            many99 / few99
        ));
    }
}
