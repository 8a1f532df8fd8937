//! Bob with Ann's ids: everything that a user can write or call, read from the catalogue. What is new has no line here,
//! and fails.

mod lines;

use super::{Db, Person};
use anyhow::{Context, Result, ensure};
use lines::{CALLS, COMPONENTS, Call, FREE, REFUSED, TANDEMS};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What is in Ann's rows and in nobody else's.
const SECRET: &str = "offer: 120k";

/// Whose rows a login of the CRM reaches, by the policies on its table.
#[derive(Clone, Copy, Debug)]
enum Policy {
    /// One's own.
    Own,
    /// Those of one's customer, of several whom one CRM serves: Ann and Carl are of one, Bob is of another.
    Customers,
}

const CUSTOMERS: &str = "create schema crm; grant usage on schema crm to tandem_user;
    create table crm.members (user_id uuid primary key, customer text not null);
    insert into crm.members values ('$ann', 'first'), ('$carl', 'first'), ('$bob', 'second');
    grant select on crm.members to tandem_user;
    drop policy events_own on public.events;
    create policy events_of_customer on public.events using (owner_id in (select m.user_id from crm.members m
      where m.customer = (select o.customer from crm.members o where o.user_id = tandem.user_uuid())))";

struct Stage {
    db: Db,
    ann: Person,
    bob: Person,
    event: Uuid,
}

impl Stage {
    /// One for each kind of CRM.
    async fn all() -> Result<Vec<Self>> {
        Ok(vec![
            Self::new(Policy::Own).await?,
            Self::new(Policy::Customers).await?,
        ])
    }

    async fn new(policy: Policy) -> Result<Self> {
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
        if let Policy::Customers = policy {
            let carl = db.person("carl").await?.user;
            let members = CUSTOMERS
                .replace("$ann", &ann.user)
                .replace("$bob", &bob.user);
            db.run(&members.replace("$carl", &carl)).await?;
            db.log_in(&carl).await?;
            let seen = db.get("select jsonb_agg(title) from public.events").await?;
            ensure!(seen == json!([SECRET]), "a colleague reads it: {seen}");
            db.log_out().await?;
        }
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
    for stage in Stage::all().await? {
        columns(&stage).await?;
    }
    Ok(())
}

async fn columns(s: &Stage) -> Result<()> {
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
    for stage in Stage::all().await? {
        callable(&stage).await?;
    }
    Ok(())
}

async fn callable(s: &Stage) -> Result<()> {
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
    for stage in Stage::all().await? {
        called(&stage).await?;
    }
    Ok(())
}

async fn called(s: &Stage) -> Result<()> {
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
            None => s.db.call(function, p).await.context(name)?.to_string(),
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
