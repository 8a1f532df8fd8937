//! Who wins, and what is a change at all: 7, 12, 13, 19, 26.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::field::Field;
use tests::inprocess::EMAIL;
use tests::play::{Play, WRITE_LOAD, bob, list, play, text};

const LONGER: &str = "2031-03-03T11:00:00Z";

#[tokio::test]
async fn h07_start_and_end_are_one_decision() -> Result<()> {
    for google_is_later in [true, false] {
        let p = play().await?;
        let id = p.add("A").await?;
        p.rest().await?;
        let moved = "starts_at = '2031-03-03T14:00Z', ends_at = '2031-03-03T15:00Z'";
        let longer = json!({"end": {"dateTime": LONGER, "timeZone": "UTC"}});
        if google_is_later {
            p.edit(&id, moved).await?;
            p.pass(30).await?;
            p.google_edit(&id, longer).await?;
        } else {
            p.google_edit(&id, longer).await?;
            p.pass(30).await?;
            p.edit(&id, moved).await?;
        }
        p.rest().await?;
        let times = p.value("select extract(hour from starts_at) || '-' || extract(hour from ends_at) from public.events").await?;
        ensure!(
            times == if google_is_later { "9-11" } else { "14-15" },
            "{times}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn h07_a_new_rule_and_a_new_start_are_one_decision() -> Result<()> {
    let p = play().await?;
    let id = p
        .insert(json!({"title": "Series", "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=4"]}))
        .await?;
    p.rest().await?;
    p.google_edit(
        &id,
        json!({"recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=8"]}),
    )
    .await?;
    p.pass(30).await?;
    let tuesday = "starts_at = '2031-03-04T09:00Z', ends_at = '2031-03-04T10:00Z', recurrence = array['RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=4']";
    p.edit(&id, tuesday).await?;
    p.rest().await?;
    let event = p.event(&id).await?;
    ensure!(
        event["recurrence"][0] == "RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=4",
        "{event}"
    );
    Ok(())
}

#[tokio::test]
async fn h07_h2_a_new_guest_and_an_answer_both_stay() -> Result<()> {
    let p = play().await?;
    p.simulator.add_user(&bob().email, "Bob", true);
    let id = p
        .insert(json!({"title": "Meeting", "attendees": [{"email": bob().email}]}))
        .await?;
    p.rest().await?;
    p.edit(
        &id,
        "attendees = attendees || '[{\"email\": \"eve@elsewhere.example\"}]'",
    )
    .await?;
    let act = json!({"calendar": bob().email, "user": bob().email, "response": "accepted"});
    p.ui("answer", &id, act).await?;
    p.rest().await?;
    for guests in [
        p.row(&id).await?["attendees"].clone(),
        p.event(&id).await?["attendees"].clone(),
    ] {
        let told = guests.to_string();
        ensure!(
            told.contains("eve@elsewhere.example") && told.contains("accepted"),
            "{told}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn h07_h2_guests_that_google_leaves_out_are_still_invited() -> Result<()> {
    let p = play().await?;
    let guests = json!([{"email": "eve@elsewhere.example"}, {"email": "joe@elsewhere.example"}]);
    let id = p
        .insert(json!({"title": "Meeting", "attendees": guests}))
        .await?;
    p.rest().await?;
    let mut event = p.event(&id).await?;
    tests::play::put(
        &mut event,
        json!({"etag": "\"1\"", "attendeesOmitted": true, "attendees": [{"email": EMAIL, "self": true, "responseStatus": "accepted"}]}),
    );
    let page = json!({"kind": "calendar#events", "accessRole": "owner", "timeZone": "UTC", "items": [event],
        "nextSyncToken": p.value("select sync_token from tandem.connections").await?});
    p.fault(json!({"method": "events.list", "body": page.to_string()}))?;
    p.pass(3_700).await?;
    p.tick().await;
    let row = p.row(&id).await?;
    let told = row["attendees"].to_string();
    ensure!(told.contains("eve@") && told.contains("joe@"), "{told}");
    p.edit(&id, "title = 'B'").await?;
    p.rest().await.map(drop)
}

#[tokio::test]
async fn h12_values_that_google_writes_in_its_own_way_never_come_back_as_changes() -> Result<()> {
    let p = play().await?;
    let id = p
        .insert(json!({"title": "A", "description": "<p>Text &amp; <b>more</b></p>", "starts_at": "2031-03-03T09:00:00.123456Z",
            "attendees": [{"email": "Guest@Elsewhere.Example"}], "transparency": "opaque", "deal_id": "d".repeat(2_000), "color": ""}))
        .await?;
    p.rest_but(&[Field::Guests, Field::When, Field::Color])
        .await?;
    p.google_edit(&id, json!({"location": "There"})).await?;
    let written = p
        .rest_but(&[Field::Guests, Field::When, Field::Color])
        .await?;
    ensure!(written.is_empty(), "{written:?}");
    p.edit(&id, "title = 'B'").await?;
    let written = p
        .rest_but(&[Field::Guests, Field::When, Field::Color])
        .await?;
    let [patch] = written.as_slice() else {
        anyhow::bail!("{written:?}")
    };
    let keys: Vec<&str> = patch
        .body
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key.as_str())
        .collect();
    ensure!(keys == ["extendedProperties", "summary"], "{keys:?}");
    let row = p.row(&id).await?;
    ensure!(row["location"] == "There" && row["title"] == "B", "{row}");
    Ok(())
}

#[tokio::test]
async fn h12_a_meet_link_that_was_asked_for_is_made_once() -> Result<()> {
    let p = play().await?;
    let id = p
        .insert(json!({"title": "A", "conference": {"createRequest": {}}}))
        .await?;
    p.poke_with(&id, "POST /calendar", tests::inprocess::Fate::KilledAfter)
        .await;
    let first = p.event(&id).await?["conferenceData"]["conferenceId"].clone();
    p.rest().await?;
    let row = p.row(&id).await?;
    ensure!(
        row["conference"]["conferenceId"] == first && first.is_string(),
        "{first} {row}"
    );
    p.edit(&id, "title = 'B'").await?;
    p.rest().await?;
    ensure!(
        p.event(&id).await?["conferenceData"]["conferenceId"] == first,
        "another link"
    );
    Ok(())
}

#[tokio::test]
async fn h13_what_a_trigger_of_the_crm_does_while_tandem_writes_is_pushed() -> Result<()> {
    let p = play().await?;
    let (one, two) = (p.add("Call").await?, p.add("Follow-up").await?);
    p.rest().await?;
    p.sql(&format!(
        "create function follow() returns trigger language plpgsql as $$ begin
           update public.events set location = new.location where id = '{two}'; return null; end $$;
         create trigger follow after update of location on public.events for each row when (new.id = '{one}') execute function follow()"
    ))
    .await?;
    p.google_edit(&one, json!({"location": "There"})).await?;
    p.rest().await?;
    ensure!(
        p.event(&two).await?["location"] == "There",
        "the follow-up stays behind"
    );
    Ok(())
}

#[tokio::test]
async fn h13_what_a_trigger_makes_of_the_written_values_is_pushed() -> Result<()> {
    let p = play().await?;
    let id = p.add("LUNCH").await?;
    p.rest().await?;
    p.sql("create function shout() returns trigger language plpgsql as $$ begin new.title := upper(new.title); return new; end $$;
        create trigger shout before insert or update on public.events for each row execute function shout()").await?;
    p.google_edit(&id, json!({"summary": "dinner"})).await?;
    p.rest().await?;
    ensure!(
        p.event(&id).await?["summary"] == "DINNER",
        "the row and Google differ"
    );
    Ok(())
}

#[tokio::test]
async fn h13_what_a_trigger_adds_and_deletes_while_tandem_writes_is_pushed() -> Result<()> {
    let p = play().await?;
    let old = p.add("Old").await?;
    p.rest().await?;
    p.sql(&format!(
        "create function follow() returns trigger language plpgsql as $$ begin
           delete from public.events where id = '{old}';
           insert into public.events (owner_id, title, starts_at, ends_at) values (new.owner_id, 'Follow-up', new.starts_at, new.ends_at);
           return null; end $$;
         create trigger follow after insert on public.events for each row when (new.title = 'Call') execute function follow()"
    ))
    .await?;
    p.google_add(EMAIL, json!({"summary": "Call"}))?;
    p.rest().await?;
    let titles: Vec<String> = p
        .rows()
        .await?
        .iter()
        .map(|row| text(&row["title"]))
        .collect();
    ensure!(titles == ["Call", "Follow-up"], "{titles:?}");
    ensure!(p.shown(EMAIL)?.len() == 2, "{:?}", p.shown(EMAIL)?);
    Ok(())
}

#[tokio::test]
async fn h13_two_programs_that_fight_are_slowed_down_and_named() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    for n in 0..30 {
        p.edit(&id, &format!("title = 'Version {n}'")).await?;
        p.poke(&id).await;
    }
    let written = p.take_written().len();
    ensure!(written <= 20, "{written} writes");
    let row = p.row(&id).await?;
    ensure!(
        text(&row["sync_error"]).starts_with("another program keeps changing this event"),
        "{row}"
    );
    p.rest().await?;
    ensure!(
        p.event(&id).await?["summary"] == "Version 29",
        "the last edit is lost"
    );
    Ok(())
}

#[tokio::test]
async fn h19_a_later_answer_does_not_make_an_old_title_new() -> Result<()> {
    let p = play().await?;
    p.simulator.add_user(&bob().email, "Bob", true);
    let id = p
        .insert(json!({"title": "Meeting", "attendees": [{"email": bob().email}]}))
        .await?;
    p.rest().await?;
    p.google_edit(&id, json!({"summary": "Google's"})).await?;
    p.pass(240).await?;
    p.edit(&id, "title = 'The CRM''s'").await?;
    p.notify_and_kill(WRITE_LOAD).await?;
    p.pass(60).await?;
    let act = json!({"calendar": bob().email, "user": bob().email, "response": "accepted"});
    p.ui("answer", &id, act).await?;
    p.notify_and_kill(WRITE_LOAD).await?;
    p.rest().await?;
    ensure!(
        p.row(&id).await?["title"] == "The CRM's",
        "the older title won"
    );
    let lost = p
        .value("select detail from tandem.history where kind = 'conflict'")
        .await?;
    ensure!(
        lost["crm"] == "The CRM's" && lost["google"] == "Google's" && lost["won"] == "crm",
        "{lost}"
    );
    Ok(())
}

#[tokio::test]
async fn h19_at_the_same_moment_the_crm_wins() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    p.google_edit(&id, json!({"summary": "Google's"})).await?;
    p.edit(&id, "title = 'The CRM''s'").await?;
    p.rest().await?;
    ensure!(p.event(&id).await?["summary"] == "The CRM's", "Google won");
    Ok(())
}

#[tokio::test]
async fn h26_a_field_that_an_old_base_does_not_know_has_not_changed() -> Result<()> {
    let p = play().await?;
    let columns = json!({"title": "A", "color": "3"});
    let (one, two) = (p.insert(columns.clone()).await?, p.insert(columns).await?);
    p.rest().await?;
    // As it is where the column is older than its mapping.
    p.sql("set session_replication_role = replica; update public.events set color = '5'; set session_replication_role = origin;
        update tandem.links set standing = standing #- '{crm,color}' #- '{remote,color}'").await?;
    p.edit(&one, "title = 'B'").await?;
    p.google_edit(&two, json!({"summary": "B"})).await?;
    let written = p.rest_but(&[Field::Color]).await?;
    let [patch] = written.as_slice() else {
        anyhow::bail!("{written:?}")
    };
    let body = patch.body.as_object().into_iter().flatten();
    let keys: Vec<&str> = body.map(|(key, _)| key.as_str()).collect();
    ensure!(keys == ["extendedProperties", "summary"], "{keys:?}");
    for id in [&one, &two] {
        let (row, event) = (p.row(id).await?, p.event(id).await?);
        ensure!(
            row["color"] == "5" && event["colorId"] == "3",
            "{row} {event}"
        );
    }
    ensure!(
        p.count("tandem.history where kind = 'conflict'").await? == 0,
        "a conflict about nothing"
    );
    Ok(())
}

#[tokio::test]
async fn h26_other_list_parameters_list_everything_anew_and_change_nothing() -> Result<()> {
    let p = play().await?;
    p.add("A").await?;
    p.google_add(EMAIL, json!({"summary": "G"}))?;
    p.rest().await?;
    let before = p
        .value("select jsonb_agg(to_jsonb(e) order by id) from public.events e")
        .await?;
    p.sql("update tandem.connections set digest = 'of an older version'")
        .await?;
    let listings = listed(&p)?;
    p.pass(3_700).await?;
    let written = p.rest().await?;
    ensure!(written.is_empty(), "{written:?}");
    ensure!(listed(&p)? > listings, "it was not listed");
    let after = p
        .value("select jsonb_agg(to_jsonb(e) order by id) from public.events e")
        .await?;
    ensure!(before == after, "{before} {after}");
    Ok(())
}

/// How many listings of everything Google has answered.
fn listed(p: &Play) -> Result<usize> {
    let log = p.control("GET", "log?name=events.list", &Value::Null)?;
    Ok(list(&log)
        .iter()
        .map(Value::to_string)
        .filter(|call| call.contains("\"250\"") && !call.contains("syncToken"))
        .count())
}
