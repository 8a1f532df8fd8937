//! `tandem`, the command-line tool.

use anyhow::Result;
use clap::{Parser, Subcommand};
use local::bench::Part;
use local::postgrest::jwt;
use local::stack::database::Driver;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "tandem",
    about = "Tandem: installs it in a database, and runs, tests and measures it on this machine",
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the product on the local stack until Ctrl-C.
    Dev(local::dev::Options),
    /// Do every step of the round trip on a fresh stack.
    Smoke {
        /// How components reach the database.
        #[arg(long, value_enum, default_value = "neon")]
        driver: Driver,
    },
    /// Run the Google simulator alone.
    Google {
        /// Port on 127.0.0.1.
        #[arg(long, default_value_t = 8086)]
        port: u16,
        /// Print how sure each of its switches, dials and special cases is, and check its conformance rows instead.
        #[arg(long, conflicts_with = "port")]
        conformance: bool,
        /// Start with the clients, users, calendars and events of this file.
        #[arg(long, conflicts_with = "conformance")]
        seed: Option<PathBuf>,
        /// Put the events of this file, an array, {calendar: [events]} or a recording, into calendars exactly as
        /// they are.
        #[arg(long, conflicts_with = "conformance")]
        replay: Option<PathBuf>,
        /// Instead, pass everything on to the real Google, and write what is said, with names, texts and ids
        /// replaced, to this new file.
        #[arg(long, conflicts_with_all = ["conformance", "seed", "replay"])]
        record: Option<PathBuf>,
        /// Record what this origin says instead of the real Google.
        #[arg(long, requires = "record")]
        upstream: Option<url::Url>,
    },
    /// Install Tandem, or what is new of it: in a database, or among the migrations of a CRM.
    Install(local::install::Options),
    /// Look at a deployment piece by piece, and say what to do about what is wrong.
    Doctor(local::doctor::Options),
    /// Print the variable db_token for Supabase: a token of the role tandem_component, good for ten years.
    Token {
        /// The project's JWT secret.
        #[arg(long, env = "JWT_SECRET", hide_env_values = true)]
        jwt_secret: String,
    },
    /// Run one SQL statement on the database of `cargo dev`.
    Sql {
        /// Such as `select * from tandem.connections`
        statement: String,
    },
    /// Live through random histories of edits, lost messages and crashes, and check that both sides end equal.
    Soak(local::soak::Options),
    /// Print measurements.
    Bench {
        /// Of one part instead of the product.
        #[command(subcommand)]
        part: Option<Part>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<ExitCode> {
    let root = root();
    if let Command::Google {
        conformance: true, ..
    } = command
    {
        // Not an error: the last line is the count.
        let all = local::google_command::run(&say);
        return Ok(ExitCode::from(u8::from(!all)));
    }
    if let Command::Soak(options) = command {
        return local::soak::run(&root, &options);
    }
    match command {
        Command::Soak(_) => Ok(()),
        Command::Dev(options) => local::dev::run(&root, options, &say).await,
        Command::Smoke { driver } => local::smoke::run(&root, driver, &say).await,
        Command::Google {
            port,
            record: Some(file),
            upstream,
            ..
        } => local::record::run(port, &file, upstream, &say).await,
        Command::Google {
            port, seed, replay, ..
        } => local::dev::google(port, seed.as_deref(), replay.as_deref(), &say).await,
        Command::Doctor(options) => {
            let is_well = local::doctor::run(&root, &options, &say).await?;
            return Ok(if is_well {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        Command::Install(options) => local::install::run(&root, options, &say).await,
        Command::Token { jwt_secret } => {
            say(&jwt::for_component(&jwt_secret, chrono::Utc::now()));
            Ok(())
        }
        Command::Sql { statement } => local::sql::run(&root, &statement, &say).await,
        Command::Bench { part: None } => local::bench::run(&root, &say).await,
        Command::Bench {
            part: Some(Part::Bulk(options)),
        } => local::bench::bulk::run(&root, options, &say).await,
        Command::Bench {
            part: Some(Part::Components(options)),
        } => local::bench::components::run(&root, options, &say).await,
        Command::Bench {
            part: Some(Part::Database),
        } => local::bench::database::run(&root, &say).await,
        Command::Bench {
            part: Some(Part::Google),
        } => local::bench::google::run(&say),
        Command::Bench {
            part: Some(Part::Page),
        } => local::bench::page::run(&root, &say).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

/// The project's folder, which cargo tells.
fn root() -> PathBuf {
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let package = PathBuf::from(package);
    package
        .parent()
        .map_or_else(|| package.clone(), PathBuf::from)
}

#[expect(clippy::print_stdout, reason = "the commands talk to a person")]
fn say(line: &str) {
    println!("{line}");
}
