//! The servers of all tests of this machine's user, and databases of their own for each.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::connection::{Server, connect, quote};
use super::membership::{self, Membership};
use super::roles;
use crate::install::Release;

const DATABASE_PREFIX: &str = "test_";
const TEMPLATE_PREFIX: &str = "template_of_";

/// A shared server, joined by this process until it ends.
#[derive(Debug)]
pub struct TestCluster {
    flavour: Flavour,
    membership: Membership,
}

/// Roles belong to a whole server. What is to work where Supabase's are missing needs one without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavour {
    Plain,
    Supabase,
}

/// A database of one test, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    server: Server,
    name: String,
}

/// The shared test server, started if no other test process has it running. It is a plain Postgres: do not make
/// Supabase's roles on it.
///
/// # Errors
/// When no Postgres can be had or it does not start.
pub async fn test_cluster() -> Result<&'static TestCluster> {
    static CLUSTER: OnceCell<TestCluster> = OnceCell::const_new();
    CLUSTER
        .get_or_try_init(|| TestCluster::join(Flavour::Plain))
        .await
}

/// A second shared server, whose databases are born with the roles and grants of a Supabase project
/// ([`roles::supabase_like`]); migrations come after these, as there.
///
/// # Errors
/// As [`test_cluster`].
pub async fn supabase_test_cluster() -> Result<&'static TestCluster> {
    static CLUSTER: OnceCell<TestCluster> = OnceCell::const_new();
    CLUSTER
        .get_or_try_init(|| TestCluster::join(Flavour::Supabase))
        .await
}

impl TestCluster {
    /// The server.
    #[must_use]
    pub fn server(&self) -> Server {
        self.membership.server
    }

    /// A new database, empty but for what the server's flavour puts there.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn database(&self) -> Result<TestDatabase> {
        match self.flavour {
            Flavour::Plain => self.copy(None).await,
            Flavour::Supabase => self.built("nothing", async |_| Ok(())).await,
        }
    }

    /// A new database with the release of `folder`, which is installed once per content of the folder as long as
    /// the server runs; each call copies the outcome.
    ///
    /// # Errors
    /// When the folder cannot be read or the installation fails.
    pub async fn installed(&self, folder: &Path) -> Result<TestDatabase> {
        let release = Release::read(folder)?;
        let install = async |url: String| release.install(&url).await.map(drop);
        self.built(&release.digest(), install).await
    }

    /// A new database as `build` leaves one; `build` gets a superuser's URL and runs once per `key` as
    /// long as the server runs. It must leave no connection open.
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

    async fn join(flavour: Flavour) -> Result<Self> {
        let name = match flavour {
            Flavour::Plain => "plain",
            Flavour::Supabase => "supabase",
        };
        let membership = membership::join(name).await?;
        Ok(Self {
            flavour,
            membership,
        })
    }

    async fn copy(&self, template: Option<&str>) -> Result<TestDatabase> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{DATABASE_PREFIX}{}_{number}", std::process::id());
        // A process that was killed may have left one, and its pid may have come round again.
        self.server().drop_database(&name).await?;
        self.server()
            .create_database_by_files(&name, template)
            .await?;
        Ok(TestDatabase {
            server: self.server(),
            name,
        })
    }

    async fn template(
        &self,
        key: &str,
        build: impl AsyncFnOnce(String) -> Result<()>,
    ) -> Result<String> {
        let key: String = Sha256::digest(format!("{} {key}", roles::SQL))
            .iter()
            .take(12)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let name = format!("{TEMPLATE_PREFIX}{key}");
        let client = self.server().connect("postgres").await?;
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
        self.server().drop_database(&building).await?;
        self.server()
            .create_database_by_files(&building, None)
            .await?;
        if self.flavour == Flavour::Supabase {
            roles::supabase_like(&self.server().connect(&building).await?).await?;
        }
        build(self.server().superuser_url(&building)).await?;
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
        // What is not dropped now is gone when the server starts again.
        let _ = dropping.join();
    }
}
