//! The sync's store over HTTP: five functions of the database, see the crate `store`.

use super::{Database, DbError, call};
use http_client::HttpClient;
use provider::Class;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use store::{
    AskDue, Claim, Claimed, Commit, Committed, Due, Load, Loaded, Stopped, Store, StoreError,
};

/// With what Google was asked meanwhile, for operators.
#[derive(Serialize)]
struct WithCalls<'a, P> {
    #[serde(flatten)]
    parameters: &'a P,
    calls: BTreeMap<&'static str, u32>,
}

/// The store behind a database.
pub struct HttpStore<'a, D> {
    /// The way out.
    pub client: &'a D,
    /// The database.
    pub database: &'a Database,
}

impl<D: HttpClient> HttpStore<'_, D> {
    async fn call<A: DeserializeOwned>(
        &self,
        function: &'static str,
        parameters: &impl Serialize,
    ) -> Result<A, StoreError> {
        let answer = call(self.client, self.database, function, parameters).await;
        answer.map_err(store_error)
    }
}

fn store_error(error: DbError) -> StoreError {
    match &error {
        DbError::Transport(_) | DbError::Unreadable { .. } => {
            StoreError::NoAnswer(error.to_string())
        }
        DbError::Sync(error) => error.clone(),
        DbError::Refused { .. } if error.class() == Class::Conflict => {
            StoreError::OtherInstance(error.to_string())
        }
        DbError::Refused { .. } if error.class() == Class::Retry => {
            StoreError::Busy(error.to_string())
        }
        DbError::Refused { .. } => StoreError::Refused(error.to_string()),
    }
}

impl<D: HttpClient> Store for HttpStore<'_, D> {
    async fn load(&self, load: &Load) -> Result<Loaded, StoreError> {
        self.call("tandem_load", load).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        let calls = self.client.take_usage().calls;
        let parameters = WithCalls {
            parameters: commit,
            calls,
        };
        self.call("tandem_commit", &parameters).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        self.call("tandem_claim", claim).await
    }

    async fn fail(&self, stopped: &Stopped) -> Result<(), StoreError> {
        let calls = self.client.take_usage().calls;
        let parameters = WithCalls {
            parameters: stopped,
            calls,
        };
        let _stored: Value = self.call("tandem_fail", &parameters).await?;
        Ok(())
    }

    async fn due(&self, ask: &AskDue) -> Result<Due, StoreError> {
        self.call("tandem_due", ask).await
    }
}
