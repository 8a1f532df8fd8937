//! Databases that know less than they did.

use crate::shapes::hour;
use crate::world::world;
use serde_json::{Value, json};

/// Everything that a backup holds.
const BACKUP: &str = "create schema backup;
    create table backup.events as table public.events; create table backup.links as table tandem.links;
    create table backup.changes as table tandem.changes; create table backup.connections as table tandem.connections;
    create table backup.open_changes as table tandem.open_changes; create table backup.attempts as table tandem.attempts;";
const RESTORE: &str = "set session_replication_role = replica;
    delete from public.events; delete from tandem.links; delete from tandem.changes;
    delete from tandem.open_changes; delete from tandem.attempts;
    insert into public.events select * from backup.events; insert into tandem.links select * from backup.links;
    insert into tandem.changes select * from backup.changes;
    insert into tandem.open_changes select * from backup.open_changes;
    insert into tandem.attempts select * from backup.attempts;
    update tandem.connections c set sync_token = b.sync_token from backup.connections b where b.id = c.id;
    set session_replication_role = origin;";

#[tokio::test]
async fn a_restored_backup_takes_over_what_google_knows_and_makes_no_copies() {
    let w = world().await;
    let kept = w.insert(hour("Kept")).await;
    let gone = w.insert(hour("Gone")).await;
    w.settle().await;
    w.update(&kept, json!({"location": "Not sent yet"})).await;
    w.sql(BACKUP).await;
    w.settle().await;
    w.update(&kept, json!({"title": "Later", "location": "Sent later"}))
        .await;
    let later = w.insert(hour("Made later")).await;
    w.settle().await;
    let (event, lost) = (w.google_id(&kept).await, w.google_id(&gone).await);
    let made_later = w.google_id(&later).await;
    w.delete(&lost);
    w.settle().await;
    w.sql(RESTORE).await;
    w.poll().await;
    assert_eq!(w.google(&event)["summary"], "Later");
    assert_eq!(
        w.google(&event)["location"],
        "Sent later",
        "an old edit went over a newer one"
    );
    w.equal(&kept).await;
    assert_eq!(w.row(&gone).await, Value::Null);
    assert_eq!(w.row_of(&made_later).await["title"], "Made later");
    assert_eq!(w.rows().await.len(), 2);
    assert_eq!(w.events().len(), 2);
}

#[tokio::test]
async fn rows_whose_links_are_lost_find_their_events_again() {
    let w = world().await;
    let id = w.insert(hour("Call")).await;
    let other = w.insert(hour("Other")).await;
    w.equal(&id).await;
    w.equal(&other).await;
    w.sql("delete from tandem.links; update tandem.connections set sync_token = null")
        .await;
    w.poll().await;
    w.update(&id, json!({"title": "Call again"})).await;
    w.equal(&id).await;
    w.equal(&other).await;
    assert_eq!(w.rows().await.len(), 2);
    assert_eq!(w.events().len(), 2);
}
