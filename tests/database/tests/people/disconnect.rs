//! Disconnecting: one user's rows only, with progress, and again.

use super::{Db, Person};
use anyhow::Result;
use serde_json::{Value, json};

async fn begin(db: &Db, person: &Person, choice: &str) -> Result<Value> {
    let p = json!({"user_id": person.user, "connection_id": person.connection, "choice": choice});
    let begun = db.call("disconnect_begin", p).await?;
    let id = begun["disconnections"][0].clone();
    assert_eq!(db.step(&id).await?["outcome"], "waiting");
    db.later(70).await?;
    Ok(id)
}

async fn progress(db: &Db) -> Result<Value> {
    db.get("select jsonb_build_array(phase, total, done, problem) from tandem.disconnections")
        .await
}

#[tokio::test]
async fn only_its_user_disconnects_a_calendar() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    let p = |user: &str, choice| json!({"user_id": user, "connection_id": ann.connection, "choice": choice});
    assert_eq!(
        db.call("disconnect_begin", p(&bob.user, "keep")).await?,
        json!({"outcome": "unknown"})
    );
    assert_eq!(
        db.refusal("disconnect_begin", p(&ann.user, "burn"))
            .await?
            .0,
        "PT400"
    );
    Ok(())
}

#[tokio::test]
async fn what_came_from_the_crm_is_deleted_there() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    db.linked(&bob, "his", "crm", "live").await?;
    for title in ["one", "two", "three"] {
        db.linked(&ann, title, "crm", "live").await?;
    }
    db.linked(&ann, "theirs", "remote", "live").await?;
    // Nobody knows whether this one has arrived.
    let sent = db.linked(&ann, "sent", "crm", "reserved").await?;
    db.run(&format!(
        "insert into tandem.attempts (event, rev, at) values ('{sent}', 1, now())"
    ))
    .await?;
    let id = begin(&db, &ann, "remove_from_google").await?;
    let step = db.step(&id).await?;
    assert_eq!(
        (&step["outcome"], step["events"].as_array().map(Vec::len)),
        (&json!("push"), Some(4))
    );
    let leaving = "select jsonb_agg(distinct jsonb_build_array(state, standing -> 'kind')) from tandem.links where state = 'leaving'";
    assert_eq!(db.get(leaving).await?, json!([["leaving", "leaving"]]));
    let notes = "select jsonb_agg(distinct notes) from tandem.work";
    assert_eq!(
        db.get(notes).await?,
        json!([{"decision": "apply", "quiet": true}])
    );
    // One stays, whatever is tried.
    db.run("update tandem.links set state = 'deleted', standing = '{\"kind\": \"deleted\"}' where state = 'leaving' and remote <> 'two'").await?;
    db.run("update tandem.work set state = 'dead' where root = (select event from tandem.links where remote = 'two')").await?;
    assert_eq!(db.step(&id).await?["outcome"], "done");
    assert_eq!(
        progress(&db).await?,
        json!([
            "done",
            3,
            2,
            "1 events could not be removed from the calendar"
        ])
    );
    let links = "select jsonb_object_agg(remote, jsonb_build_array(state, standing -> 'kind', standing -> 'etag')) from tandem.links";
    assert_eq!(
        db.get(links).await?,
        json!({
            "his": ["live", "live", "1"], "two": ["live", "live", null], "theirs": ["live", "live", "1"],
        })
    );
    assert_eq!(
        db.get("select count(*) from public.events where sync_state = 'none'")
            .await?,
        5
    );
    Ok(())
}

#[tokio::test]
async fn what_came_from_the_calendar_goes_from_the_crm_but_what_it_needs() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    db.linked(&bob, "his", "remote", "live").await?;
    db.linked(&ann, "own", "crm", "live").await?;
    for n in 0..250 {
        db.linked(&ann, &format!("theirs {n}"), "remote", "live")
            .await?;
    }
    db.run("create table notes (event uuid references public.events); insert into notes select id from public.events where title = 'theirs 7'").await?;
    let id = begin(&db, &ann, "remove_from_crm").await?;
    assert_eq!(db.step(&id).await?["outcome"], "done");
    let told = "some events stay in the CRM, since other data of the CRM refer to them";
    assert_eq!(progress(&db).await?, json!(["done", 250, 249, told]));
    let left = "select jsonb_agg(title order by title) from public.events";
    assert_eq!(db.get(left).await?, json!(["his", "own", "theirs 7"]));
    // Nothing of it is a change to be pushed, and no history holds what the rows said.
    assert_eq!(db.get("select count(*) from tandem.changes").await?, 0);
    assert_eq!(
        db.get("select count(*) from tandem.past_changes where op = 'delete'")
            .await?,
        0
    );
    assert_eq!(
        db.get("select jsonb_agg(distinct detail) from tandem.history")
            .await?,
        json!([{"by": "disconnect"}])
    );
    Ok(())
}

#[tokio::test]
async fn a_calendar_that_comes_back_is_listed_and_looked_through() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let (own, theirs) = (
        db.linked(&ann, "own", "crm", "live").await?,
        db.linked(&ann, "theirs", "remote", "live").await?,
    );
    let moved = db.linked(&ann, "moved", "crm", "live").await?;
    let id = begin(&db, &ann, "keep").await?;
    assert_eq!(db.step(&id).await?["outcome"], "done");
    assert_eq!(
        db.get("select jsonb_agg(distinct sync_state) from public.events")
            .await?,
        json!(["none"])
    );
    let account = db.account(&ann.user, "second").await?["account_id"].clone();
    let second = Person {
        user: ann.user.clone(),
        account: account.as_str().expect("an id").to_owned(),
        connection: db.calendar(&account, "second").await?["connection_id"]
            .as_str()
            .expect("an id")
            .to_owned(),
    };
    db.link(&second, moved, "moved", "crm", "live", None)
        .await?;
    let back = db.calendar(&json!(ann.account), "ann").await?;
    assert_eq!(back["connection_id"], json!(ann.connection));
    let state = "select jsonb_build_array(state, sync_token, imported_at) from tandem.connections where calendar_id = 'ann'";
    assert_eq!(db.get(state).await?, json!(["active", null, null]));
    db.imported(&ann.connection).await?;
    db.call("upkeep", json!({})).await?;
    let work = "select jsonb_agg(root order by root) from tandem.work where is_bulk";
    let mut expected = vec![own.to_string(), theirs.to_string()];
    expected.sort();
    assert_eq!(db.get(work).await?, json!(expected));
    Ok(())
}

#[tokio::test]
async fn an_account_ends_last_and_gives_its_access_back() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    db.call(
        "channel_begin",
        json!({"connection_id": ann.connection, "channel_id": "c"}),
    )
    .await?;
    db.call(
        "channel_record",
        json!({"channel_id": "c", "resource_id": "r", "expires_at": "2039-01-01T00:00:00Z"}),
    )
    .await?;
    let p = json!({"user_id": ann.user, "account_id": ann.account, "choice": "keep"});
    let ids = db.call("disconnect_begin", p.clone()).await?["disconnections"].clone();
    assert_eq!(db.call("disconnect_begin", p).await?["disconnections"], ids);
    assert_eq!(
        db.account(&ann.user, "ann").await?["outcome"],
        "disconnecting"
    );
    db.later(70).await?;
    assert_eq!(
        db.step(&ids[1]).await?["reason"],
        "its calendars are disconnected first"
    );
    let stop = db.step(&ids[0]).await?;
    assert_eq!(
        (&stop["outcome"], &stop["channels"][0]["channel_id"]),
        (&json!("stop"), &json!("c"))
    );
    db.call(
        "channel_stopped",
        json!({"account_id": ann.account, "channel_ids": ["c"]}),
    )
    .await?;
    assert_eq!(db.step(&ids[0]).await?["outcome"], "done");
    let revoke = db.step(&ids[1]).await?;
    assert_eq!(
        revoke,
        json!({"outcome": "revoke", "token": {"account_id": ann.account, "user": ann.user,
            "subject": "ann", "generation": 1, "refresh": true, "access_token": "k1.A",
            "refresh_token": "k1.R"}})
    );
    let said = json!({"id": ids[1], "revoked": true});
    assert_eq!(db.call("disconnect_step", said).await?["outcome"], "done");
    assert_eq!(
        db.get("select jsonb_build_array(state, refresh_token) from tandem.accounts")
            .await?,
        json!(["disconnected", null])
    );
    Ok(())
}

#[tokio::test]
async fn a_grant_that_another_user_lives_on_is_not_revoked() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    db.account("bob", "ann").await?;
    let p = json!({"user_id": ann.user, "account_id": ann.account, "choice": "keep"});
    let ids = db.call("disconnect_begin", p).await?["disconnections"].clone();
    db.later(70).await?;
    db.step(&ids[0]).await?;
    assert_eq!(db.step(&ids[1]).await?["outcome"], "done");
    Ok(())
}
