//! The database: what is installed, who may call it, and what it last saw.

use super::Finding;
use crate::install::SCHEMA_VERSION;
use crate::postgres::{connect, describe};
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use url::Url;

/// Between ticks, at most.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);

const FACTS: &str = "
    select jsonb_build_object('tables', (select max(v.version) from tandem.schema_version v),
      'release', tandem.setting('release'), 'instance', tandem.setting('instance'),
      'ticked_at', tandem.setting('ticked_at'), 'pokes_to', tandem.setting('function_url'),
      'relation', (select a.relation from tandem.adoption a), 'has_pg_net', to_regnamespace('net') is not null,
      'is_there', to_regclass((select a.relation from tandem.adoption a)) is not null,
      'component_calls', has_function_privilege('tandem_component', 'public.tandem_load(jsonb)', 'execute'),
      'component_logs_in', (select r.rolcanlogin or exists (select from pg_roles a where a.rolname = 'authenticator'
          and pg_has_role(a.oid, r.oid, 'member')) from pg_roles r where r.rolname = 'tandem_component'),
      'users_read', (select has_table_privilege(r.oid, to_regclass((select a.relation from tandem.adoption a)), 'select')
        from pg_roles r where r.rolname = 'authenticated'),
      'users_call', (select has_function_privilege(r.oid, 'public.tandem_my_events(jsonb)', 'execute')
        from pg_roles r where r.rolname = 'authenticated'),
      'accounts', (select count(*) from tandem.accounts a where a.state <> 'disconnected'),
      'waiting', (select count(*) from tandem.accounts a where a.state = 'reconnect_needed'))::text";

/// What a database says of itself.
#[derive(Debug, Clone, Deserialize)]
struct Facts {
    tables: i32,
    release: Option<String>,
    instance: Option<String>,
    ticked_at: Option<DateTime<Utc>>,
    pokes_to: Option<String>,
    has_pg_net: bool,
    relation: Option<String>,
    is_there: bool,
    component_calls: bool,
    component_logs_in: bool,
    /// None where there is no role `authenticated`.
    users_read: Option<bool>,
    users_call: Option<bool>,
    accounts: i64,
    waiting: i64,
}

pub(super) async fn examine(
    url: &str,
    release: &str,
    app: Option<&Url>,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    match facts(url).await {
        Ok(Some(facts)) => judge(&facts, release, app, now),
        Ok(None) => vec![Finding::bad(
            "Tandem is not installed in this database",
            "install it: tandem install --database-url …, or --into the CRM's migrations",
        )],
        Err(error) => vec![Finding::bad(
            format!("the database could not be asked: {error:#}"),
            "check --database-url; it is the role that installed Tandem",
        )],
    }
}

async fn facts(url: &str) -> Result<Option<Facts>> {
    let client = connect(url).await?;
    let is_there = "select to_regclass('tandem.schema_version') is not null";
    let asked = client.query_one(is_there, &[]).await;
    if !asked
        .map_err(|error| describe(&error, "it refused"))?
        .get::<_, bool>(0)
    {
        return Ok(None);
    }
    let asked = client.query_one(FACTS, &[]).await;
    let text: String = asked
        .map_err(|error| describe(&error, "it refused"))?
        .get(0);
    Ok(Some(serde_json::from_str(&text)?))
}

fn judge(facts: &Facts, release: &str, app: Option<&Url>, now: DateTime<Utc>) -> Vec<Finding> {
    let is_this = facts.tables == SCHEMA_VERSION && facts.release.as_deref() == Some(release);
    let mut found = vec![Finding::when(
        is_this,
        "the database has this release",
        "the database has another release than this tool",
        "bring it up to date: tandem install, or use the tool of that release",
    )];
    found.push(table(facts));
    found.push(Finding::when(
        facts.component_calls && facts.component_logs_in,
        "the components' role may call Tandem's functions",
        "the components cannot call Tandem's functions",
        if facts.component_calls {
            "give their role a login: alter role tandem_component login password '…'; behind PostgREST, grant \
             tandem_component to authenticator"
        } else {
            "run as the role that installed Tandem: select tandem.seal()"
        },
    ));
    if let (Some(reads), Some(calls)) = (facts.users_read, facts.users_call) {
        found.push(Finding::when(
            reads && calls,
            "users may read their events",
            "users may not read their events",
            if calls {
                "grant select, insert, update, delete on the table to authenticated, with policies as the CRM needs"
            } else {
                "run as the role that installed Tandem: select tandem.seal()"
            },
        ));
    }
    found.push(instance(facts, app));
    found.push(clock(facts.ticked_at, now));
    found.push(match (&facts.pokes_to, facts.has_pg_net) {
        (Some(to), true) => Finding::good(format!("changes are told to {to} at once")),
        (None, true) => Finding::bad(
            "changes are told to nobody at once: no tick has said where to",
            "have the clock call scheduler/tick; the first tick says it",
        ),
        (_, false) => Finding::good("there is no pg_net: changes wait for the next tick"),
    });
    found.push(Finding::when(
        facts.waiting == 0,
        &format!("{} Google accounts, all connected", facts.accounts),
        &format!(
            "{} of {} Google accounts have to be connected again",
            facts.waiting, facts.accounts
        ),
        "their users see why on the page, and connect them there",
    ));
    found
}

fn table(facts: &Facts) -> Finding {
    match (&facts.relation, facts.is_there) {
        (Some(relation), true) => Finding::good(format!("events are the rows of {relation}")),
        (Some(relation), false) => Finding::bad(
            format!("{relation} is adopted and does not exist"),
            "adopt the table that has its place: select tandem.adopt('schema.table', '{…}')",
        ),
        (None, _) => Finding::bad(
            "no table is adopted",
            "adopt the table of events: select tandem.adopt('schema.table', '{…}')",
        ),
    }
}

fn instance(facts: &Facts, app: Option<&Url>) -> Finding {
    let own = app.map(|app| app.as_str().trim_end_matches('/'));
    match (&facts.instance, own) {
        (None, _) => Finding::bad(
            "no deployment has called this database yet",
            "have the clock call scheduler/tick, and see the deployment's log",
        ),
        (Some(instance), Some(own)) if instance != own => Finding::bad(
            format!("the database belongs to the deployment {instance}, not to {own}"),
            format!("if that is what you want, run: select tandem.take_over('{own}')"),
        ),
        (Some(instance), _) => Finding::good(format!("it belongs to the deployment {instance}")),
    }
}

fn clock(ticked_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Finding {
    let remedy = "have a clock call POST <app_url>/functions/v1/scheduler/tick every minute: README, The clock";
    match ticked_at {
        None => Finding::bad("the clock has never called", remedy),
        Some(at) if now - at > PATIENCE => {
            Finding::bad(format!("the clock called last at {at}"), remedy)
        }
        Some(_) => Finding::good("the clock calls"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Facts {
        Facts {
            tables: SCHEMA_VERSION,
            release: Some("r".to_owned()),
            instance: Some("https://a.example".to_owned()),
            ticked_at: DateTime::from_timestamp(1_000_000, 0),
            pokes_to: Some("https://a.example/functions/v1".to_owned()),
            has_pg_net: true,
            relation: Some("public.events".to_owned()),
            is_there: true,
            component_calls: true,
            component_logs_in: true,
            users_read: Some(true),
            users_call: Some(true),
            accounts: 2,
            waiting: 0,
        }
    }

    /// What is wrong where one fact is another, five minutes after the last tick.
    fn check(change: impl Fn(&mut Facts), expected: &[&str]) {
        let mut facts = well();
        change(&mut facts);
        let app = Url::parse("https://a.example/").unwrap();
        let now = DateTime::from_timestamp(1_000_300, 0).unwrap();
        let wrong: Vec<String> = judge(&facts, "r", Some(&app), now)
            .into_iter()
            .filter(|finding| finding.remedy.is_some())
            .map(|finding| finding.fact)
            .collect();
        assert_eq!(wrong, expected);
    }

    #[test]
    fn each_fact_that_is_wrong_is_told() {
        check(|_| {}, &[]);
        check(|facts| facts.users_read = None, &[]);
        check(|facts| facts.has_pg_net = false, &[]);
        let another = "the database has another release than this tool";
        check(|facts| facts.release = None, &[another]);
        check(|facts| facts.tables = 99, &[another]);
        check(|facts| facts.relation = None, &["no table is adopted"]);
        check(
            |facts| facts.is_there = false,
            &["public.events is adopted and does not exist"],
        );
        let closed = "the components cannot call Tandem's functions";
        check(|facts| facts.component_calls = false, &[closed]);
        check(|facts| facts.component_logs_in = false, &[closed]);
        check(
            |facts| facts.users_read = Some(false),
            &["users may not read their events"],
        );
        check(
            |facts| facts.users_call = Some(false),
            &["users may not read their events"],
        );
        check(
            |facts| facts.instance = None,
            &["no deployment has called this database yet"],
        );
        check(
            |facts| facts.instance = Some("https://b.example".to_owned()),
            &["the database belongs to the deployment https://b.example, not to https://a.example"],
        );
        check(
            |facts| facts.ticked_at = None,
            &["the clock has never called"],
        );
        check(
            |facts| facts.ticked_at = DateTime::from_timestamp(999_999, 0),
            &["the clock called last at 1970-01-12 13:46:39 UTC"],
        );
        check(
            |facts| facts.pokes_to = None,
            &["changes are told to nobody at once: no tick has said where to"],
        );
        check(
            |facts| facts.waiting = 1,
            &["1 of 2 Google accounts have to be connected again"],
        );
    }
}
