//! One server for all tests of this machine's user, shared by every test process that runs at the same time.
//!
//! The processes hold the writing end of a named pipe; the server's warden reads it and stops the server when
//! the last of them is gone, whether it returned, crashed or was killed. The data stays in the cache, so that
//! the next run starts in a tenth of a second; should it be damaged, it is made anew.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

use super::cluster::{ensure_data, stop_leftovers, wait_until_ready};
use super::connection::{Server, connect, quote};
use super::find::{Install, find_or_install};
use super::layout::{Layout, Settings};
use super::owner::Owner;
use super::template;
use crate::{cache, migrate, process};

const PATIENCE: Duration = Duration::from_secs(180);
const MAX_CONNECTIONS: u16 = 400;
const DATABASE_PREFIX: &str = "test_";
const TEMPLATE_PREFIX: &str = "template_of_";
/// Templates of older migrations that are kept, for going back and forth between branches.
const KEPT_TEMPLATES: i64 = 6;

/// The shared server, joined by this process until it ends.
#[derive(Debug)]
pub struct TestCluster {
    server: Server,
    // Holds the server up: see the module's comment.
    _membership: File,
}

/// A database of one test, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    server: Server,
    name: String,
}

/// The shared test server, started if no other test process has it running.
///
/// # Errors
/// When no Postgres can be had or it does not start.
pub async fn test_cluster() -> Result<&'static TestCluster> {
    static CLUSTER: OnceCell<TestCluster> = OnceCell::const_new();
    CLUSTER.get_or_try_init(TestCluster::join).await
}

impl TestCluster {
    /// The server.
    #[must_use]
    pub fn server(&self) -> Server {
        self.server
    }

    /// A new empty database.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn database(&self) -> Result<TestDatabase> {
        self.copy(None).await
    }

    /// A new database to which the migrations of `dir` were applied. They are applied once per content of the
    /// folder; each call copies the outcome.
    ///
    /// # Errors
    /// When the folder cannot be read or a migration fails.
    pub async fn migrated(&self, dir: &Path) -> Result<TestDatabase> {
        let key = digest(dir)?;
        let template = self
            .template(&key, async |url| migrate::apply(&url, dir).await.map(drop))
            .await?;
        self.copy(Some(&template)).await
    }

    /// A new database as `build` leaves one; `build` gets a superuser's URL and runs once per `key` on this
    /// machine. It must leave no connection open.
    ///
    /// # Errors
    /// When `build` fails or the server refuses.
    pub async fn built(
        &self,
        key: &str,
        build: impl AsyncFnOnce(String) -> Result<()>,
    ) -> Result<TestDatabase> {
        let template = self.template(key, build).await?;
        self.copy(Some(&template)).await
    }

    async fn join() -> Result<Self> {
        // Tests run without a terminal to report to.
        let install = find_or_install(&|_| {}).await?;
        let shared = Shared::new(install)?;
        let _lock = cache::lock(&shared.layout.lock(), PATIENCE).await?;
        if let Some(cluster) = shared.enter().await {
            return Ok(cluster);
        }
        match shared.start().await {
            Ok(cluster) => Ok(cluster),
            Err(_) => {
                stop_leftovers(&shared.layout);
                template::remove(&shared.layout.data())?;
                shared.start().await
            }
        }
    }

    async fn copy(&self, template: Option<&str>) -> Result<TestDatabase> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{DATABASE_PREFIX}{}_{number}", std::process::id());
        // A process that was killed may have left one of the same name before its pid was used again.
        self.server.drop_database(&name).await?;
        self.server
            .create_database_by_files(&name, template)
            .await?;
        Ok(TestDatabase {
            server: self.server,
            name,
        })
    }

    async fn template(
        &self,
        key: &str,
        build: impl AsyncFnOnce(String) -> Result<()>,
    ) -> Result<String> {
        let key: String = Sha256::digest(key)
            .iter()
            .take(12)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let name = format!("{TEMPLATE_PREFIX}{key}");
        let client = self.server.connect("postgres").await?;
        // Held by the connection, so that of many processes one builds and the others wait.
        client
            .execute("select pg_advisory_lock(hashtextextended($1, 0))", &[&name])
            .await?;
        if client
            .query_opt("select from pg_database where datname = $1", &[&name])
            .await?
            .is_some()
        {
            return Ok(name);
        }
        let building = format!("{name}_building");
        self.server.drop_database(&building).await?;
        self.server
            .create_database_by_files(&building, None)
            .await?;
        build(self.server.superuser_url(&building)).await?;
        client
            .batch_execute(&format!(
                "alter database {} rename to {}",
                quote(&building),
                quote(&name)
            ))
            .await?;
        Ok(name)
    }
}

impl TestDatabase {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    #[must_use]
    pub fn server(&self) -> Server {
        self.server
    }

    /// Its URL for the superuser.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.superuser_url(&self.name)
    }

    /// A superuser's connection to it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn connect(&self) -> Result<tokio_postgres::Client> {
        connect(&self.url()).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server, std::mem::take(&mut self.name));
        // An own thread, because a test may end inside a runtime, where one cannot wait.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.map(|runtime| runtime.block_on(server.drop_database(&name)))
        });
        // What is not dropped now is dropped when the server starts again.
        let _ = dropping.join();
    }
}

/// The files with which the processes find each other.
struct Shared {
    install: Install,
    owner: Option<Owner>,
    layout: Layout,
}

impl Shared {
    fn new(install: Install) -> Result<Self> {
        let owner = Owner::needed()?;
        let home = cache::dir()?.join("tests").join(&install.version);
        cache::make_readable(&home)?;
        Ok(Self {
            install,
            owner,
            layout: Layout::new(home),
        })
    }

    fn pipe(&self) -> PathBuf {
        self.layout.home().join("members")
    }

    /// Joins the running server, if there is one whose warden answers.
    async fn enter(&self) -> Option<TestCluster> {
        // Without a reader this fails at once: the warden is gone.
        let mut membership = OpenOptions::new()
            .write(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(self.pipe())
            .ok()?;
        let answer = self
            .layout
            .home()
            .join(format!("answer-{}", std::process::id()));
        // The warden may be past its last reader. Only an answer proves that it counts us as a member.
        let answered = asked(&mut membership, &answer).await;
        let _ = fs::remove_file(&answer);
        let server = Server {
            port: self
                .layout
                .running()
                .filter(|running| answered && running.ready)?
                .port,
        };
        server.connect("postgres").await.ok()?;
        Some(TestCluster {
            server,
            _membership: membership,
        })
    }

    async fn start(&self) -> Result<TestCluster> {
        stop_leftovers(&self.layout);
        ensure_data(&self.layout, &self.install, self.owner, &|_| {}).await?;
        let (reader, membership) = self.make_pipe()?;
        let settings = Settings {
            port: process::free_port()?,
            fast: true,
            max_connections: MAX_CONNECTIONS,
        };
        let server = Server {
            port: settings.port,
        };
        let mut command = self.layout.server(&self.install, self.owner, &settings)?;
        let mut child = process::spawn_shared(&mut command, &self.layout.life(), reader)?;
        let pid = child.id();
        wait_until_ready(&self.layout, pid, server, || {
            Ok(child.try_wait()?.is_none())
        })
        .await?;
        clean(server).await?;
        Ok(TestCluster {
            server,
            _membership: membership,
        })
    }

    /// A new named pipe: its reading end for the warden, its writing end for us.
    fn make_pipe(&self) -> Result<(File, File)> {
        let path = self.pipe();
        let _ = fs::remove_file(&path);
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)
            .with_context(|| format!("put {} on a file system with named pipes", path.display()))?;
        // Opened without waiting for a writer, then made to wait for what the writers say.
        let reader = OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(&path)?;
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::empty()))
            .context("use a system with named pipes")?;
        let writer = OpenOptions::new().write(true).open(&path)?;
        Ok((reader, writer))
    }
}

/// Asks the warden to make the file `answer` and waits for it.
async fn asked(warden: &mut File, answer: &Path) -> bool {
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut line = format!("{}\n", answer.display());
    // Writing fails once the warden no longer reads.
    while warden.write_all(line.as_bytes()).is_ok() && Instant::now() < deadline {
        sleep(Duration::from_millis(5)).await;
        if answer.exists() {
            return true;
        }
        line = "/dev/null\n".to_owned();
    }
    false
}

/// Drops what earlier runs left: every test's database, half-built templates, and all but the newest templates.
async fn clean(server: Server) -> Result<()> {
    let client = server.connect("postgres").await?;
    let left = client
        .query(
            "select datname from pg_database where starts_with(datname, $1) or datname like '%\\_building'
             union all (select datname from pg_database where starts_with(datname, $2)
                        order by oid desc offset $3)",
            &[&DATABASE_PREFIX, &TEMPLATE_PREFIX, &KEPT_TEMPLATES],
        )
        .await?;
    for row in left {
        server.drop_database(row.get(0)).await?;
    }
    Ok(())
}

/// Names the content of a folder of migrations.
fn digest(dir: &Path) -> Result<String> {
    let mut digest = Sha256::new();
    let files = migrate::files(dir)?;
    ensure!(!files.is_empty(), "put a migration into {}", dir.display());
    for file in files {
        let sql = fs::read(&file.path)
            .with_context(|| format!("make {} readable", file.path.display()))?;
        digest.update(format!("{} {}\n", file.label(), sql.len()));
        digest.update(sql);
    }
    Ok(digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
