//! A database with a CRM's tables, and the way of an event of Google's through the adopted one.

use crate::calls::{commit, connect, insert, key, load, part};
use database_tests::fresh;
use serde_json::{Map, Value, json};
use tokio_postgres::Client;

pub(crate) const ANN: &str = "00000000-0000-4000-8000-00000000000a";

/// All that a CRM has in its schema: what an installation of Tandem may not change.
const PICTURE: &str = "select string_agg(x, chr(10) order by x) from (
    select format('%s %s %s %s %s', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        (select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum))
      from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped
    union all select format('%s %s %s %s', c.oid::regclass, c.relkind, c.relacl, c.relrowsecurity) from pg_class c
      where c.relnamespace = 'public'::regnamespace
    union all select pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid
      where c.relnamespace = 'public'::regnamespace and not t.tgisinternal
    union all select conrelid::regclass::text || pg_get_constraintdef(oid) from pg_constraint
      where connamespace = 'public'::regnamespace
    union all select tablename || policyname || coalesce(qual, '') || coalesce(with_check, '') from pg_policies
    union all select p.oid::regprocedure::text || md5(pg_get_functiondef(p.oid)) from pg_proc p
      where p.pronamespace = 'public'::regnamespace and p.proname not like 'tandem\\_%' and p.prokind = 'f'
    union all select typname from pg_type where typnamespace = 'public'::regnamespace) y (x)";

pub(crate) struct Crm {
    pub(crate) client: Client,
    before: String,
}

impl Crm {
    /// A CRM that has never heard of Tandem, and then an adopted table of it.
    pub(crate) async fn adopted(tables: &str, table: &str, mapping: &Value) -> Self {
        let crm = Self::new(tables).await;
        crm.adopt(table, mapping).await;
        crm
    }

    pub(crate) async fn new(tables: &str) -> Self {
        let client = fresh().await;
        let before =
            "drop table public.events cascade; delete from tandem.settings where key = 'adoption';
            delete from tandem.adoption; select tandem.drop_generated()";
        client.batch_execute(before).await.expect("none is adopted");
        client.batch_execute(tables).await.expect("it is made");
        let mut crm = Self {
            client,
            before: String::new(),
        };
        crm.before = crm.text(PICTURE).await;
        crm
    }

    pub(crate) async fn adopt(&self, table: &str, mapping: &Value) -> Vec<String> {
        self.lines(&format!("select tandem.adopt('{table}', $1)"), mapping)
            .await
            .unwrap_or_else(|said| panic!("{said}"))
    }

    /// What an adoption is refused with: the problem and its remedy.
    pub(crate) async fn refused(&self, table: &str, mapping: &Value) -> String {
        self.lines(&format!("select tandem.adopt('{table}', $1)"), mapping)
            .await
            .expect_err("it is refused")
    }

    async fn lines(&self, sql: &str, p: &Value) -> Result<Vec<String>, String> {
        let rows = self.client.query(sql, &[p]).await.map_err(|error| {
            let Some(db) = error.as_db_error() else {
                return error.to_string();
            };
            format!(
                "{} {} {}",
                db.message(),
                db.hint().unwrap_or_default(),
                db.where_().unwrap_or_default()
            )
        })?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Level, problem and remedy of each thing that the check finds.
    pub(crate) async fn check(&self, table: &str, mapping: &Value) -> Vec<String> {
        let sql = format!(
            "select concat_ws(' | ', level, subject, problem, remedy) from tandem.adopt_check('{table}', $1)"
        );
        self.lines(&sql, mapping)
            .await
            .unwrap_or_else(|said| panic!("{said}"))
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.client
            .batch_execute(sql)
            .await
            .unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    }

    pub(crate) async fn text(&self, sql: &str) -> String {
        let row = self.client.query_one(sql, &[]).await;
        let row = row.unwrap_or_else(|error| panic!("{error:?}: {sql}"));
        row.get::<_, Option<String>>(0).unwrap_or_default()
    }

    /// Fields of all rows that are events, but for what is null.
    pub(crate) async fn rows(&self) -> Value {
        let sql = "select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('owner', owner, 'enabled', enabled)
            || jsonb_strip_nulls(fields)) order by fields ->> 'title'), '[]') from tandem.crm_rows";
        let row = self.client.query_one(sql, &[]).await;
        row.expect("they are read").get(0)
    }

    pub(crate) async fn fields(&self, n: u32) -> Value {
        let family = load(&self.client, n, "store").await;
        self.run("update tandem.work set lease_until = null").await;
        family["members"][0]["row"]["fields"].clone()
    }

    pub(crate) async fn changes(&self) -> String {
        self.text("select string_agg(op || coalesce(fields::text, ''), ' ' order by rev) from tandem.changes")
            .await
    }

    /// An event of Google's comes, changes in all it has, is moved by the CRM's own `moved`, and goes.
    pub(crate) async fn follows(&self, owner: &str, moved: &str) {
        self.run(
            "delete from tandem.changes; delete from tandem.open_changes; delete from tandem.work",
        )
        .await;
        connect(&self.client, owner).await;
        let sent = timed();
        let new = part(&json!(key(1)), &Value::Null, insert(1, owner, sent.clone()));
        stored(&commit(&self.client, vec![new]).await);
        self.says(&sent, "a new event").await;
        let mut days = sent.clone();
        for (name, value) in days_off().as_object().expect("fields") {
            days[name] = value.clone();
        }
        self.write(&sent, &days).await;
        self.says(&days, "another version").await;
        self.write(&days, &sent).await;
        self.says(&sent, "the first version again").await;
        assert_eq!(self.changes().await, "", "nothing echoes");
        self.run(moved).await;
        assert!(
            self.changes().await.starts_with("update{"),
            "the CRM's edit is one"
        );
        let now = self.fields(1).await;
        let kept = |name: &str| assert_eq!(now[name], sent[name], "{name}");
        for name in ["reminders", "attachments", "organizer", "color"] {
            kept(name);
        }
        let at = |name: &str| now[name].as_str().expect("a time")[..16].to_owned();
        assert_eq!(
            (at("starts_at").as_str(), at("ends_at").as_str()),
            ("2031-03-04T10:00", "2031-03-04T11:30"),
            "what was kept of its length moves along"
        );
        self.run("delete from tandem.open_changes").await;
        let family = load(&self.client, 1, "store").await;
        let gone = json!([{ "op": "delete_row", "event": key(1), "expected": now }]);
        let done = commit(
            &self.client,
            vec![part(&family["root"], &family["fence"], gone)],
        )
        .await;
        stored(&done);
        assert_eq!(
            self.text(
                "select count(*)::text from tandem.crm_rows r join tandem.links l using (event)"
            )
            .await,
            "0"
        );
    }

    async fn write(&self, expected: &Value, fields: &Value) {
        let family = load(&self.client, 1, "store").await;
        let now = &family["members"][0]["row"]["fields"];
        let changed = |name: &&String| expected[name.as_str()] != fields[name.as_str()];
        let names: Vec<_> = fields
            .as_object()
            .expect("fields")
            .keys()
            .filter(changed)
            .collect();
        let pick = |from: &Value| -> Map<String, Value> {
            names
                .iter()
                .map(|name| ((*name).clone(), from[name.as_str()].clone()))
                .collect()
        };
        let write = json!([{ "op": "write_row", "event": key(1), "expected": pick(now), "fields": pick(fields) }]);
        stored(
            &commit(
                &self.client,
                vec![part(&family["root"], &family["fence"], write)],
            )
            .await,
        );
    }

    async fn says(&self, sent: &Value, what: &str) {
        let now = self.fields(1).await;
        for (name, value) in sent.as_object().expect("fields") {
            assert_eq!(&now[name], value, "{what}: {name}");
        }
    }

    /// Gives the table back, and holds it against what it was.
    pub(crate) async fn released(&self) {
        self.run("update tandem.connections set state = 'disconnected', is_target = false")
            .await;
        self.run("do $$ begin perform tandem.release(); end $$")
            .await;
        self.untouched().await;
    }

    /// The CRM's schema is as it was before anything of ours.
    pub(crate) async fn untouched(&self) {
        assert_eq!(self.text(PICTURE).await, self.before);
    }
}

fn stored(done: &Value) {
    assert_eq!(done[0]["outcome"], json!({ "stored": { "again": false } }));
}

fn timed() -> Value {
    json!({
        "title": "Kick-off", "description": "<b>Bring</b> a pen", "location": "Berlin", "all_day": false,
        "starts_at": "2031-03-03T09:00:00.000000Z", "ends_at": "2031-03-03T10:30:00.000000Z", "starts_on": null,
        "ends_on": null, "time_zone": "Europe/Berlin", "end_time_zone": null, "recurrence": ["RRULE:FREQ=DAILY"],
        "status": "tentative", "visibility": "private", "transparency": "transparent", "color": "5",
        "attendees": [{ "email": "eve@example.com", "display_name": "Eve", "response_status": "accepted" },
            { "email": "joe@example.com", "response_status": "needsAction", "optional": true }],
        "reminders": { "use_default": false, "overrides": [{ "method": "popup", "minutes": 5 }] },
        "conference": { "conferenceId": "abc" }, "organizer": { "email": "ann@example.com", "self": true },
        "creator": { "email": "ann@example.com" }, "attachments": [{ "fileUrl": "https://example.com/a" }],
    })
}

fn days_off() -> Value {
    json!({
        "title": "Off".repeat(120), "description": null, "location": null, "all_day": true, "starts_at": null,
        "ends_at": null, "starts_on": "2031-03-05", "ends_on": "2031-03-08", "status": "confirmed",
        "visibility": "default", "transparency": "opaque", "recurrence": null, "conference": null,
        "attendees": [{ "email": "Eve@example.com", "response_status": "declined" }],
    })
}
