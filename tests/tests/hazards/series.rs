//! Series: 14.

use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::{EMAIL, Fate};
use tests::play::{Play, list, play, text};

#[tokio::test]
async fn h14_a_series_that_moves_while_its_exception_is_pushed_has_each_occurrence_once()
-> Result<()> {
    for fate in [Fate::HeldBefore, Fate::HeldAfter] {
        let p = play().await?;
        let id = series(&p).await?;
        p.rest().await?;
        let exception = except(&p, &id, 4, "Other").await?;
        p.kill_at("PATCH", fate);
        let pushing = p
            .work(p.poking(&exception))
            .await
            .err()
            .context("it went on")?;
        p.edit(
            &id,
            "starts_at = starts_at + interval '1 hour', ends_at = ends_at + interval '1 hour'",
        )
        .await?;
        p.poke(&id).await;
        p.release();
        ensure!(p.work(pushing).await.is_ok(), "it stands still");
        p.rest().await?;
        let occurrences = occurrences(&p, &id).await?;
        ensure!(occurrences == 6, "{fate:?}: {occurrences} occurrences");
    }
    Ok(())
}

#[tokio::test]
async fn h14_h2_deleting_a_series_with_its_exceptions_is_one_deletion() -> Result<()> {
    let p = play().await?;
    let id = series(&p).await?;
    for day in 4..=6 {
        except(&p, &id, day, "Other").await?;
    }
    p.rest().await?;
    p.sql(&format!(
        "delete from public.events where id = '{id}' or recurring_event_id = '{id}'"
    ))
    .await?;
    let written = p.rest().await?;
    ensure!(
        written.len() == 1 && written[0].method == Method::DELETE,
        "{written:?}"
    );
    ensure!(
        p.shown(EMAIL)?.is_empty() && p.rows().await?.is_empty(),
        "something stays"
    );
    Ok(())
}

#[tokio::test]
async fn h14_h2_deleting_the_series_alone_takes_its_exceptions_along() -> Result<()> {
    let p = play().await?;
    let id = series(&p).await?;
    except(&p, &id, 4, "Other").await?;
    p.rest().await?;
    p.delete(&id).await?;
    let written = p.rest().await?;
    ensure!(written.len() == 1, "{written:?}");
    ensure!(
        p.shown(EMAIL)?.is_empty() && p.rows().await?.is_empty(),
        "something stays"
    );
    Ok(())
}

#[tokio::test]
async fn h14_h3_an_occurrence_that_both_sides_edit_is_one_row() -> Result<()> {
    let p = play().await?;
    let id = series(&p).await?;
    p.rest().await?;
    edit_occurrence(&p, &id, 4, json!({"location": "There"})).await?;
    except(&p, &id, 4, "Other").await?;
    p.rest().await?;
    let exceptions = exceptions(&p, &id).await?;
    let [one] = exceptions.as_slice() else {
        anyhow::bail!("{exceptions:?}")
    };
    ensure!(
        one["title"] == "Other" && one["location"] == "There",
        "{one}"
    );
    Ok(())
}

#[tokio::test]
async fn h14_h4_exceptions_that_are_listed_before_their_series_wait_for_it() -> Result<()> {
    let p = play().await?;
    p.rest().await?;
    let google = p.google_add(
        EMAIL,
        json!({"summary": "Series", "recurrence": ["RRULE:FREQ=DAILY;COUNT=6"]}),
    )?;
    for (day, title) in [("04", "One"), ("05", "Two")] {
        let id = format!("{google}_203103{day}T090000Z");
        p.control(
            "POST",
            "ui/edit",
            &json!({"user": EMAIL, "id": id, "changes": {"summary": title}, "notify": false}),
        )?;
    }
    let all = list(&p.google(Method::GET, "?maxResults=10", &Value::Null)?["items"]);
    let (masters, exceptions): (Vec<&Value>, Vec<&Value>) =
        all.iter().partition(|event| event["recurrence"].is_array());
    let page = |items: &[&Value], next: Value| {
        let mut page = json!({"kind": "calendar#events", "accessRole": "owner", "timeZone": "UTC", "items": items});
        tests::play::put(&mut page, next);
        json!({"method": "events.list", "body": page.to_string()})
    };
    p.fault(page(&exceptions[..1], json!({"nextPageToken": "p2"})))?;
    p.fault(page(&exceptions[1..], json!({"nextPageToken": "p3"})))?;
    let token = current_token(&p).await?;
    p.fault(page(&masters, json!({"nextSyncToken": token})))?;
    p.notify().await;
    p.rest().await?;
    let titles: Vec<String> = p
        .rows()
        .await?
        .iter()
        .map(|row| text(&row["title"]))
        .collect();
    ensure!(titles == ["One", "Series", "Two"], "{titles:?}");
    Ok(())
}

#[tokio::test]
async fn h14_h4_exceptions_whose_series_is_never_listed_have_it_read() -> Result<()> {
    let p = play().await?;
    p.rest().await?;
    let google = p.google_add(
        EMAIL,
        json!({"summary": "Series", "recurrence": ["RRULE:FREQ=DAILY;COUNT=6"]}),
    )?;
    let id = format!("{google}_20310304T090000Z");
    p.control(
        "POST",
        "ui/edit",
        &json!({"user": EMAIL, "id": id, "changes": {"summary": "One"}, "notify": false}),
    )?;
    let all = list(&p.google(Method::GET, "?maxResults=10", &Value::Null)?["items"]);
    let exceptions: Vec<&Value> = all
        .iter()
        .filter(|event| event["recurrence"].is_null())
        .collect();
    let page = json!({"kind": "calendar#events", "accessRole": "owner", "timeZone": "UTC", "items": exceptions, "nextSyncToken": current_token(&p).await?});
    p.fault(json!({"method": "events.list", "body": page.to_string()}))?;
    p.notify_first().await?;
    p.rest().await?;
    let titles: Vec<String> = p
        .rows()
        .await?
        .iter()
        .map(|row| text(&row["title"]))
        .collect();
    ensure!(titles == ["One", "Series"], "{titles:?}");
    Ok(())
}

#[tokio::test]
async fn h14_h5_bare_cancellations_find_their_series() -> Result<()> {
    let p = play().await?;
    p.switch(json!({"cancelledInstance": "bare"}))?;
    let id = series(&p).await?;
    p.rest().await?;
    let (_, google) = p.place(&id).await?;
    let tail = p
        .ui(
            "split",
            &id,
            json!({"id": format!("{google}_20310306T090000Z"), "changes": {"summary": "Tail"}}),
        )
        .await?;
    p.rest().await?;
    let tail = text(&tail["id"]);
    ensure!(tail.contains("_R"), "{tail}");
    for occurrence in [
        format!("{google}_20310304T090000Z"),
        format!("{tail}_20310307T090000Z"),
    ] {
        p.ui("delete", &id, json!({"id": occurrence})).await?;
    }
    p.rest().await?;
    let cancelled = p
        .value("select jsonb_agg(m.title || ' ' || e.original_start order by e.original_start) from public.events e
            join public.events m on m.id = e.recurring_event_id where e.status = 'cancelled'")
        .await?;
    ensure!(
        cancelled == json!(["Series 2031-03-04T09:00:00Z", "Tail 2031-03-07T09:00:00Z"]),
        "{cancelled}"
    );
    Ok(())
}

#[tokio::test]
async fn h14_h5_an_id_with_an_underscore_is_no_occurrence() -> Result<()> {
    let p = play().await?;
    p.rest().await?;
    let event = |status: &str| {
        json!({"id": "_60q30c1g60o30e1i60o4ac1g60rj8gpl", "etag": format!("\"{status}\""), "status": status, "iCalUID": "u@elsewhere.example",
            "updated": "2030-03-17T17:46:40.000Z", "summary": "Imported",
            "start": {"dateTime": "2031-03-03T09:00:00Z"}, "end": {"dateTime": "2031-03-03T10:00:00Z"}})
    };
    let bare = json!({"id": "_60q30c1g60o30e1i60o4ac1g60rj8gpl", "status": "cancelled", "etag": "\"gone\""});
    for (items, rows) in [(event("confirmed"), 1), (bare, 0)] {
        let page = json!({"kind": "calendar#events", "accessRole": "owner", "timeZone": "UTC", "items": [items], "nextSyncToken": "s"});
        p.fault(json!({"method": "events.list", "body": page.to_string()}))?;
        p.pass(3_700).await?;
        p.tick().await;
        ensure!(p.rows().await?.len() == rows, "{:?}", p.rows().await?);
    }
    ensure!(
        p.count("tandem.parked").await? == 0,
        "it waits for a series"
    );
    Ok(())
}

#[tokio::test]
async fn h14_h6_a_tail_waits_until_its_series_is_trimmed() -> Result<()> {
    for status in [403, 503] {
        let p = play().await?;
        let id = series(&p).await?;
        p.rest().await?;
        p.fault(json!({"method": "events.patch", "status": status, "reason": if status == 403 { "forbidden" } else { "backendError" }}))?;
        let tail = split(&p, &id).await?;
        p.poke(&tail).await;
        p.poke(&id).await;
        p.poke(&tail).await;
        let at_most = p.shown(EMAIL)?.len();
        ensure!(at_most == 1, "{status}: {at_most} series before the trim");
        if p.row(&id).await?["sync_state"] == "error" {
            let owner = tests::play::ann().id;
            p.call("tandem_retry", json!({"user_id": owner, "event_id": id}))
                .await?;
        }
        p.rest().await?;
        let (head, rest) = (occurrences(&p, &id).await?, occurrences(&p, &tail).await?);
        ensure!(
            (head, rest) == (3, 3),
            "{status}: {head} and {rest} occurrences"
        );
    }
    Ok(())
}

async fn series(p: &Play) -> Result<String> {
    p.insert(json!({"title": "Series", "recurrence": ["RRULE:FREQ=DAILY;COUNT=6"]}))
        .await
}

/// The CRM gives an occurrence of March another title.
async fn except(p: &Play, series: &str, day: u32, title: &str) -> Result<String> {
    let at = |hour: u32| format!("2031-03-{day:02}T{hour:02}:00:00Z");
    p.insert(json!({"title": title, "recurring_event_id": series, "original_start": at(9), "starts_at": at(9), "ends_at": at(10)}))
        .await
}

async fn edit_occurrence(p: &Play, series: &str, day: u32, changes: Value) -> Result<Value> {
    let (_, google) = p.place(series).await?;
    let id = format!("{google}_203103{day:02}T090000Z");
    p.ui("edit", series, json!({"id": id, "changes": changes}))
        .await
}

async fn exceptions(p: &Play, series: &str) -> Result<Vec<Value>> {
    let query = format!(
        "select coalesce(jsonb_agg(e), '[]') from public.events e where e.recurring_event_id = '{series}'"
    );
    Ok(list(&p.value(&query).await?))
}

/// The CRM splits the series before its fourth occurrence; the tail.
async fn split(p: &Play, series: &str) -> Result<String> {
    let tail = "e0000000-0000-4000-8000-00000000000f".to_owned();
    p.sql(&format!(
        "begin; update public.events set recurrence = array['RRULE:FREQ=DAILY;UNTIL=20310306T085959Z'] where id = '{series}';
         insert into public.events (id, owner_id, title, starts_at, ends_at, time_zone, recurrence)
         select '{tail}', owner_id, 'Tail', '2031-03-06T09:00Z', '2031-03-06T10:00Z', 'UTC', array['RRULE:FREQ=DAILY;COUNT=3'] from public.events where id = '{series}';
         commit"
    ))
    .await?;
    Ok(tail)
}

/// How many times the series takes place in Google.
async fn occurrences(p: &Play, series: &str) -> Result<usize> {
    let (_, google) = p.place(series).await?;
    let all = p.google(Method::GET, &format!("/{google}/instances"), &Value::Null)?;
    Ok(list(&all["items"])
        .iter()
        .filter(|one| one["status"] != "cancelled")
        .count())
}

/// A sync token after everything that has happened by now.
async fn current_token(p: &Play) -> Result<Value> {
    let token = text(&p.value("select sync_token from tandem.connections").await?);
    let parameters = shared::google::events::list::parameters_digest();
    let mut query = url::form_urlencoded::Serializer::for_suffix(format!("?{parameters}"), 1);
    let query = query.append_pair("syncToken", &token).finish();
    Ok(p.google(Method::GET, &query, &Value::Null)?["nextSyncToken"].clone())
}
