//! What users and operators ask of the database, by subject.

mod adoption;
mod bounds;
mod channels;
mod connect;
mod console;
mod decide;
mod disconnect;
mod erase;
mod history;
mod keys;
mod meetings;
mod news;
mod own;
mod quota;
mod rest;
mod status;
mod strangers;
mod ticks;
mod walks;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio_postgres::{Client, types::ToSql};
use uuid::Uuid;

/// A database with Tandem's own table of events.
struct Db(Client);

/// A user with one connected calendar, which was imported.
struct Person {
    user: String,
    account: String,
    connection: String,
}

impl Db {
    async fn new() -> Self {
        Self(database_tests::fresh().await)
    }

    async fn run(&self, sql: &str) -> Result<()> {
        Ok(self.0.batch_execute(sql).await?)
    }

    /// The first column of a query's only row, as JSON.
    async fn get(&self, sql: &str) -> Result<Value> {
        let sql = format!("select to_jsonb(x) from ({sql}) y (x)");
        Ok(self
            .0
            .query_one(&sql, &[])
            .await?
            .get::<_, Option<Value>>(0)
            .unwrap_or_default())
    }

    async fn call(&self, function: &str, mut p: Value) -> Result<Value, tokio_postgres::Error> {
        if !function.starts_with("my_") {
            p["instance"] = json!("test");
        }
        let sql = format!("select public.tandem_{function}($1)");
        Ok(self.0.query_one(&sql, &[&p]).await?.get(0))
    }

    /// What a call is refused with: code and message.
    async fn refusal(&self, function: &str, p: Value) -> Result<(String, String)> {
        match self.call(function, p).await {
            Ok(answer) => bail!("{function} answered {answer}"),
            Err(error) => {
                let error = error.as_db_error().expect("the database refuses");
                Ok((error.code().code().to_owned(), error.message().to_owned()))
            }
        }
    }

    async fn later(&self, seconds: i64) -> Result<()> {
        let sql = "insert into tandem.settings as s values ('clock_offset', $1) on conflict (key) \
                   do update set value = (s.value::bigint + $1::bigint)::text";
        self.0.execute(sql, &[&seconds.to_string()]).await?;
        Ok(())
    }

    async fn account(&self, user: &str, sub: &str) -> Result<Value> {
        let p = json!({
            "user_id": user, "sub": sub, "email": format!("{sub}@example.com"), "scopes": "a b",
            "refresh_token": "k1.R", "access_token": "k1.A", "expires_in": 3600,
        });
        Ok(self.call("account_store", p).await?)
    }

    async fn calendar(&self, account: &Value, id: &str) -> Result<Value> {
        let user = format!(
            "select user_id from tandem.accounts where id = '{}'",
            text(account)
        );
        let user = self.get(&user).await?;
        let p = json!({
            "user_id": user, "account_id": account, "google_id": id, "summary": id, "time_zone": "Europe/Berlin",
            "access_role": "owner",
        });
        Ok(self.call("calendar_connect", p).await?)
    }

    async fn imported(&self, connection: &str) -> Result<()> {
        let sql = "update tandem.connections set imported_at = tandem.clock(), sync_token = 'T', \
                   listed_at = tandem.clock() where id = $1::text::uuid";
        self.0.execute(sql, &[&connection]).await?;
        Ok(())
    }

    /// `name` also is Google's key of the account and the calendar's id.
    async fn person(&self, name: &str) -> Result<Person> {
        let user = new_id().to_string();
        let account = self.account(&user, name).await?["account_id"].clone();
        let connection = text(&self.calendar(&account, name).await?["connection_id"]);
        self.imported(&connection).await?;
        Ok(Person {
            user,
            account: text(&account),
            connection,
        })
    }

    async fn event(&self, user: &str, title: &str) -> Result<Uuid> {
        let sql = "insert into public.events (owner_id, title, starts_at, ends_at) values \
                   ($1::text::uuid, $2, '2031-03-03T09:00Z', '2031-03-03T10:00Z') returning id";
        Ok(self.0.query_one(sql, &[&user, &title]).await?.get(0))
    }

    /// An event with a link, of which nothing is open.
    async fn linked(
        &self,
        person: &Person,
        title: &str,
        origin: &str,
        state: &str,
    ) -> Result<Uuid> {
        let event = self.event(&person.user, title).await?;
        self.link(person, event, title, origin, state, None).await?;
        self.0
            .execute("delete from tandem.changes where event = $1", &[&event])
            .await?;
        Ok(event)
    }

    async fn link(
        &self,
        person: &Person,
        event: Uuid,
        remote: &str,
        origin: &str,
        state: &str,
        uid: Option<&str>,
    ) -> Result<()> {
        let sql = "insert into tandem.links (connection_id, remote, event, root, origin, ical_uid, state, \
                   standing, synced_rev) values ($1::text::uuid, $2, $3, $3, $4, $5, $6, $7, 0)";
        let standing = json!({"kind": state, "etag": "1", "crm": {"title": "secret"}});
        let values: [&(dyn ToSql + Sync); 7] = [
            &person.connection,
            &remote,
            &event,
            &origin,
            &uid,
            &state,
            &standing,
        ];
        self.0.execute(sql, &values).await?;
        Ok(())
    }

    /// From now on this session is a user's own.
    async fn log_in(&self, user: &str) -> Result<()> {
        let claims = json!({"sub": user});
        self.run(&format!(
            "set role tandem_user; set request.jwt.claims = '{claims}'"
        ))
        .await
    }

    async fn log_out(&self) -> Result<()> {
        self.run("reset role; reset request.jwt.claims").await
    }

    /// Steps of a disconnect until it waits for something.
    async fn step(&self, id: &Value) -> Result<Value> {
        for _ in 0..100 {
            let step = self.call("disconnect_step", json!({"id": id})).await?;
            if step["outcome"] != "again" {
                return Ok(step);
            }
        }
        bail!("it never waits")
    }
}

/// An id that no other row of this program has.
fn new_id() -> Uuid {
    static LAST: AtomicU32 = AtomicU32::new(0);
    Uuid::from_fields(
        LAST.fetch_add(1, Ordering::Relaxed),
        0x11,
        0x4011,
        &[0x80; 8],
    )
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
