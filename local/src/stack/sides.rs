//! The two sides as a person uses them: SQL on the CRM, Google's API on a calendar. For the smoke run
//! and for stories.

use super::{Stack, people};
use crate::http::Http;
use crate::postgres::connect;
use anyhow::{Context, Result, bail, ensure};
use http::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_postgres::Client;
use url::Url;

/// How often a wait asks.
const POLL: Duration = Duration::from_millis(10);
/// How long the two sides may take to agree before a wait fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// The CRM's database.
pub struct Crm(Client);

impl Crm {
    /// As a superuser.
    ///
    /// # Errors
    /// When the database does not let us in.
    pub async fn of(stack: &Stack) -> Result<Self> {
        Ok(Self(connect(&stack.database.url).await?))
    }

    /// Runs statements.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn run(&self, sql: &str) -> Result<()> {
        self.0
            .batch_execute(sql)
            .await
            .with_context(|| sql.to_owned())
    }

    /// One value as JSON; `Null` without a row.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn value(&self, sql: &str) -> Result<Value> {
        let row = self
            .0
            .query_opt(&format!("select to_jsonb(({sql}))"), &[])
            .await;
        let row = row.with_context(|| sql.to_owned())?;
        Ok(row
            .and_then(|row| row.get::<_, Option<Value>>(0))
            .unwrap_or_default())
    }

    /// Inserts an event of `owner` with these columns; answers its id.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn create(&self, owner: &str, columns: &Value) -> Result<String> {
        let mut columns = columns.clone();
        columns["owner_id"] = json!(owner);
        let names: Vec<String> = columns
            .as_object()
            .context("columns")?
            .keys()
            .cloned()
            .collect();
        let names = names.join(", ");
        let sql = format!(
            "insert into public.events ({names}) select {names} from jsonb_populate_record(null::public.events, {}) returning id::text",
            literal(&columns)
        );
        let row = self
            .0
            .query_one(&sql, &[])
            .await
            .with_context(|| sql.clone())?;
        Ok(row.get(0))
    }

    /// The event's row as JSON; `Null` if there is none.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn event(&self, id: &str) -> Result<Value> {
        self.value(&format!(
            "select to_jsonb(e) from public.events e where e.id = '{id}'"
        ))
        .await
    }

    /// Waits until `sql` gives `expected`.
    ///
    /// # Errors
    /// When it does not in half a minute; says what it gave last.
    pub async fn wait(&self, sql: &str, expected: &Value) -> Result<()> {
        self.wait_within(PATIENCE, sql, expected).await
    }

    /// The same within another time.
    ///
    /// # Errors
    /// As [`Crm::wait`].
    pub async fn wait_within(&self, patience: Duration, sql: &str, expected: &Value) -> Result<()> {
        let end = Instant::now() + patience;
        loop {
            let found = self.value(sql).await?;
            if found == *expected {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("{sql}: expected {expected}, found {found}");
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits for an event's state.
    ///
    /// # Errors
    /// As [`Crm::wait`].
    pub async fn wait_state(&self, id: &str, state: &str) -> Result<()> {
        self.wait(
            &format!("select sync_state from public.events where id = '{id}'"),
            &json!(state),
        )
        .await
    }

    /// Waits until no event has open work.
    ///
    /// # Errors
    /// As [`Crm::wait`].
    pub async fn wait_quiet(&self) -> Result<()> {
        let open = "select (select count(*) from tandem.work where state = 'open') + (select count(*) from tandem.changes)
            + (select count(*) from tandem.connections where lease_until > tandem.clock())";
        self.wait(open, &json!(0)).await
    }
}

/// A value as an SQL literal of type jsonb.
fn literal(value: &Value) -> String {
    format!("'{}'::jsonb", value.to_string().replace('\'', "''"))
}

/// A Google calendar, with the access of its owner.
#[derive(Debug)]
pub struct Google {
    http: Http,
    origin: String,
    token: String,
    calendar: String,
}

impl Google {
    /// The primary calendar of a demo user.
    ///
    /// # Errors
    /// When the simulator gives no token.
    pub async fn of(stack: &Stack, person: usize) -> Result<Self> {
        let person = stack.people.get(person).context("no such demo user")?;
        Ok(Self {
            http: stack.http.clone(),
            origin: stack.google.clone(),
            token: people::token(&stack.http, &stack.google, person).await?,
            calendar: person.email.clone(),
        })
    }

    /// Adds an event.
    ///
    /// # Errors
    /// When Google refuses.
    pub async fn insert(&self, event: &Value) -> Result<Value> {
        self.call(Method::POST, &[], event).await
    }

    /// Changes fields of an event.
    ///
    /// # Errors
    /// When Google refuses.
    pub async fn patch(&self, id: &str, fields: &Value) -> Result<Value> {
        self.call(Method::PATCH, &[id], fields).await
    }

    /// Deletes an event.
    ///
    /// # Errors
    /// When Google refuses.
    pub async fn delete(&self, id: &str) -> Result<Value> {
        self.call(Method::DELETE, &[id], &Value::Null).await
    }

    /// An event as it is now.
    ///
    /// # Errors
    /// When Google refuses.
    pub async fn get(&self, id: &str) -> Result<Value> {
        self.call(Method::GET, &[id], &Value::Null).await
    }

    /// All events that are not deleted.
    ///
    /// # Errors
    /// When Google refuses.
    pub async fn list(&self) -> Result<Vec<Value>> {
        let list = self.call(Method::GET, &[], &Value::Null).await?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    /// Live events that say they belong to a row.
    ///
    /// # Errors
    /// When Google refuses.
    pub async fn of_row(&self, id: &str) -> Result<Vec<Value>> {
        let mut all = self.list().await?;
        all.retain(|event| {
            event.pointer("/extendedProperties/private/crmflowEventId") == Some(&json!(id))
        });
        Ok(all)
    }

    /// Writes that reached Google since its log was emptied, of anybody.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn writes(&self) -> Result<u64> {
        let (_, counters) = self
            .http
            .json(
                Method::GET,
                &format!("{}/_sim/counters", self.origin),
                None,
                &Value::Null,
            )
            .await?;
        let methods = [
            "events.insert",
            "events.patch",
            "events.update",
            "events.delete",
        ];
        Ok(methods
            .iter()
            .filter_map(|method| counters[method].as_u64())
            .sum())
    }

    /// Asks the simulator for a fault, or something else of its control API.
    ///
    /// # Errors
    /// When it refuses.
    pub async fn control(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let (status, answer) = self
            .http
            .json(method, &format!("{}/_sim/{path}", self.origin), None, body)
            .await?;
        ensure!(status == 200, "_sim/{path} answered {status}: {answer}");
        Ok(answer)
    }

    async fn call(&self, method: Method, path: &[&str], body: &Value) -> Result<Value> {
        let mut url = Url::parse(&self.origin)?;
        url.path_segments_mut()
            .map_err(|()| anyhow::anyhow!("the simulator's URL has no path"))?
            .extend(["calendar", "v3", "calendars", &self.calendar, "events"])
            .extend(path);
        let (status, answer) = self
            .http
            .json(method.clone(), url.as_str(), Some(&self.token), body)
            .await?;
        ensure!(
            status < 300,
            "Google answered {method} {url} with {status}: {answer}"
        );
        Ok(answer)
    }
}
