//! Nobody reaches what is another's, by its id or by an id that is used again.

use super::{Db, Person};
use anyhow::Result;
use serde_json::json;
use uuid::Uuid;

fn insert(event: Uuid, owner: &str) -> String {
    format!(
        "insert into public.events (id, owner_id, title, starts_at, ends_at) values ('{event}', '{owner}', 'mine', now(), now())"
    )
}

/// Ann's event, which she has deleted, and which is still in her calendar.
async fn deleted(db: &Db, ann: &Person) -> Result<Uuid> {
    let event = db.linked(ann, "offer: 120k", "crm", "live").await?;
    db.run(&format!("delete from public.events where id = '{event}'"))
        .await?;
    Ok(event)
}

/// The code of a statement that the database refuses.
async fn refused(db: &Db, sql: &str) -> Option<String> {
    let error = db.0.batch_execute(sql).await.expect_err("it is refused");
    error.code().map(|code| code.code().to_owned())
}

#[tokio::test]
async fn an_id_is_not_used_again_while_its_event_may_be_in_anothers_calendar() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    let event = deleted(&db, &ann).await?;
    db.log_in(&bob.user).await?;
    let again = insert(event, &bob.user);
    assert_eq!(refused(&db, &again).await.as_deref(), Some("PT409"));
    let save = json!({"writes": [{"op": "insert", "id": event, "fields": {
        "title": "t", "starts_at": "2031-03-04T09:00:00Z", "ends_at": "2031-03-04T10:00:00Z"}}]});
    assert_eq!(db.refusal("my_save", save).await?.0, "PT409");
    db.log_out().await?;
    // Loaded, and not sent yet.
    let take = json!({"which": {"events": [event]}, "purpose": "store", "lease_seconds": 1});
    db.call("load", take).await?;
    assert_eq!(db.get("select count(*) from tandem.changes").await?, 0);
    db.run("delete from tandem.links").await?;
    db.log_in(&bob.user).await?;
    assert_eq!(refused(&db, &again).await.as_deref(), Some("PT409"));
    db.log_out().await?;
    db.run("delete from tandem.open_changes").await?;
    db.log_in(&bob.user).await?;
    db.run(&again).await?;
    db.log_out().await
}

#[tokio::test]
async fn ones_own_id_is_used_again() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let event = deleted(&db, &ann).await?;
    db.log_in(&ann.user).await?;
    db.run(&insert(event, &ann.user)).await?;
    db.log_out().await
}

#[tokio::test]
async fn a_used_id_tells_no_title_while_its_deletion_waits() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    let event = deleted(&db, &ann).await?;
    // A service stores what it likes.
    db.run(&format!(
        "insert into public.events (id, owner_id, starts_at, ends_at) values ('{event}', '{}', now(), now())",
        bob.user
    ))
    .await?;
    let take = json!({"which": {"events": [event]}, "purpose": "store", "lease_seconds": 1});
    db.call("load", take).await?;
    let his = json!({"user_id": bob.user, "event_id": event});
    let history = db.call("history", his).await?;
    assert!(!history.to_string().contains("120k"), "{history}");
    Ok(())
}

#[tokio::test]
async fn a_retry_opens_nothing_of_anothers() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    let root = db.linked(&ann, "series", "crm", "live").await?;
    let exception = db.linked(&ann, "exception", "crm", "live").await?;
    db.run(&format!(
        "update tandem.links set root = '{root}' where event = '{exception}';
         delete from public.events where id = '{exception}'; delete from tandem.changes;
         insert into tandem.work (root, owner, at, state) values ('{root}', '{}', 'infinity', 'dead');
         {}",
        ann.user,
        insert(exception, &bob.user)
    ))
    .await?;
    db.call("retry", json!({"user_id": bob.user, "event_id": exception}))
        .await?;
    let hers = format!("select state from tandem.work where root = '{root}'");
    assert_eq!(db.get(&hers).await?, "dead");
    Ok(())
}

/// As a backend's table is that guards its rows itself, and lets users at it for the page.
#[tokio::test]
async fn without_a_policy_users_see_and_change_their_own_rows() -> Result<()> {
    let db = Db::new().await;
    db.run("alter table public.events disable row level security")
        .await?;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    let event = db.event(&ann.user, "offer: 120k").await?;
    db.log_in(&bob.user).await?;
    let look = json!({"event_id": event});
    assert_eq!(db.call("my_event", look).await?["events"], json!([]));
    let version = db.get("select xmin::text from public.events").await?;
    let fields = json!({"title": "mine"});
    for write in [
        json!({"op": "update", "id": event, "version": version, "fields": fields}),
        json!({"op": "delete", "id": event}),
    ] {
        let saved = db.call("my_save", json!({"writes": [write]})).await;
        assert!(saved.is_err() || !saved?.to_string().contains("120k"));
    }
    let changed = format!("select tandem.my_delete(array['{event}'::uuid])");
    assert_eq!(db.get(&changed).await?, 0);
    db.log_out().await?;
    assert_eq!(
        db.get("select title from public.events").await?,
        "offer: 120k"
    );
    db.log_in(&ann.user).await?;
    let hers = db.call("my_event", json!({"event_id": event})).await?;
    assert!(hers.to_string().contains("120k"));
    db.log_out().await
}

#[tokio::test]
async fn a_copy_with_another_organizer_hides_nothing_from_who_sees_both() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    for (person, title) in [(&bob, "forged"), (&ann, "hers")] {
        let event = db.event(&person.user, title).await?;
        db.link(
            person,
            event,
            "m",
            "remote",
            "live",
            Some("uid@example.com"),
        )
        .await?;
        db.run(&format!(
            "begin; set local session_replication_role = replica;
             update public.events set organizer = '{{\"email\": \"{title}@example.com\", \"self\": true}}' where id = '{event}';
             commit"
        ))
        .await?;
    }
    let titles = "select jsonb_agg(title order by title) from tandem.meetings";
    assert_eq!(db.get(titles).await?, json!(["forged", "hers"]));
    Ok(())
}
