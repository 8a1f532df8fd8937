//! A user's own calls, through both front ends: under their login and the database's row level security.

use super::fixtures::{NASTY, calendar, event};
use super::served::{ANN, Contract, INSTANCE, both};
use anyhow::{Context, Result, bail, ensure};
use local::postgrest::jwt;
use serde_json::{Value, json};
use shared::db::events::{self, Part, Since, UserDb};
use shared::jwt::Login;
use shared::series::Write;
use std::collections::BTreeMap;
use uuid::Uuid;

const BOB: &str = "b0000000-0000-4000-8000-000000000002";

fn login(user: &str, role: &str) -> Result<Login> {
    let claims = json!({"sub": user, "role": role, "exp": 4_102_444_800_i64});
    Ok(Login::of(&jwt::sign(
        "contract-secret-of-32-characters",
        &claims,
    ))?)
}

fn own<'a>(c: &'a Contract, login: &'a Login) -> UserDb<'a, super::served::Plain> {
    UserDb {
        client: &c.client,
        database: &c.database,
        login,
    }
}

fn write(value: Value) -> Result<Write> {
    let fields = value["fields"].as_object().cloned().unwrap_or_default();
    let id = value["id"].as_str().context("id")?.parse()?;
    Ok(match value["op"].as_str() {
        Some("insert") => Write::Insert { id, fields },
        Some("update") => Write::Update { id, fields },
        _ => Write::Delete { id },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_events_are_read_and_written_alike() -> Result<()> {
    both(async |c| {
        let login = login(ANN, "authenticated")?;
        let ann = own(c, &login);
        let id = Uuid::new_v4();
        let fields = json!({"title": NASTY, "starts_at": "2031-01-01T10:00:00Z", "ends_at": "2031-01-01T11:00:00Z"});
        let insert = write(json!({"op": "insert", "id": id, "fields": fields}))?;
        let (from, to) = ("2031-01-01T00:00:00Z".parse()?, "2031-01-02T00:00:00Z".parse()?);
        let before = ann.between(from, to).await?.cursor;
        let saved = ann.save(&[insert], &BTreeMap::new()).await?;
        ensure!(saved.events[0].text("title") == Some(NASTY), "{saved:?}");
        ensure!(ann.between(from, to).await?.events[0]["id"] == json!(id));
        let Since::Changed(changes) = ann.since(&before).await? else {
            bail!("expired");
        };
        ensure!(changes.changed[0]["title"] == NASTY, "{changes:?}");
        let found = ann.event_with_series(id).await?;
        let update = write(json!({"op": "update", "id": id, "fields": {"title": "New"}}))?;
        ann.save(std::slice::from_ref(&update), &found.versions).await?;
        let stale = ann.save(&[update], &found.versions).await;
        ensure!(stale.err().and_then(|error| error.refusal("PT409")).is_some());
        let odd = ann.since("odd").await;
        ensure!(odd.err().and_then(|error| error.refusal("PT400")).is_some());
        let zone = write(json!({"op": "update", "id": id, "fields": {"time_zone": "Mars/Olympus"}}))?;
        let versions = ann.event(id).await?.versions;
        let zone = ann.save(&[zone], &versions).await;
        let said = zone.err().and_then(|error| error.refusal("PT400"));
        ensure!(said.is_some_and(|said| said.starts_with("time_zone")));
        let gone = ann.save(&[Write::Delete { id }], &BTreeMap::new()).await?;
        ensure!(gone.removed == [id] && gone.events.is_empty(), "{gone:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reaches_anothers_events_and_nothing_stays_of_a_call() -> Result<()> {
    both(async |c| {
        let (anns, bobs) = (login(ANN, "authenticated")?, login(BOB, "authenticated")?);
        let (from, to) = (
            "2030-12-01T00:00:00Z".parse()?,
            "2031-02-01T00:00:00Z".parse()?,
        );
        let before = own(c, &bobs).between(from, to).await?.cursor;
        let event = event(c, "Ann's").await?.0;
        let versions = own(c, &anns).event_with_series(event).await?.versions;
        ensure!(versions.len() == 1);
        let bob = own(c, &bobs);
        ensure!(bob.event_with_series(event).await?.events.is_empty());
        ensure!(bob.between(from, to).await?.events.is_empty());
        let Since::Changed(changes) = bob.since(&before).await? else {
            bail!("expired");
        };
        ensure!(changes.changed.is_empty() && changes.removed.is_empty());
        for one in [
            json!({"op": "update", "id": event, "fields": {"title": "Bob's"}}),
            json!({"op": "delete", "id": event}),
        ] {
            let refused = bob.save(&[write(one)?], &versions).await;
            ensure!(
                refused
                    .err()
                    .and_then(|error| error.refusal("PT409"))
                    .is_some()
            );
        }
        ensure!(c.value("select title from public.events").await? == "Ann's");
        // A login that names no signed-in user's role is nobody's, and a component's own calls stay its own.
        let part = Part {
            event_id: Some(event),
            ..Part::default()
        };
        let stranger = events::history(&c.client, &c.database, INSTANCE, &BOB.parse()?, part).await;
        let refused = stranger.err().context("told")?;
        ensure!(refused.refusal("PT404").is_some(), "{refused:?}");
        let told = events::history(&c.client, &c.database, INSTANCE, &ANN.parse()?, part).await?;
        ensure!(told["entries"][0]["kind"] == "created", "{told}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_and_what_is_listed_again_is_the_users_own() -> Result<()> {
    both(async |c| {
        calendar(c).await?;
        let (client, db, ann) = (&c.client, &c.database, ANN.parse()?);
        ensure!(
            events::quarantine(client, db, INSTANCE, &ann)
                .await?
                .is_empty()
        );
        let connection = c.value("select id from tandem.connections").await?;
        let connection = serde_json::from_value(connection)?;
        let due = events::resync(client, db, INSTANCE, &ann, connection).await?;
        ensure!(due["outcome"] == "due", "{due}");
        let stranger = events::resync(client, db, INSTANCE, &"nobody".parse()?, connection).await;
        ensure!(
            stranger
                .err()
                .and_then(|error| error.refusal("PT404"))
                .is_some()
        );
        Ok(())
    })
    .await
}
