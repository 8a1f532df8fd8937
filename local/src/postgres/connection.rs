//! Where a running server is, connections to it, and its databases.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

/// The superuser of every cluster made here.
pub const SUPERUSER: &str = "postgres";

/// Its password. No secret: the cluster is reached from this machine only and holds development data.
pub const SUPERUSER_PASSWORD: &str = "postgres";

const CONNECT: Duration = Duration::from_secs(10);
const STATEMENT: Duration = Duration::from_secs(60);

/// A server on the loopback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its port on 127.0.0.1.
    pub port: u16,
}

impl Server {
    /// The URL of a database for a role.
    #[must_use]
    pub fn url(&self, database: &str, role: &str, password: &str) -> String {
        let mut url = self.base();
        // These fail only for URLs without a host.
        let _ = url.set_username(role);
        let _ = url.set_password(Some(password));
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().push(database);
        }
        url.into()
    }

    /// The URL of a database for the superuser.
    #[must_use]
    pub fn superuser_url(&self, database: &str) -> String {
        self.url(database, SUPERUSER, SUPERUSER_PASSWORD)
    }

    /// Connects to a database as the superuser.
    ///
    /// # Errors
    /// When the server does not answer or has no such database.
    pub async fn connect(&self, database: &str) -> Result<Client> {
        connect(&self.superuser_url(database)).await
    }

    /// Makes a database, as a copy of `template` if one is named. Nothing may be connected to the template.
    ///
    /// # Errors
    /// When the name is taken, or somebody is connected to the template.
    pub async fn create_database(&self, name: &str, template: Option<&str>) -> Result<()> {
        self.maintain(&create(name, template)).await
    }

    /// As `create_database`, faster where the server does not wait for its disk: 8 ms against 30-40 (measured on
    /// Postgres 15).
    pub(super) async fn create_database_by_files(
        &self,
        name: &str,
        template: Option<&str>,
    ) -> Result<()> {
        self.maintain(&format!("{} strategy file_copy", create(name, template)))
            .await
    }

    /// Drops a database if it exists, with the connections to it.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn drop_database(&self, name: &str) -> Result<()> {
        self.maintain(&format!(
            "drop database if exists {} with (force)",
            quote(name)
        ))
        .await
    }

    /// Runs statements in the database `postgres`.
    pub(super) async fn maintain(&self, sql: &str) -> Result<()> {
        let client = self.connect("postgres").await?;
        match timeout(STATEMENT, client.batch_execute(sql)).await {
            Ok(done) => done.map_err(|error| describe(&error, "Postgres refused it")),
            Err(_) => bail!("start the database again: it took more than a minute for: {sql}"),
        }
    }

    fn base(&self) -> Url {
        let mut url = LOOPBACK.clone();
        let _ = url.set_port(Some(self.port));
        url
    }
}

static LOOPBACK: std::sync::LazyLock<Url> = std::sync::LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "a constant that a test reads")]
    Url::parse("postgres://127.0.0.1").unwrap()
});

/// Connects by URL within ten seconds; the connection's task ends with the client.
///
/// As with libpq, `sslmode=require` has it encrypted and `sslrootcert` names a file with the certificate that the
/// server's is signed with; a server's certificate and name are always verified.
///
/// # Errors
/// When the URL is malformed, the server does not answer, or it refuses the role.
pub async fn connect(url: &str) -> Result<Client> {
    let (config, tls) = address(url)?;
    let (client, connection) = match timeout(CONNECT, config.connect(tls)).await {
        Ok(connected) => {
            connected.map_err(|error| describe(&error, "the database did not let us in"))?
        }
        Err(_) => bail!("check that the database runs: it did not answer within ten seconds"),
    };
    tokio::spawn(async move {
        // An error here is an error of the statement that waits for the connection, which reports it.
        let _ = connection.await;
    });
    Ok(client)
}

fn address(url: &str) -> Result<(Config, MakeRustlsConnect)> {
    const FORM: &str = "write the database as postgres://role:password@host:port/name";
    let mut url = Url::parse(url).context(FORM)?;
    let (mut kept, mut roots) = (Vec::new(), None);
    for (name, value) in url.query_pairs() {
        match (&*name, &*value) {
            ("sslrootcert", file) => roots = Some(PathBuf::from(file)),
            ("sslmode", "verify-ca" | "verify-full") => {
                kept.push((name.into_owned(), "require".to_owned()));
            }
            _ => kept.push((name.into_owned(), value.into_owned())),
        }
    }
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    let config = url.as_str().parse().context(FORM)?;
    let Some(file) = roots else {
        return Ok((config, MakeRustlsConnect::with_webpki_roots()));
    };
    let mut store = RootCertStore::empty();
    let unreadable = || format!("make {} a certificate in PEM", file.display());
    for certificate in CertificateDer::pem_file_iter(&file).with_context(unreadable)? {
        store
            .add(certificate.with_context(unreadable)?)
            .with_context(unreadable)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok((config, MakeRustlsConnect::new(tls)))
}

fn create(name: &str, template: Option<&str>) -> String {
    // template1 is what other tools connect to, and then it cannot be copied.
    format!(
        "create database {} template {}",
        quote(name),
        quote(template.unwrap_or("template0"))
    )
}

/// Quotes an SQL identifier.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// An error with what the server or the connection said: tokio-postgres alone prints `db error`.
pub(crate) fn describe(error: &tokio_postgres::Error, what: &str) -> anyhow::Error {
    match error.as_db_error() {
        Some(said) => anyhow::anyhow!("{what}: {} ({})", said.message(), said.code().code()),
        None => match std::error::Error::source(error) {
            Some(source) => anyhow::anyhow!("{what}: {error}: {source}"),
            None => anyhow::anyhow!("{what}: {error}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_carries_any_role_password_and_database_name() {
        let url = Server { port: 5433 }.url("a b/c", "me@home", "p:w/d?");
        let config: Config = url.parse().unwrap();
        assert_eq!(config.get_dbname(), Some("a b/c"));
        assert_eq!(config.get_user(), Some("me@home"));
        assert_eq!(config.get_password(), Some("p:w/d?".as_bytes()));
        assert_eq!(config.get_ports(), [5433]);
    }

    #[test]
    fn an_identifier_with_a_quote_stays_one_identifier() {
        assert_eq!(quote("a\"b"), "\"a\"\"b\"");
    }
}
