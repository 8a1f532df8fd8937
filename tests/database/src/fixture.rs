//! The database as a store that the contract's suite can hold to it.

use crate::cluster::fresh;
use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use store::contract::Fixture;
use store::sides::{Act, CrmError, Picture, Statement};
use store::{
    AskDue, Claim, Claimed, Commit, Committed, Due, Load, Loaded, Stopped, Store, StoreError,
};
use tokio_postgres::{Client, error::SqlState};

/// A database with a CRM table of few columns and text owners.
#[derive(Debug)]
pub struct PostgresStore {
    /// The connection.
    pub client: Client,
}

impl PostgresStore {
    /// A fresh one.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn new() -> Self {
        let client = fresh().await;
        client
            .batch_execute(concat!(include_str!("crm.sql"), include_str!("sides.sql")))
            .await
            .expect("the CRM's table is adopted");
        Self { client }
    }

    /// Calls a function of the surface.
    ///
    /// # Errors
    /// What the database says.
    pub async fn call(&self, function: &str, p: &Value) -> Result<Value, tokio_postgres::Error> {
        let query = format!("select public.tandem_{function}($1)");
        let row = self.client.query_one(&query, &[p]).await?;
        Ok(row.get::<_, Option<Value>>(0).unwrap_or_default())
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        function: &str,
        p: &impl Serialize,
    ) -> Result<T, StoreError> {
        let refused = |error: serde_json::Error| StoreError::Refused(error.to_string());
        let p = serde_json::to_value(p).map_err(refused)?;
        match self.call(function, &p).await {
            Ok(answer) => serde_json::from_value(answer.clone())
                .map_err(|error| StoreError::Refused(format!("{error}: {answer}"))),
            Err(error) => Err(told(&error)),
        }
    }
}

fn told(error: &tokio_postgres::Error) -> StoreError {
    let message = error.as_db_error().map_or_else(
        || error.to_string(),
        |db| {
            format!(
                "{} {}: {}",
                db.code().code(),
                db.message(),
                db.where_().unwrap_or_default()
            )
        },
    );
    match error.code() {
        Some(code)
            if [
                SqlState::LOCK_NOT_AVAILABLE,
                SqlState::T_R_DEADLOCK_DETECTED,
            ]
            .contains(code) =>
        {
            StoreError::Busy(message)
        }
        _ => StoreError::Refused(message),
    }
}

impl Store for PostgresStore {
    async fn load(&self, load: &Load) -> Result<Loaded, StoreError> {
        self.ask("load", load).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        self.ask("commit", commit).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        self.ask("claim", claim).await
    }

    async fn fail(&self, stopped: &Stopped) -> Result<(), StoreError> {
        self.ask("fail", stopped).await
    }

    async fn due(&self, ask: &AskDue) -> Result<Due, StoreError> {
        self.ask("due", ask).await
    }
}

impl Fixture for PostgresStore {
    type Store = Self;

    fn store(&self) -> &Self {
        self
    }

    fn instance(&self) -> &str {
        "test"
    }

    async fn set_now(&self, now: DateTime<Utc>) {
        let set = "insert into tandem.settings values ('clock', $1) \
                   on conflict (key) do update set value = excluded.value";
        self.client
            .execute(set, &[&now.to_rfc3339()])
            .await
            .expect("the clock is set");
    }

    async fn transact(&self, statements: &[Statement]) -> Result<(), CrmError> {
        self.client.batch_execute("begin").await.expect("it begins");
        for statement in statements {
            let one = serde_json::to_value(statement).expect("it is JSON");
            let done = self
                .client
                .execute("select crm_statement($1)", &[&one])
                .await;
            let Err(error) = done else { continue };
            assert_eq!(error.code(), Some(&SqlState::UNIQUE_VIOLATION), "{error:?}");
            self.client
                .batch_execute("rollback")
                .await
                .expect("it is rolled back");
            let of_key = error.as_db_error().and_then(|db| db.constraint()) == Some("crm_pkey");
            let Statement::Insert { event, row } = statement else {
                let Statement::Update { event, .. } = statement else {
                    panic!("{error:?}")
                };
                let row = "select series, original_start from crm where id = $1";
                let row = self
                    .client
                    .query_one(row, &[&event.0])
                    .await
                    .expect("it is there");
                let edited = &one["update"]["edit"];
                let series = serde_json::from_value(edited["series"].clone())
                    .ok()
                    .flatten();
                let series = series.unwrap_or_else(|| store::EventId(row.get(0)));
                let start = edited["original_start"].as_str().map(str::to_owned);
                return Err(CrmError::OccurrenceTaken(
                    series,
                    start.unwrap_or_else(|| row.get(1)),
                ));
            };
            return Err(match (&row.series, &row.original_start) {
                (Some(series), Some(start)) if !of_key => {
                    CrmError::OccurrenceTaken(series.clone(), start.clone())
                }
                _ => CrmError::KeyTaken(event.clone()),
            });
        }
        self.client
            .batch_execute("commit")
            .await
            .expect("it is committed");
        Ok(())
    }

    async fn act(&self, act: &Act) {
        crate::people::act(&self.client, act).await;
    }

    async fn look(&self) -> Picture {
        let row = self
            .client
            .query_one("select crm_look()", &[])
            .await
            .expect("it is seen");
        serde_json::from_value(row.get(0))
            .unwrap_or_else(|error| panic!("{error}: {}", json!(row.get::<_, Value>(0))))
    }
}
