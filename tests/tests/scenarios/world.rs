//! What happens in a scenario, in few words: rows of the CRM, a person at Google's web interface, time
//! that passes, and what both sides look like afterwards.

use crate::shapes::{ann, bob, morning, with};
use anyhow::{Context, Result};
use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use tests::field::{Field, of_row};
use tests::inprocess::{Database, EMAIL, Person, System, Written};

/// Work that goes on by itself.
const OPEN: &str = "select (select count(*) from tandem.work where state = 'open') + (select count(*) from tandem.changes)
    + (select count(*) from tandem.parked where state <> 'quarantined') + (select count(*) from tandem.connections where page_token is not null)
    + (select count(*) from tandem.connections where due_at <= tandem.clock() and state = 'active')";
/// Seconds between the looks at what is left.
const PAUSES: [i64; 14] = [
    0, 1, 5, 10, 30, 60, 120, 600, 1_200, 3_700, 3_700, 7_300, 7_300, 7_300,
];

/// One system and those who use it.
pub struct World {
    /// Everything else that it can do.
    pub system: System,
}

/// A seed of the positions of the simulator's switches that documentation does not decide; without one they are at
/// their first.
const SWITCHES: &str = "TANDEM_SWITCHES";

/// A world in which Ann is connected.
pub async fn world() -> World {
    let world = unconnected().await;
    world.ann_connects().await.unwrap();
    world.settle().await;
    // The clock stands between the steps and each sets it: what comes is later than what was.
    world.pass(1).await;
    world.system.take_written();
    world
}

/// A world in which Ann has a Google account and has not connected it yet.
pub async fn unconnected() -> World {
    let database = Database::new().await.unwrap();
    let system = System::on(database, 1, morning()).await.unwrap();
    system.simulator.add_user(EMAIL, EMAIL, true);
    draw_positions(&system);
    World { system }
}

/// Puts the switches to the positions of the seed, and tells where a failing test is shown.
#[expect(clippy::print_stderr, reason = "shown with the test that fails")]
fn draw_positions(system: &System) {
    let Ok(seed) = std::env::var(SWITCHES) else {
        return;
    };
    let positions = json!(model::history::positions(seed.parse().unwrap()));
    eprintln!("{SWITCHES}={seed}: {positions}");
    system.control("POST", "switches", &positions).unwrap();
}

/// The CRM.
impl World {
    /// Ann's new row.
    pub async fn insert(&self, columns: Value) -> String {
        self.insert_of(&ann(), columns).await
    }

    /// A user's new row.
    pub async fn insert_of(&self, owner: &Person, columns: Value) -> String {
        let columns = with(json!({"owner_id": owner.id}), columns);
        let names = names(&columns);
        let sql = format!(
            "with made as (insert into public.events ({names}) select {names} from jsonb_populate_record(null::public.events, '{}') returning id) select id::text from made",
            quoted(&columns)
        );
        let row = self.system.database.client.query_one(&sql, &[]).await;
        row.unwrap().get(0)
    }

    /// Changes a row.
    pub async fn update(&self, id: &str, columns: Value) {
        let names = names(&columns);
        let sql = format!(
            "update public.events set ({names}) = (select {names} from jsonb_populate_record(null::public.events, '{}')) where id = '{id}'",
            quoted(&columns)
        );
        assert_eq!(self.system.database.execute(&sql, &[]).await.unwrap(), 1);
    }

    /// Deletes a row.
    pub async fn remove(&self, id: &str) {
        let sql = format!("delete from public.events where id = '{id}'");
        assert_eq!(self.system.database.execute(&sql, &[]).await.unwrap(), 1);
    }

    /// A row, null where there is none.
    pub async fn row(&self, id: &str) -> Value {
        let sql = format!("select to_jsonb(e) from public.events e where id = '{id}'");
        self.value(&sql).await
    }

    /// All rows, by title and start.
    pub async fn rows(&self) -> Vec<Value> {
        let sql = "select coalesce(jsonb_agg(to_jsonb(e) order by e.title, e.original_start, e.starts_at), '[]') from public.events e";
        self.value(sql).await.as_array().cloned().unwrap()
    }

    /// The row of an event that Google has.
    pub async fn row_of(&self, google_id: &str) -> Value {
        let sql = format!(
            "select to_jsonb(e) from public.events e where google_event_id = '{google_id}'"
        );
        self.value(&sql).await
    }

    /// The titles of all rows.
    pub async fn titles(&self) -> Vec<String> {
        let title = |row: &Value| row["title"].as_str().unwrap_or_default().to_owned();
        self.rows().await.iter().map(title).collect()
    }

    /// The details of an event's history of one kind.
    pub async fn notes(&self, id: &str, kind: &str) -> Vec<Value> {
        let sql = format!(
            "select coalesce(jsonb_agg(detail order by id), '[]') from tandem.history where event = '{id}' and kind = '{kind}'"
        );
        self.value(&sql).await.as_array().cloned().unwrap()
    }

    /// One JSON value of a query.
    pub async fn value(&self, sql: &str) -> Value {
        self.system.value(sql).await.unwrap()
    }

    /// Runs SQL.
    pub async fn sql(&self, sql: &str) {
        self.system.sql(sql).await.unwrap();
    }
}

/// Google.
impl World {
    /// Ann at Google's web interface.
    pub fn ui(&self, action: &str, body: Value) -> Value {
        self.ui_of(EMAIL, action, body)
    }

    /// A person at Google's web interface.
    pub fn ui_of(&self, user: &str, action: &str, body: Value) -> Value {
        let body = with(json!({"user": user}), body);
        self.control("POST", &format!("ui/{action}"), &body)
    }

    /// Ann makes an event; its id.
    pub fn create(&self, changes: Value) -> String {
        id_of(&self.ui("create", json!({"changes": changes})))
    }

    /// Ann changes an event, or one occurrence.
    pub fn edit(&self, id: &str, changes: Value) {
        self.ui("edit", json!({"id": id, "changes": changes}));
    }

    /// Ann deletes an event, or one occurrence.
    pub fn delete(&self, id: &str) {
        self.ui("delete", json!({"id": id}));
    }

    /// An event as Ann's own client reads it.
    pub fn google(&self, id: &str) -> Value {
        self.system
            .google(Method::GET, &format!("/{id}"), &Value::Null)
            .unwrap()
    }

    /// The event of a row.
    pub async fn google_of(&self, id: &str) -> Value {
        self.google(&self.google_id(id).await)
    }

    /// The id of a row's event.
    pub async fn google_id(&self, id: &str) -> String {
        let row = self.row(id).await;
        row["google_event_id"].as_str().unwrap().to_owned()
    }

    /// What takes place in Ann's calendar, masters and exceptions.
    pub fn events(&self) -> Vec<Value> {
        let listed = self.system.google(Method::GET, "", &Value::Null).unwrap();
        listed["items"].as_array().cloned().unwrap()
    }

    /// The starts of a series' occurrences, as Google shows them.
    pub fn occurrences(&self, id: &str) -> Vec<String> {
        let path = format!("/{id}/instances");
        let listed = self.system.google(Method::GET, &path, &Value::Null);
        let start = |event: &Value| {
            let start = event["start"]["dateTime"].as_str();
            let start = start.or(event["start"]["date"].as_str());
            start.unwrap_or_default().to_owned()
        };
        let listed = listed.unwrap();
        let all = listed["items"].as_array().cloned().unwrap();
        all.iter().map(start).collect()
    }

    /// The simulator's control.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        self.system.control(method, path, body).unwrap()
    }

    /// Google fails at some calls of a method.
    pub fn fault(&self, method: &str, rule: Value) {
        let rule = with(json!({"method": method}), rule);
        self.control("POST", "faults", &rule);
    }

    /// Sets one of the simulator's switches.
    pub fn switch(&self, name: &str, position: Value) {
        self.control("POST", "switches", &json!({name: position}));
    }

    /// The mails that Google would have sent.
    pub fn mails(&self) -> Vec<Value> {
        let mails = self.control("GET", "mail", &Value::Null);
        mails.as_array().cloned().unwrap()
    }

    /// What was asked of Google by a method's name.
    pub fn asked(&self, name: &str) -> Vec<Value> {
        let log = self.control("GET", &format!("log?name={name}"), &Value::Null);
        log.as_array().cloned().unwrap()
    }

    /// Forgets what was asked.
    pub fn forget_asked(&self) {
        self.control("DELETE", "log", &Value::Null);
    }

    /// The next messages are lost.
    pub fn lose_messages(&self) {
        self.control("POST", "notifications", &json!({"drop": 1000}));
    }
}

/// Time, and both sides.
impl World {
    /// Time passes.
    pub async fn pass(&self, seconds: i64) {
        let by = TimeDelta::seconds(seconds);
        self.system.advance(by).await.unwrap();
    }

    /// Messages arrive and the clock ticks, once.
    pub async fn turn(&self) {
        self.system.deliver(|| 1).await;
        self.system.tick().await;
        self.system.deliver(|| 1).await;
    }

    /// Until nothing goes on by itself.
    pub async fn settle(&self) {
        for seconds in PAUSES {
            self.pass(seconds).await;
            self.turn().await;
            let messages = self.control("GET", "notifications", &Value::Null);
            let under_way = messages["waiting"]
                .as_array()
                .is_some_and(|m| !m.is_empty());
            if !under_way && self.value(OPEN).await == 0 {
                break;
            }
        }
        let left = "select jsonb_agg(to_jsonb(j)) from tandem.work j where state = 'open'";
        assert_eq!(self.value(left).await, Value::Null, "it comes to rest");
        assert_eq!(self.system.database.take_refusals(), Vec::<String>::new());
    }

    /// The writes that a settling makes.
    pub async fn writes(&self) -> Vec<Written> {
        self.system.take_written();
        self.settle().await;
        self.system.take_written()
    }

    /// The methods and statuses of the writes that a settling makes.
    pub async fn written(&self) -> Vec<String> {
        let writes = self.writes().await;
        let shown = |one: &Written| format!("{} {}", one.method, one.status);
        writes.iter().map(shown).collect()
    }

    /// Settles; then both sides show the same of a row, and a further round writes nothing.
    pub async fn equal(&self, id: &str) {
        self.settle().await;
        let (row, event) = (self.row(id).await, self.google_of(id).await);
        assert_eq!(row["sync_state"], "synced", "{row}");
        for field in Field::ALL {
            let (here, there) = (of_row(field, &row, EMAIL), field.of_google(&event, EMAIL));
            let fields = row.as_object().unwrap();
            let differs = field.differs((fields, &here), (&event, &there));
            assert!(!differs, "{field:?}: {here} of {row}, {there} of {event}");
        }
        let google_status = event["status"].as_str().unwrap_or_default();
        assert_eq!(row["status"], google_status, "{row} {event}");
        self.rests().await;
    }

    /// A full further round, an hour later, writes nothing anywhere.
    pub async fn rests(&self) {
        self.system.take_written();
        let rows = self.rows().await;
        self.pass(3_700).await;
        self.turn().await;
        let written = self.system.take_written();
        assert!(written.is_empty(), "at rest: {written:?}");
        assert_eq!(rows, self.rows().await, "at rest");
    }

    /// Ann's account, calendar or anything else that waits, in words.
    pub async fn jobs(&self) -> Value {
        self.value("select coalesce(jsonb_agg(state order by root), '[]') from tandem.work")
            .await
    }

    /// What becomes of a choice of Ann's for her calendar.
    pub async fn chosen(&self, name: &str, value: &str) -> Result<Value> {
        let sql = format!(
            "select public.tandem_connection_change(jsonb_build_object('instance', tandem.setting('instance'),
                'user_id', '{}', 'google_id', '{EMAIL}', '{name}', '{value}'))",
            ann().id
        );
        self.system.value(&sql).await
    }

    /// Ann chooses something for her calendar.
    pub async fn choose(&self, name: &str, value: &str) {
        let chosen = self.chosen(name, value).await.unwrap();
        assert_eq!(chosen["outcome"], "changed", "{chosen}");
    }

    /// Ann connects.
    pub async fn ann_connects(&self) -> Result<()> {
        self.system.connect(&ann()).await
    }

    /// Ann's calendar, as Tandem keeps it.
    pub async fn calendar(&self) -> Value {
        let sql =
            format!("select to_jsonb(c) from tandem.connections c where calendar_id = '{EMAIL}'");
        self.value(&sql).await
    }

    /// The hourly listing.
    pub async fn poll(&self) {
        self.pass(3_700).await;
        self.settle().await;
    }

    /// Bob connects too.
    pub async fn bob_connects(&self) -> Result<()> {
        let connected = self.system.connect(&bob()).await;
        self.settle().await;
        self.system.take_written();
        connected.context("bob")
    }
}

/// The id of an event that Google shows.
pub fn id_of(event: &Value) -> String {
    event["id"].as_str().unwrap().to_owned()
}

fn names(columns: &Value) -> String {
    let columns = columns.as_object().unwrap();
    columns.keys().cloned().collect::<Vec<_>>().join(", ")
}

fn quoted(value: &Value) -> String {
    value.to_string().replace('\'', "''")
}
