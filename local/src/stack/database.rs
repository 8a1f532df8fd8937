//! The stack's database and its HTTP front end, by driver.

use crate::install::{Installed, Release};
use crate::neon::{self, Neon, NeonOptions};
use crate::postgres::{
    Cluster, ClusterOptions, Server, TestDatabase, connect, roles, supabase_test_cluster,
    test_cluster,
};
use crate::postgrest::{self, Postgrest, PostgrestOptions, gateway, jwt};
use crate::relay;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;

/// How components reach the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Driver {
    /// Neon's SQL over HTTP.
    Neon,
    /// PostgREST behind a gateway like Supabase's.
    Postgrest,
}

/// Where the data is.
#[derive(Debug, Clone)]
pub enum Data {
    /// A cluster of our own in this folder, kept between starts.
    Kept(PathBuf, Option<u16>),
    /// A fresh database that is dropped in the end.
    Fresh,
}

/// A running database.
pub struct Database {
    /// For people and scripts: a superuser's URL.
    pub url: String,
    /// Variables that lead components here.
    pub variables: BTreeMap<String, String>,
    /// The URL of its HTTP front end.
    pub front: String,
    _front: Front,
    _home: Home,
}

enum Front {
    Neon(#[expect(dead_code, reason = "held to keep it running")] Neon),
    Postgrest(
        #[expect(dead_code, reason = "held to keep it running")] gateway::Gateway,
        #[expect(dead_code, reason = "held to keep it running")] Postgrest,
    ),
}

enum Home {
    Kept(#[expect(dead_code, reason = "held to keep it running")] Cluster),
    Fresh(#[expect(dead_code, reason = "dropped with the stack")] TestDatabase),
}

/// The database's name in a kept cluster.
const NAME: &str = "tandem";
/// The password of the components' role, on this machine only.
const PASSWORD: &str = "component";
/// The key with which components come through the gateway.
const PUBLISHABLE: &str = "sb_publishable_local";

impl Database {
    /// Starts it, migrated, with a login for the components, behind the driver's front end on
    /// `listener`.
    ///
    /// # Errors
    /// When one of the parts does not start; the text says what to do.
    pub async fn start(
        driver: Driver,
        data: &Data,
        migrations: &Path,
        listener: TcpListener,
        jwt_secret: &str,
        progress: &dyn Fn(&str),
    ) -> Result<Self> {
        let (server, name, home) = open(driver, data, migrations, progress).await?;
        let url = server.superuser_url(&name);
        let client = connect(&url).await?;
        relay::install(&client).await?;
        log_in(&client).await?;
        let (front, address, variables) = match driver {
            Driver::Neon => {
                let front = neon::serve(listener, NeonOptions::new(server.port))?;
                let variables = vec![
                    ("db_driver", "neon".to_owned()),
                    ("db_origin", format!("http://{}", front.address())),
                    ("db_path", "/sql".to_owned()),
                    (
                        "db_connection",
                        server.url(&name, "tandem_component", PASSWORD),
                    ),
                ];
                let address = front.url();
                (Front::Neon(front), address, variables)
            }
            Driver::Postgrest => {
                let authenticator =
                    server.url(&name, "authenticator", roles::AUTHENTICATOR_PASSWORD);
                let postgrest =
                    postgrest::start(PostgrestOptions::new(authenticator, jwt_secret), progress)
                        .await?;
                let keys = gateway::keys(jwt_secret, PUBLISHABLE, "sb_secret_local");
                let gateway = gateway::serve(listener, postgrest.address(), keys)?;
                let variables = vec![
                    ("db_driver", "postgrest".to_owned()),
                    ("db_origin", gateway.url()),
                    ("db_path", "/rest/v1".to_owned()),
                    ("db_key", PUBLISHABLE.to_owned()),
                    (
                        "db_token",
                        jwt::for_component(jwt_secret, chrono::Utc::now()),
                    ),
                ];
                let address = format!("{}/rest/v1", gateway.url());
                (Front::Postgrest(gateway, postgrest), address, variables)
            }
        };
        Ok(Self {
            url,
            variables: variables
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            front: address,
            _front: front,
            _home: home,
        })
    }
}

async fn open(
    driver: Driver,
    data: &Data,
    migrations: &Path,
    progress: &dyn Fn(&str),
) -> Result<(Server, String, Home)> {
    match data {
        Data::Kept(folder, port) => {
            let options = ClusterOptions {
                port: *port,
                ..ClusterOptions::new(folder)
            };
            let cluster = Cluster::start(options, progress).await?;
            let server = *cluster;
            if !exists(server).await? {
                server.create_database(NAME, None).await?;
            }
            let client = server.connect(NAME).await?;
            if driver == Driver::Postgrest {
                roles::supabase_like(&client).await?;
            }
            let release = Release::read(migrations)?;
            let installed = release.install(&server.superuser_url(NAME)).await;
            let installed = installed.context("cargo dev --reset begins anew")?;
            if installed == Installed::Upgraded {
                progress("the database has new functions");
            }
            if driver == Driver::Postgrest {
                client.batch_execute("select tandem.seal()").await?;
            }
            Ok((server, NAME.to_owned(), Home::Kept(cluster)))
        }
        Data::Fresh => {
            let database = match driver {
                Driver::Neon => test_cluster().await?.installed(migrations).await?,
                Driver::Postgrest => supabase_like(migrations).await?,
            };
            Ok((
                database.server(),
                database.name().to_owned(),
                Home::Fresh(database),
            ))
        }
    }
}

/// A database with Supabase's roles and default grants, into which Tandem was installed after these were made, as there.
///
/// # Errors
/// When the server refuses.
pub async fn supabase_like(migrations: &Path) -> Result<TestDatabase> {
    supabase_test_cluster().await?.installed(migrations).await
}

async fn exists(server: Server) -> Result<bool> {
    let client = server.connect("postgres").await?;
    let found = client
        .query_opt("select from pg_database where datname = $1", &[&NAME])
        .await;
    Ok(found
        .context("the list of databases cannot be read")?
        .is_some())
}

/// Gives the components' role a login, once per cluster: roles belong to all databases.
async fn log_in(client: &tokio_postgres::Client) -> Result<()> {
    let sql = format!(
        "do $$ begin
           perform pg_advisory_lock(7061);
           if not (select rolcanlogin from pg_roles where rolname = 'tandem_component') then
             alter role tandem_component login password '{PASSWORD}';
           end if;
         exception when others then
           -- Another database of the cluster did the same at the same moment.
           if sqlerrm not like '%concurrently%' then raise; end if;
         end $$"
    );
    client
        .batch_execute(&sql)
        .await
        .context("the role tandem_component cannot be given a login")
}
