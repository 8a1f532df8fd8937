//! What the check says beforehand: a sentence with a remedy for each thing that would go wrong, and nothing left behind.

use crate::crm::Crm;
use serde_json::{Value, json};

const TABLE: &str = "
    create type kind as enum ('call', 'meeting');
    create table team (id integer primary key, login text);
    create table t (id bigint not null, user_id text not null, subject varchar(20) not null, starts timestamptz,
      kind kind not null, team_id integer not null references team, created_at timestamptz not null,
      size integer generated always as (length(subject)) stored, color text check (color in ('red', 'blue')));
    insert into team values (1, 'ann');
    insert into t (id, user_id, subject, starts, kind, team_id, created_at, color)
      values (1, 'ann', 'Call', '2031-03-03T09:00Z', 'call', 1, now(), 'red'), (2, 'ann', 'Undated', null, 'call', 1, now(), null);
    alter table t enable row level security;
    create function noted() returns trigger language plpgsql as 'begin return new; end';
    create trigger noted before insert on t for each row execute function noted()";

fn mapping() -> Value {
    json!({ "owner": "user_id", "fields": { "title": "subject", "starts_at": "starts", "status": "kind",
        "company_id": "team_id", "location": "size", "color": "color" } })
}

fn has(said: &[String], part: &str) {
    assert!(
        said.iter().any(|line| line.contains(part)),
        "{part}: {said:#?}"
    );
}

#[tokio::test]
async fn each_problem_is_a_sentence_with_a_remedy() {
    let crm = Crm::new(TABLE).await;
    let said = crm.check("t", &mapping()).await;
    for part in [
        "error | key | id is not unique in public.t | Name the primary key, or create unique index on public.t (id).",
        "error | key | nothing says what id of a new row is | Add \"insert\": {\"id\":",
        "error | size | size is generated, and cannot be written | Map the field to {\"read\":",
        "error | created_at | created_at refuses null and has no default, so an event that is born in Google has nothing",
        "error | kind | kind refuses null, and what an event of Google's says may be none of its values | Add \"insert\":",
        "error | team_id | team_id refuses null",
        "warning | t_color_check | an event of Google's may break the constraint t_color_check: CHECK",
        "warning | kind | kind has labels of its own",
        "note | subject | subject holds character varying(20): what is longer is cut there, and kept whole aside",
        "note | team_id | team_id refers to public.team: a value that is not there any more becomes null",
        "warning | starts_at | of 100 rows, 1 have no start, first 2",
        "note | rows | 2 rows are events, of 1 users",
        "note | triggers | other triggers stay as they are, and run for what Tandem writes, too: noted",
        "note | policies | row level security stays as it is",
        "note | locks | making triggers takes SHARE ROW EXCLUSIVE",
    ] {
        has(&said, part);
    }
    let first = crm.refused("t", &mapping()).await;
    assert!(
        first.starts_with("size is written") || first.contains(" is not unique"),
        "{first}"
    );
    crm.untouched().await;
}

#[tokio::test]
async fn expressions_are_tried_one_by_one() {
    let crm = Crm::new(TABLE).await;
    let mapping = json!({ "owner": { "read": "(select login from team x where x.id = team_id)",
        "write": { "team_id": "1" } }, "where": "knd = 'call'", "fields": { "title": { "read": "subjekt" } } });
    let said = crm.check("t", &mapping).await;
    for part in [
        "error | owner | owner cannot be read: relation \"team\" does not exist | Name other tables with their schema",
        "error | where | where cannot be read: column \"knd\" does not exist | Write columns as SQL does",
        "error | title | title cannot be read: column \"subjekt\" does not exist",
    ] {
        has(&said, part);
    }
    let said = crm
        .check(
            "t",
            &json!({ "owner": "(select login from public.team where id = team_id)" }),
        )
        .await;
    has(
        &said,
        "error | owner | the owner is an expression, and nothing says where it is written to",
    );
    let said = crm.check("t", &json!({ "onwer": "user_id" })).await;
    has(
        &said,
        "error | mapping | the mapping has no key onwer | Do you mean owner?",
    );
}

#[tokio::test]
async fn rows_are_tried_there_and_back() {
    let table = "create table t (id uuid primary key default gen_random_uuid(), user_id text not null, title text,
        starts timestamptz not null, minutes text);
      insert into t (user_id, starts, minutes) values ('ann', now(), '30'), ('ann', now(), 'half an hour')";
    let crm = Crm::new(table).await;
    let mut mapping = json!({ "owner": "user_id", "fields": { "title": "title", "starts_at": "starts",
        "color": { "read": "to_jsonb(left(minutes, 3))", "write": { "minutes": "$1 #>> '{}'" } } } });
    let said = crm.check("t", &mapping).await;
    has(
        &said,
        "warning | minutes | of 100 rows, 1 are read and written back otherwise in minutes, first ",
    );
    mapping["fields"]["color"] = json!({ "read": "to_jsonb(minutes::integer)" });
    let said = crm.check("t", &mapping).await;
    has(
        &said,
        "error | rows | rows cannot be read through the mapping: invalid input syntax for type integer",
    );
    assert!(
        crm.refused("t", &mapping)
            .await
            .contains("invalid input syntax")
    );
}

#[tokio::test]
async fn a_good_mapping_has_notes_alone() {
    let table = "create table t (id bigint generated always as identity primary key, user_id text not null, title text,
        starts timestamptz not null);
      insert into t (user_id, starts) values ('ann', now())";
    let crm = Crm::new(table).await;
    let mapping = json!({ "owner": "user_id", "fields": { "title": "title", "starts_at": "starts" }, "state": "add" });
    let said = crm.check("t", &mapping).await;
    assert!(
        said.iter().all(|line| line.starts_with("note")),
        "{said:#?}"
    );
    has(
        &said,
        "adding google_sync_enabled, sync_state, sync_error, google_event_id takes ACCESS EXCLUSIVE for a moment",
    );
    crm.untouched().await;
    crm.adopt("t", &mapping).await;
    crm.released().await;
}
