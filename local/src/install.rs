//! Puts Tandem into a database, or among a CRM's own migrations, and keeps it up to date there.
//!
//! A release is `schema` (the tables, one version) and `functions`, which each release replaces as a whole. What a
//! database has stands in it: `tandem.schema_version`, and `release` of `tandem.settings`.

pub mod into;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{Client, Transaction};

use crate::postgres::{connect, describe};

/// Any number will do, as long as all who install use the same.
const LOCK: i64 = 0x7461_6e64_656d;

const PATIENCE: Duration = Duration::from_secs(300);

/// The version of the tables that this release works with.
pub const SCHEMA_VERSION: i32 = 3;

/// Where to install.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = true)]
pub struct Options {
    /// In this database: postgres://role:password@host:port/name
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Instead, among these migrations, for the CRM's own tool to apply: Supabase's folder, such as ../crm/supabase
    #[arg(long)]
    into: Option<PathBuf>,
}

/// Installs what is new, and says what that was.
///
/// # Errors
/// When the database or the folder refuses.
pub async fn run(root: &Path, options: Options, say: &dyn Fn(&str)) -> Result<()> {
    let release = Release::read(&root.join("migrations"))?;
    if let Some(folder) = options.into {
        let written = into::write(&release, &folder, chrono::Utc::now())?;
        for path in &written {
            say(&format!("wrote {}", path.display()));
        }
        say(match written.is_empty() {
            true => "this release is there already",
            false => "apply it as the CRM's other migrations, such as with: supabase db push",
        });
        return Ok(());
    }
    let url = options
        .database_url
        .context("name a database or a folder")?;
    say(match release.install(&url).await? {
        Installed::Anew => {
            "installed; public.events is synced where there was no table of that name"
        }
        Installed::Upgraded => "the functions are of this release now; no table has changed",
        Installed::Already => "this release is installed already",
    });
    Ok(())
}

/// What there is to install.
#[derive(Clone, Debug)]
pub struct Release {
    schema: Vec<File>,
    functions: Vec<File>,
}

#[derive(Clone, Debug)]
struct File {
    path: PathBuf,
    sql: String,
}

/// What an installation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installed {
    /// There was nothing.
    Anew,
    /// The functions were of another release.
    Upgraded,
    /// It was this release already.
    Already,
}

impl Release {
    /// Reads the folders `schema` and `functions` of a folder.
    ///
    /// # Errors
    /// When there are none.
    pub fn read(folder: &Path) -> Result<Self> {
        Ok(Self {
            schema: files(&folder.join("schema"))?,
            functions: files(&folder.join("functions"))?,
        })
    }

    /// Which release it is, in digits and letters.
    #[must_use]
    pub fn id(&self) -> String {
        digest(&self.functions).chars().take(16).collect()
    }

    /// A digest of all of it, tables too.
    #[must_use]
    pub fn digest(&self) -> String {
        digest(self.schema.iter().chain(&self.functions))
    }

    /// What says in a database which release it has.
    fn mark(&self) -> File {
        File {
            path: PathBuf::from("the release's id"),
            sql: format!(
                "insert into tandem.settings (key, value) values ('release', '{}')\n  \
                 on conflict (key) do update set value = excluded.value;\n",
                self.id()
            ),
        }
    }

    /// Installs it, or the functions alone where the tables are there, in one transaction. Those who install at the
    /// same time wait for one another.
    ///
    /// # Errors
    /// When the database does not answer, has tables of another version, or refuses a statement: the sentence then
    /// names the file, the line and what Postgres said.
    pub async fn install(&self, url: &str) -> Result<Installed> {
        let mut client = connect(url).await?;
        let transaction = client.transaction().await.map_err(|error| lost(&error))?;
        let lock = format!("set local lock_timeout = '60s'; select pg_advisory_xact_lock({LOCK})");
        transaction.batch_execute(&lock).await.map_err(|error| {
            describe(
                &error,
                "wait for whoever installs at the moment, then start again",
            )
        })?;
        let found = found(transaction.client()).await?;
        let (files, installed): (Vec<&File>, _) = match found {
            None => {
                let files = self.schema.iter().chain(&self.functions);
                (files.collect(), Installed::Anew)
            }
            Some((SCHEMA_VERSION, Some(release))) if release == self.id() => {
                return Ok(Installed::Already);
            }
            Some((SCHEMA_VERSION, _)) => (self.functions.iter().collect(), Installed::Upgraded),
            Some((version, _)) => bail!(
                "install another release: the database has tables of version {version}, this one works with \
                 {SCHEMA_VERSION}"
            ),
        };
        for file in files {
            file.run(&transaction).await?;
        }
        self.mark().run(&transaction).await?;
        transaction
            .commit()
            .await
            .map_err(|error| describe(&error, "nothing was installed"))?;
        Ok(installed)
    }
}

fn digest<'a>(files: impl IntoIterator<Item = &'a File>) -> String {
    let mut digest = Sha256::new();
    for file in files {
        digest.update(format!("{}\n", file.sql.len()));
        digest.update(&file.sql);
    }
    let bytes = digest.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The version of a database's tables, and its release.
async fn found(client: &Client) -> Result<Option<(i32, Option<String>)>> {
    let is_there = client
        .query_one(
            "select to_regclass('tandem.schema_version') is not null",
            &[],
        )
        .await
        .map_err(|error| lost(&error))?;
    if !is_there.get::<_, bool>(0) {
        return Ok(None);
    }
    let row = client
        .query_one(
            "select max(version), (select value from tandem.settings where key = 'release') from tandem.schema_version",
            &[],
        )
        .await
        .map_err(|error| describe(&error, "connect as the role that installed Tandem"))?;
    Ok(Some((row.get(0), row.get(1))))
}

fn files(folder: &Path) -> Result<Vec<File>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("make {} a folder of SQL files", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    ensure!(!paths.is_empty(), "put SQL files into {}", folder.display());
    paths.sort();
    let read = |path: PathBuf| {
        let sql = fs::read_to_string(&path)
            .with_context(|| format!("make {} a readable text in UTF-8", path.display()))?;
        Ok(File { path, sql })
    };
    paths.into_iter().map(read).collect()
}

impl File {
    async fn run(&self, transaction: &Transaction<'_>) -> Result<()> {
        match timeout(PATIENCE, transaction.batch_execute(&self.sql)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => bail!(self.complaint(&error)),
            Err(_) => bail!(
                "{} ran for five minutes; nothing was installed",
                self.path.display()
            ),
        }
    }

    fn complaint(&self, error: &tokio_postgres::Error) -> String {
        let Some(said) = error.as_db_error() else {
            return lost(error).to_string();
        };
        let place = match said.position() {
            Some(ErrorPosition::Original(position)) => {
                let before = self.sql.chars().take(*position as usize);
                let line = before.filter(|character| *character == '\n').count() + 1;
                format!("{} line {line}", self.path.display())
            }
            Some(ErrorPosition::Internal { .. }) | None => self.path.display().to_string(),
        };
        let more = [said.detail(), said.hint(), said.where_()];
        let more = more
            .into_iter()
            .flatten()
            .map(|text| text.replace('\n', ", "));
        let said = format!("{} ({})", said.message(), said.code().code());
        let all: Vec<String> = std::iter::once(said).chain(more).collect();
        format!("nothing was installed: {place}: {}", all.join("; "))
    }
}

fn lost(error: &tokio_postgres::Error) -> anyhow::Error {
    describe(error, "start again when the database runs")
}
