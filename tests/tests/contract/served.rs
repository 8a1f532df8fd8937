//! The core's own client, over plain HTTP, in front of a fresh database.

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response};
use http_client::{HttpClient, TransportError};
use local::http::Http;
use local::stack::database::{Data, Database as Served, Driver};
use serde_json::Value;
use shared::db::{Database, DbError, call};
use tests::stack::root;
use tokio::net::TcpListener;
use tokio_postgres::Client;

/// Who calls.
pub const INSTANCE: &str = "https://contract.example";
/// Who owns what the tests make.
pub const ANN: &str = "a0000000-0000-4000-8000-000000000001";

/// Both drivers.
pub const DRIVERS: [Driver; 2] = [Driver::Neon, Driver::Postgrest];

/// The way out, natively.
pub struct Plain(Http);

impl HttpClient for Plain {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let sent = self.0.send(request).await;
        sent.map_err(|error| TransportError::NoAnswer(format!("{error:#}")))
    }
}

/// A database behind one of the front ends.
pub struct Contract {
    pub client: Plain,
    pub database: Database,
    /// A superuser's connection.
    pub sql: Client,
    pub served: Served,
}

impl Contract {
    /// A fresh one.
    pub async fn start(driver: Driver) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let secret = "contract-secret-of-32-characters";
        let served = Served::start(
            driver,
            &Data::Fresh,
            &root().join("migrations"),
            listener,
            secret,
            &|_| {},
        )
        .await?;
        Ok(Self {
            client: Plain(Http::default()),
            database: database(&served, |_, value| value)?,
            sql: local::postgres::connect(&served.url).await?,
            served,
        })
    }

    /// Calls a function with these parameters.
    pub async fn call(&self, function: &'static str, parameters: &Value) -> Result<Value, DbError> {
        call(&self.client, &self.database, function, parameters).await
    }

    /// One value of the database, by a superuser.
    pub async fn value(&self, sql: &str) -> Result<Value> {
        let row = self
            .sql
            .query_opt(&format!("select to_jsonb(({sql}))"), &[])
            .await
            .with_context(|| sql.to_owned())?;
        Ok(row
            .and_then(|row| row.get::<_, Option<Value>>(0))
            .unwrap_or_default())
    }
}

/// Checks the same of both.
pub async fn both(check: impl AsyncFn(&Contract) -> Result<()>) -> Result<()> {
    for driver in DRIVERS {
        let contract = Contract::start(driver).await?;
        let checked = check(&contract).await;
        checked.with_context(|| format!("through {driver:?}"))?;
    }
    Ok(())
}

/// What components would call, with variables changed.
pub fn database(served: &Served, change: impl Fn(&str, String) -> String) -> Result<Database> {
    let text = |name: &str| {
        change(
            name,
            served.variables.get(name).cloned().unwrap_or_default(),
        )
    };
    let origin = text("db_origin").parse()?;
    Ok(Database::new(
        &text("db_driver"),
        origin,
        &text("db_path"),
        (&text("db_key"), &text("db_token")),
        &text("db_connection"),
    )?)
}
