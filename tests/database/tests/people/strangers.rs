//! Bob with Ann's ids: everything that a user can write or call, read from the catalogue. What is new has no line here,
//! and fails.

use super::{Db, Person};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What is in Ann's rows and in nobody else's.
const SECRET: &str = "offer: 120k";

/// Columns of a user's row that name nothing: they say there what they like.
const FREE: &str = "all_day attendees color company_id conference contact_id created_at deal_id description end_time_zone \
    ends_at google_sync_enabled location original_start recurrence reminders starts_at status time_zone title transparency \
    updated_at visibility";
/// Tandem's own columns: what a user says there is not stored.
const TANDEMS: &str = "attachments creator google_access google_calendar_id google_event_id organizer sync_error sync_state";
/// Columns in which a user may not name what is another's, with what the database says.
const REFUSED: [(&str, &str); 3] = [
    ("id", "P0001"),
    ("owner_id", "42501"),
    ("recurring_event_id", "PT403"),
];

/// What a function is that users may call.
#[derive(Clone, Copy)]
enum Call {
    /// Called so, as Bob, with Ann's event as `$E` and her connection as `$C`: it tells and changes nothing.
    With(&'static str),
    /// It is the only thing of its kind, and tells the caller about themselves, or about nobody.
    Nobodys,
    /// It answers with ids alone, which give access to nothing: each is looked for among the caller's rows.
    Ids(&'static str),
}

const CALLS: [(&str, Call); 35] = [
    (
        "public.tandem_my_changes",
        Call::With("public.tandem_my_changes('{\"instance\": \"test\"}')"),
    ),
    (
        "public.tandem_my_event",
        Call::With("public.tandem_my_event('{\"instance\": \"test\", \"event_id\": \"$E\"}')"),
    ),
    (
        "public.tandem_my_events",
        Call::With(
            "public.tandem_my_events('{\"instance\": \"test\", \"from\": \"2031-03-01T00:00:00Z\", \"to\": \"2031-04-01T00:00:00Z\"}')",
        ),
    ),
    (
        "public.tandem_my_save",
        Call::With(
            "public.tandem_my_save('{\"instance\": \"test\", \"writes\": [{\"op\": \"delete\", \"id\": \"$E\"}]}')",
        ),
    ),
    (
        "tandem.my_aside",
        Call::With("tandem.my_aside('$E', '{\"title\": \"mine\"}')"),
    ),
    (
        "tandem.my_between",
        Call::With("array(select tandem.my_between('2031-03-01', '2031-04-01'))"),
    ),
    (
        "tandem.my_children",
        Call::Ids("tandem.my_children('{$E}')"),
    ),
    (
        "tandem.my_copies_before",
        Call::Ids("tandem.my_copies_before('$E')"),
    ),
    ("tandem.my_cursor", Call::Nobodys),
    ("tandem.my_delete", Call::With("tandem.my_delete('{$E}')")),
    ("tandem.my_event_of", Call::Ids("tandem.my_event_of('$E')")),
    ("tandem.my_hits", Call::Nobodys),
    (
        "tandem.my_insert",
        Call::With(
            "tandem.my_insert('$E', '{\"title\": \"mine\", \"starts_at\": \"2031-03-03T09:00:00Z\", \"ends_at\": \"2031-03-03T10:00:00Z\"}')",
        ),
    ),
    ("tandem.my_keys", Call::Ids("tandem.my_keys('{$E}')")),
    ("tandem.my_known_zone", Call::Nobodys),
    ("tandem.my_list", Call::With("tandem.my_list('{$E}', '{}')")),
    ("tandem.my_lock", Call::With("tandem.my_lock('{$E}')")),
    ("tandem.my_marks", Call::With("tandem.my_marks('{$E}')")),
    ("tandem.my_meeting", Call::Ids("tandem.my_meeting('$E')")),
    ("tandem.my_new_key", Call::Ids("tandem.my_new_key('$E')")),
    (
        "tandem.my_news",
        Call::With("array(select tandem.my_news('$A', pg_current_snapshot(), 10))"),
    ),
    ("tandem.my_parents", Call::Ids("tandem.my_parents('{$E}')")),
    ("tandem.my_reaches", Call::Nobodys),
    ("tandem.my_record", Call::Nobodys),
    (
        "tandem.my_rows",
        Call::With("(select jsonb_agg(r) from tandem.my_rows('{$E}') r)"),
    ),
    ("tandem.my_series", Call::Ids("tandem.my_series('$E')")),
    ("tandem.my_server", Call::Nobodys),
    (
        "tandem.my_shown",
        Call::With("tandem.my_shown('{$E}', '{}')"),
    ),
    ("tandem.my_snapshot", Call::Nobodys),
    (
        "tandem.my_touched",
        Call::With("(select jsonb_agg(r) from tandem.my_touched('0', 10) r)"),
    ),
    (
        "tandem.my_update",
        Call::With(
            "tandem.my_update('$E', (select e.xmin::text from public.events e where e.id = '$E'), '{\"title\": \"mine\"}')",
        ),
    ),
    (
        "tandem.my_view",
        Call::With("(select tandem.my_view(e) from public.events e where e.id = '$E')"),
    ),
    ("tandem.my_zone", Call::Nobodys),
    ("tandem.uid", Call::Nobodys),
    ("tandem.user_uuid", Call::Nobodys),
];

/// What a component calls for a user, with what it gets from the request: all of Ann's. `$E`, `$C` and `$A` are her
/// event, connection and account. What is refused has a code; what is not is about Bob.
const COMPONENTS: [(&str, &str, Option<&str>); 17] = [
    (
        "tandem_account_known",
        r#"{"sub": "ann", "wanted": "$A"}"#,
        None,
    ),
    (
        "tandem_account_store",
        r#"{"sub": "bob", "email": "b", "refresh_token": "r", "account_id": "$A"}"#,
        None,
    ),
    (
        "tandem_accounts_open",
        r#"{"account_id": "$A", "with_token": true}"#,
        None,
    ),
    (
        "tandem_calendar_connect",
        r#"{"account_id": "$A", "google_id": "x", "summary": "", "time_zone": "UTC", "access_role": "owner"}"#,
        Some("PT404"),
    ),
    (
        "tandem_confirm",
        r#"{"connection_id": "$C", "decision": "apply"}"#,
        Some("PT404"),
    ),
    (
        "tandem_connection_change",
        r#"{"connection_id": "$C", "direction": "in"}"#,
        None,
    ),
    (
        "tandem_disconnect_begin",
        r#"{"connection_id": "$C", "choice": "keep"}"#,
        None,
    ),
    ("tandem_erase_user", r#"{"choice": "keep"}"#, None),
    ("tandem_export_user", "{}", None),
    ("tandem_history", r#"{"event_id": "$E"}"#, Some("PT404")),
    ("tandem_oauth_use_state", r#"{"nonce": "n"}"#, None),
    ("tandem_quarantine", r#"{"connection_id": "$C"}"#, None),
    ("tandem_resync", r#"{"connection_id": "$C"}"#, Some("PT404")),
    ("tandem_retry", r#"{"event_id": "$E"}"#, Some("PT404")),
    ("tandem_status", "{}", None),
    (
        "tandem_ticket_issue",
        r#"{"id": "other", "purpose": "connect"}"#,
        None,
    ),
    ("tandem_user_gone", "{}", None),
];

struct Stage {
    db: Db,
    ann: Person,
    bob: Person,
    event: Uuid,
}

impl Stage {
    async fn new() -> Result<Self> {
        let db = Db::new().await;
        let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
        let event = db.linked(&ann, SECRET, "crm", "live").await?;
        db.run(&format!(
            "insert into tandem.parked (connection_id, remote, state, raw, reason, as_of)
               values ('{0}', 'x', 'quarantined', '{SECRET}', '{SECRET}', 1);
             insert into tandem.history (event, owner, at, kind, detail)
               values ('{event}', '{1}', now(), 'conflict', '{{\"crm\": \"{SECRET}\"}}');
             insert into tandem.work (root, owner, connection_id, at, state, notes)
               values ('{event}', '{1}', '{0}', now(), 'held', '{{\"held\": \"crm\"}}');
             update tandem.accounts set email = '{SECRET}' where user_id = '{1}'",
            ann.connection, ann.user
        ))
        .await?;
        Ok(Self {
            db,
            ann,
            bob,
            event,
        })
    }

    fn fill(&self, text: &str) -> String {
        text.replace("$E", &self.event.to_string())
            .replace("$C", &self.ann.connection)
            .replace("$A", &self.ann.account)
    }

    /// All that is Ann's.
    async fn hers(&self) -> Result<Value> {
        self.db
            .get(&format!(
                "select jsonb_build_array(
                   (select jsonb_agg(e order by e.id) from public.events e where e.owner_id = '{0}'),
                   (select jsonb_agg(a) from tandem.accounts a where a.user_id = '{0}'),
                   (select jsonb_agg(c) from tandem.connections c where c.user_id = '{0}'),
                   (select jsonb_agg(l) from tandem.links l join tandem.connections c on c.id = l.connection_id
                     where c.user_id = '{0}'),
                   (select jsonb_agg(k) from tandem.parked k), (select jsonb_agg(w) from tandem.work w where w.owner = '{0}'),
                   (select jsonb_agg(f) from tandem.event_fields f),
                   (select count(*) from tandem.changes c where c.owner = '{0}'))",
                self.ann.user
            ))
            .await
    }

    /// Bob has been told nothing of Ann's, and nothing of hers has changed.
    async fn untouched(&self, what: &str, before: &Value, told: &str) -> Result<()> {
        ensure!(!told.contains(SECRET), "{what} tells: {told}");
        ensure!(self.hers().await? == *before, "{what} changed something");
        Ok(())
    }

    async fn names(&self, sql: &str) -> Result<BTreeSet<String>> {
        let names = self.db.get(sql).await?;
        serde_json::from_value(names).context("names")
    }
}

fn lines<T>(all: &[(&str, T)]) -> BTreeSet<String> {
    all.iter().map(|(name, _)| (*name).to_owned()).collect()
}

#[tokio::test]
async fn each_column_that_a_user_can_write() -> Result<()> {
    let s = Stage::new().await?;
    let writable = "select jsonb_agg(distinct c.relname || '.' || a.attname) from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        cross join unnest('{anon,authenticated,tandem_user}'::text[]) r
        where c.relnamespace in ('public'::regnamespace, 'tandem'::regnamespace) and c.relkind in ('r', 'v', 'p', 'm')
        and (has_column_privilege(r, c.oid, a.attnum, 'insert') or has_column_privilege(r, c.oid, a.attnum, 'update'))";
    let words = FREE.split_whitespace().chain(TANDEMS.split_whitespace());
    let columns: BTreeSet<&str> = words.chain(REFUSED.map(|(name, _)| name)).collect();
    let listed = columns
        .iter()
        .map(|name| format!("events.{name}"))
        .collect();
    ensure!(
        s.names(writable).await? == listed,
        "each writable column needs a line here"
    );
    let before = s.hers().await?;
    let his = s.db.event(&s.bob.user, "his").await?;
    for name in columns {
        s.db.log_in(&s.bob.user).await?;
        let edit = format!(
            "update public.events set {name} = {name} where id = '{}'",
            s.event
        );
        let edited = s.db.0.execute(&edit, &[]).await?;
        ensure!(edited == 0, "Bob updates {name} of Ann's row");
        s.db.log_out().await?;
        let hers = format!(
            "(jsonb_populate_record(null::public.events, '{}')).{name}",
            s.row().await?
        );
        let name_it = format!("update public.events set {name} = {hers} where id = '{his}'");
        s.db.log_in(&s.bob.user).await?;
        let done = s.db.0.batch_execute(&name_it).await;
        s.db.log_out().await?;
        let refusal = REFUSED.iter().find(|(of, _)| *of == name);
        if let Some((_, code)) = refusal {
            let error = done.expect_err("Bob names what is Ann's");
            let found = error.code().map(|code| code.code().to_owned());
            ensure!(found.as_deref() == Some(code), "{name}: {error:?}");
        } else if TANDEMS.split_whitespace().any(|of| of == name) {
            done?;
            let same = format!(
                "select {name} is not distinct from {hers} from public.events where id = '{his}'"
            );
            ensure!(s.db.get(&same).await? == false, "{name} is Tandem's");
        }
        s.untouched(name, &before, "").await?;
    }
    Ok(())
}

impl Stage {
    /// Ann's row, as a series, for what names one, and with something in each of Tandem's columns.
    async fn row(&self) -> Result<Value> {
        let row = format!(
            "select to_jsonb(e) || jsonb_build_object('recurring_event_id', e.id, 'google_event_id', 'x', 'sync_error', 'x',
               'google_calendar_id', 'x', 'google_access', 'full', 'sync_state', 'error', 'creator', '{{\"email\": \"x\"}}'::jsonb,
               'organizer', '{{\"email\": \"x\"}}'::jsonb, 'attachments', '[{{\"fileUrl\": \"x\"}}]'::jsonb)
             from public.events e where e.id = '{}'",
            self.event
        );
        self.db.get(&row).await
    }
}

#[tokio::test]
async fn each_function_that_a_user_can_call() -> Result<()> {
    let s = Stage::new().await?;
    let callable = "select jsonb_agg(distinct n.nspname || '.' || p.proname) from pg_proc p
        join pg_namespace n on n.oid = p.pronamespace cross join unnest('{anon,authenticated,tandem_user}'::text[]) r
        where (n.nspname = 'tandem' or n.nspname = 'public' and p.proname like 'tandem%')
        and has_function_privilege(r, p.oid, 'execute')";
    ensure!(
        s.names(callable).await? == lines(&CALLS),
        "each callable function needs a line here"
    );
    let before = s.hers().await?;
    for (name, call) in CALLS {
        let (Call::With(sql) | Call::Ids(sql)) = call else {
            continue;
        };
        s.db.log_in(&s.bob.user).await?;
        let told = s.db.get(&format!("select to_jsonb({})", s.fill(sql))).await;
        s.db.log_out().await?;
        s.untouched(name, &before, &format!("{told:?}")).await?;
    }
    Ok(())
}

#[tokio::test]
async fn each_function_that_a_component_calls_for_a_user() -> Result<()> {
    let s = Stage::new().await?;
    let of_users = "select jsonb_agg(p.proname) from pg_proc p where p.pronamespace = 'public'::regnamespace
        and p.proname like 'tandem%' and p.proname not like 'tandem_my%' and p.prosrc ~ '->> ''user_id''|''user_id string|connection_of'";
    let listed = COMPONENTS
        .iter()
        .map(|(name, ..)| (*name).to_owned())
        .collect();
    let found = s.names(of_users).await?;
    ensure!(
        found == listed,
        "each such function needs a line here: {found:?}"
    );
    let before = s.hers().await?;
    for (name, p, refused) in COMPONENTS {
        let mut p: Value = serde_json::from_str(&s.fill(p))?;
        p["user_id"] = json!(s.bob.user);
        let function = name.trim_start_matches("tandem_");
        let told = match refused {
            None => format!("{:?}", s.db.call(function, p).await),
            Some(code) => {
                let (found, message) = s.db.refusal(function, p).await?;
                ensure!(found == code, "{name}: {found} {message}");
                message
            }
        };
        s.untouched(name, &before, &told).await?;
    }
    Ok(())
}
