//! The database as a world of the model stands on it: each call waits for its answer.

use crate::PostgresStore;
use crate::cluster::{discard, fresh};
use chrono::{DateTime, Utc};
use model::Database;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::cell::Cell;
use std::rc::Rc;
use store::contract::Fixture;
use store::sides::{Act, CrmError, Picture, ShownRow, Statement};
use store::{
    AccountId, AccountState, AskDue, Claim, Claimed, Commit, Committed, Connection, ConnectionId,
    Due, EventId, Link, Load, Loaded, RemoteId, Stopped, Store, StoreError,
};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::ToSql;

/// A database of its own with a CRM table of all fields, which ends with it.
pub struct Blocking {
    runtime: Runtime,
    store: Option<PostgresStore>,
    /// A transaction is open whose end takes all back.
    tries_out: Cell<bool>,
}

impl Blocking {
    /// A fresh one.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime starts");
        let client = runtime.block_on(async {
            let client = fresh().await;
            let sql = concat!(include_str!("events.sql"), include_str!("sides.sql"));
            client
                .batch_execute(sql)
                .await
                .expect("the CRM's table is adopted");
            client
        });
        Self {
            runtime,
            store: Some(PostgresStore { client }),
            tries_out: Cell::new(false),
        }
    }

    /// Makes it a fresh one again.
    ///
    /// # Panics
    /// Where the database fails.
    pub fn reset(&self) {
        self.run("select crm_reset()");
    }

    fn store(&self) -> &PostgresStore {
        self.store.as_ref().expect("it has not ended")
    }

    fn run(&self, sql: &str) {
        let done = self
            .runtime
            .block_on(self.store().client.batch_execute(sql));
        done.expect("it is done");
    }

    /// A query's one value, as JSON.
    fn value<T: DeserializeOwned>(&self, query: &str, given: &[&(dyn ToSql + Sync)]) -> T {
        let row = self
            .runtime
            .block_on(self.store().client.query_one(query, given));
        let value: Value = row.expect("it is answered").get(0);
        serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
    }

    fn apply(&self, statement: &Statement) -> Result<(), CrmError> {
        let one = serde_json::to_value(statement).expect("it is JSON");
        let client = &self.store().client;
        let given: &[&(dyn ToSql + Sync)] = &[&one];
        let done = client.execute("select crm_statement($1)", given);
        match (self.runtime.block_on(done), statement) {
            (Ok(_), _) => Ok(()),
            (Err(error), Statement::Insert { event, .. }) if error.code().is_some() => {
                Err(CrmError::KeyTaken(event.clone()))
            }
            (Err(error), _) => panic!("{error:?}: {one}"),
        }
    }
}

impl Default for Blocking {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        if let Some(store) = self.store.take() {
            self.runtime.block_on(discard(store.client));
        }
    }
}

impl Database for Blocking {
    fn load(&self, load: &Load) -> Result<Loaded, StoreError> {
        self.runtime.block_on(self.store().load(load))
    }

    fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        self.runtime.block_on(self.store().commit(commit))
    }

    fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        self.runtime.block_on(self.store().claim(claim))
    }

    fn fail(&self, stopped: &Stopped) -> Result<(), StoreError> {
        self.runtime.block_on(self.store().fail(stopped))
    }

    fn due(&self, ask: &AskDue) -> Result<Due, StoreError> {
        self.runtime.block_on(self.store().due(ask))
    }

    fn now(&self) -> DateTime<Utc> {
        self.value("select to_jsonb(tandem.utc(tandem.clock()))", &[])
    }

    fn set_now(&self, now: DateTime<Utc>) {
        self.runtime.block_on(self.store().set_now(now));
    }

    fn transact(&self, statements: &[Statement]) -> Result<(), CrmError> {
        let (begin, commit, rollback) = match self.tries_out.get() {
            true => ("savepoint one", "release one", "rollback to one"),
            false => ("begin", "commit", "rollback"),
        };
        self.run(begin);
        let done = statements
            .iter()
            .try_for_each(|statement| self.apply(statement));
        self.run(if done.is_ok() { commit } else { rollback });
        done
    }

    fn try_out(&self) -> Option<Rc<dyn Database>> {
        self.run("begin");
        self.tries_out.set(true);
        None
    }

    fn undo(&self) {
        if self.tries_out.take() {
            self.run("rollback");
        }
    }

    fn act(&self, act: &Act) {
        self.runtime.block_on(self.store().act(act));
    }

    fn look(&self) -> Picture {
        self.runtime.block_on(self.store().look())
    }

    fn account_state(&self, id: &AccountId) -> Option<AccountState> {
        let query =
            "select coalesce((select to_jsonb(state) from tandem.accounts where id = $1), 'null')";
        self.value(query, &[&id.0])
    }

    fn row(&self, event: &EventId) -> Option<ShownRow> {
        self.value("select coalesce(crm_row($1), 'null')", &[&event.0])
    }

    fn events(&self) -> Vec<EventId> {
        self.value(
            "select coalesce(jsonb_agg(event order by event), '[]') from tandem.crm_rows",
            &[],
        )
    }

    fn links(&self, event: &EventId) -> Vec<Link> {
        let query = "select coalesce(jsonb_agg(tandem.link_json(l) order by l.connection_id, l.remote), '[]')
            from tandem.links l where l.event = $1";
        self.value(query, &[&event.0])
    }

    fn link(&self, connection: &ConnectionId, remote: &RemoteId) -> Option<Link> {
        let query = "select coalesce((select tandem.link_json(l) from tandem.links l
            where l.connection_id = $1 and l.remote = $2), 'null')";
        self.value(query, &[&connection.0, &remote.0])
    }

    fn connections(&self) -> Vec<Connection> {
        self.value("select crm_connections()", &[])
    }

    fn is_at_rest(&self) -> bool {
        let query = "select to_jsonb(not exists (select from tandem.changes)
            and not exists (select from tandem.open_changes) and not exists (select from tandem.attempts)
            and not exists (select from tandem.work where state = 'open' and at < 'infinity')
            and not exists (select from tandem.parked where state <> 'quarantined'))";
        self.value::<Value>(query, &[]) == json!(true)
    }
}
