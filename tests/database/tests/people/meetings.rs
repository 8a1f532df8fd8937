//! A meeting is shown once, the organizer's copy first, to who may see it.

use super::{Db, Person};
use anyhow::Result;
use serde_json::{Value, json};

/// Ann with two calendars, Bob who organizes.
async fn meeting(db: &Db) -> Result<(Person, Person, Person)> {
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    let account = db.account(&ann.user, "second").await?["account_id"].clone();
    let connection = super::text(&db.calendar(&account, "second").await?["connection_id"]);
    let second = Person {
        user: ann.user.clone(),
        account: super::text(&account),
        connection,
    };
    for (person, title, origin) in [
        (&ann, "copy", "remote"),
        (&second, "second copy", "remote"),
        (&bob, "own", "crm"),
    ] {
        let event = db.event(&person.user, title).await?;
        db.link(person, event, "m", origin, "live", Some("uid@example.com"))
            .await?;
    }
    db.event(&ann.user, "plain").await?;
    Ok((ann, second, bob))
}

async fn shown(db: &Db) -> Result<Vec<String>> {
    let titles = db
        .get("select coalesce(jsonb_agg(title order by title), '[]') from tandem.meetings")
        .await?;
    Ok(titles
        .as_array()
        .expect("titles")
        .iter()
        .map(super::text)
        .collect())
}

#[tokio::test]
async fn the_view_has_each_meeting_once_for_each_caller() -> Result<()> {
    let db = Db::new().await;
    let (ann, _, bob) = meeting(&db).await?;
    assert_eq!(shown(&db).await?, ["own", "plain"]);
    db.log_in(&ann.user).await?;
    let hers = shown(&db).await?;
    assert_eq!((hers.len(), hers.contains(&"plain".to_owned())), (2, true));
    db.log_in(&bob.user).await?;
    assert_eq!(shown(&db).await?, ["own"]);
    db.log_out().await?;
    let ids =
        "select count(distinct tandem.meeting_id(ical_uid, original_start)) from tandem.links";
    assert_eq!(db.get(ids).await?, 1);
    Ok(())
}

#[tokio::test]
async fn the_page_shows_one_of_ones_own_copies_and_then_the_other() -> Result<()> {
    let db = Db::new().await;
    let (ann, ..) = meeting(&db).await?;
    db.log_in(&ann.user).await?;
    let range = json!({"from": "2031-03-03T00:00:00Z", "to": "2031-03-04T00:00:00Z"});
    let listed = db.call("my_events", range).await?;
    let events = listed["events"].as_array().expect("events").clone();
    assert_eq!(events.len(), 2);
    let copy = events
        .iter()
        .find(|event| event["title"] != "plain")
        .expect("a copy");
    assert_ne!(copy["meeting_id"], Value::Null);
    db.log_out().await?;
    let gone = format!(
        "delete from tandem.links where event = '{0}'; delete from public.events where id = '{0}'",
        super::text(&copy["id"])
    );
    db.run(&gone).await?;
    db.log_in(&ann.user).await?;
    let news = db
        .call("my_changes", json!({"cursor": listed["cursor"]}))
        .await?;
    assert_eq!(news["removed"], json!([copy["id"]]));
    let listed = db
        .call(
            "my_events",
            json!({"from": "2031-03-03T00:00:00Z", "to": "2031-03-04T00:00:00Z"}),
        )
        .await?;
    assert_eq!(listed["events"].as_array().map(Vec::len), Some(2));
    Ok(())
}

#[tokio::test]
async fn a_forged_identity_hides_nothing_of_anybodys_page() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    let hers = db.event(&ann.user, "hers").await?;
    db.link(&ann, hers, "m", "remote", "live", Some("uid@example.com"))
        .await?;
    let forged = db.event(&bob.user, "forged").await?;
    db.link(&bob, forged, "m", "crm", "live", Some("uid@example.com"))
        .await?;
    db.log_in(&ann.user).await?;
    assert_eq!(shown(&db).await?, ["hers"]);
    let range = json!({"from": "2031-03-03T00:00:00Z", "to": "2031-03-04T00:00:00Z"});
    assert_eq!(
        db.call("my_events", range).await?["events"][0]["title"],
        "hers"
    );
    Ok(())
}
