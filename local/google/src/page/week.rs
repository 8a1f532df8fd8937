//! Accounts, a week, and the forms.

use std::fmt::Write;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::At;
use super::html::{escape, hidden, input, link};
use crate::calendars::Calendar;
use crate::events::{Event, When, local_to_utc};
use crate::world::World;

/// Everything below the heading.
pub(super) fn body(world: &World, at: &At) -> String {
    let mut page = String::new();
    if !at.message.is_empty() {
        let _ = write!(
            page,
            "<p class=\"message\" role=\"status\">{}</p>",
            escape(&at.message)
        );
    }
    page.push_str(&accounts(world, at));
    let Some(calendar) = chosen(world, at) else {
        return page;
    };
    let at = At {
        calendar: calendar.id.clone(),
        ..at.clone()
    };
    let monday = monday(world, calendar, &at.week);
    page.push_str(&week(world, calendar, &at, monday));
    match calendar
        .event(&at.event)
        .cloned()
        .or_else(|| world.find_event(calendar, &at.event))
    {
        Some(event) => page.push_str(&edit_form(calendar, &at, &event)),
        None => page.push_str(&create_form(&at, monday)),
    }
    page
}

fn accounts(world: &World, at: &At) -> String {
    let mut page = String::from("<nav aria-label=\"Accounts\">");
    if world.people.is_empty() {
        page.push_str("There are no accounts yet; <code>POST /_sim/users</code> makes one.");
    }
    for person in world.people.values() {
        let to = At {
            user: person.email.clone(),
            week: at.week.clone(),
            ..At::default()
        };
        page.push_str(&link(&to.link(), &person.name));
    }
    page.push_str("</nav>");
    if let Some(person) = world.people.get(&at.user) {
        let _ = write!(
            page,
            "<h2>{}</h2><nav aria-label=\"Calendars\">",
            escape(&person.email)
        );
        for id in person
            .calendar_list
            .keys()
            .filter(|id| world.calendars.contains_key(*id))
        {
            let to = At {
                calendar: id.clone(),
                user: at.user.clone(),
                week: at.week.clone(),
                ..At::default()
            };
            let name = world
                .calendars
                .get(id)
                .map_or(id.as_str(), |calendar| &calendar.summary);
            page.push_str(&link(&to.link(), name));
        }
        page.push_str("</nav>");
    }
    page
}

fn chosen<'a>(world: &'a World, at: &At) -> Option<&'a Calendar> {
    let person = world.people.get(&at.user)?;
    let id = if at.calendar.is_empty() {
        &person.email
    } else {
        &at.calendar
    };
    world.calendars.get(id)
}

fn monday(world: &World, calendar: &Calendar, week: &str) -> NaiveDate {
    let today = world
        .time
        .now()
        .with_timezone(&calendar.zone())
        .date_naive();
    let given = week
        .parse()
        .ok()
        .filter(|day: &NaiveDate| (1900..=9000).contains(&day.year()));
    let day = given.unwrap_or(today);
    day - TimeDelta::days(i64::from(day.weekday().num_days_from_monday()))
}

fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    local_to_utc(day.and_time(NaiveTime::MIN), zone)
}

fn week(world: &World, calendar: &Calendar, at: &At, monday: NaiveDate) -> String {
    let zone = calendar.zone();
    let other = |days: i64, text: &str| {
        let week = (monday + TimeDelta::days(days)).to_string();
        link(
            &At {
                week,
                event: String::new(),
                message: String::new(),
                ..at.clone()
            }
            .link(),
            text,
        )
    };
    let mut page = format!(
        "<h3>Week of {monday}, {}</h3><nav aria-label=\"Weeks\">{}{}</nav><table><thead><tr>",
        escape(zone.name()),
        other(-7, "Earlier"),
        other(7, "Later"),
    );
    let days: Vec<NaiveDate> = (0..7).map(|day| monday + TimeDelta::days(day)).collect();
    for day in &days {
        let _ = write!(page, "<th scope=\"col\">{}</th>", day.format("%a %-d %b"));
    }
    page.push_str("</tr></thead><tbody><tr>");
    for day in days {
        let (from, to) = (
            midnight(day, zone),
            midnight(day + TimeDelta::days(1), zone),
        );
        let mut events = world.occurrences_between(calendar, from, to);
        events.sort_by_key(|event| (event.start.instant(zone), event.id.clone()));
        page.push_str("<td><ul>");
        for event in events {
            let to = At {
                event: event.id.clone(),
                week: monday.to_string(),
                message: String::new(),
                ..at.clone()
            };
            let time = match &event.start {
                When::Day(_) => "all day".to_owned(),
                When::Time { at, .. } => at.with_timezone(&zone).format("%H:%M").to_string(),
            };
            let title = if event.summary().is_empty() {
                "(No title)"
            } else {
                event.summary()
            };
            let _ = write!(
                page,
                "<li>{}</li>",
                link(&to.link(), &format!("{time} {title}"))
            );
        }
        page.push_str("</ul></td>");
    }
    page.push_str("</tr></tbody></table>");
    page
}

fn opening(at: &At) -> String {
    let fields = [
        ("user", &at.user),
        ("calendar", &at.calendar),
        ("week", &at.week),
        ("event", &at.event),
    ];
    let hidden: String = fields
        .iter()
        .map(|(name, value)| hidden(name, value))
        .collect();
    format!("<form method=\"post\" action=\"/\">{hidden}")
}

const NOTIFY: &str =
    "<label><input type=\"checkbox\" name=\"notify\" checked> Mail the guests</label>";
const SCOPE: &str = "<label>For <select name=\"scope\"><option value=\"this\">this event</option>\
    <option value=\"following\">this and following</option><option value=\"all\">all</option></select></label>";

fn fields(values: &[(&str, String)], all_day: bool) -> String {
    let value = |name: &str| {
        values
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, v)| v)
    };
    let checked = if all_day { " checked" } else { "" };
    format!(
        "{}{}{}<label><input type=\"checkbox\" name=\"all_day\"{checked}> All day (the end is \
         exclusive)</label>{}{}<label>Description <textarea name=\"description\">{}</textarea></label>",
        input("Title", "summary", "text", value("summary")),
        input("Start", "start", "datetime-local", value("start")),
        input("End", "end", "datetime-local", value("end")),
        input("Place", "location", "text", value("location")),
        input("Guests", "guests", "text", value("guests")),
        escape(value("description")),
    )
}

fn create_form(at: &At, monday: NaiveDate) -> String {
    let values = [
        ("start", format!("{monday}T09:00")),
        ("end", format!("{monday}T10:00")),
    ];
    let none = At {
        event: String::new(),
        ..at.clone()
    };
    format!(
        "<h3>New event</h3>{}{}{}{NOTIFY}<button name=\"action\" value=\"create\">Create</button></form>",
        opening(&none),
        fields(&values, false),
        input("Rule", "rule", "text", ""),
    )
}

fn edit_form(calendar: &Calendar, at: &At, event: &Event) -> String {
    let zone = calendar.zone();
    let shown = |when: &When| match when {
        When::Day(day) => format!("{day}T00:00"),
        When::Time { at, .. } => at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string(),
    };
    let text = |name: &str| {
        event
            .fields
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let values = [
        ("summary", text("summary")),
        ("location", text("location")),
        ("description", text("description")),
        ("start", shown(&event.start)),
        ("end", shown(&event.end)),
        ("guests", event.guest_emails().join(", ")),
    ];
    format!(
        "<h3>{} <small>({})</small></h3>{guests}{open}{}{SCOPE}{NOTIFY}\
         <button name=\"action\" value=\"edit\">Save</button>\
         <button name=\"action\" value=\"split\">Split here</button>\
         <button name=\"action\" value=\"delete\">Delete</button></form>{answer}",
        escape(event.summary()),
        escape(&event.id),
        fields(&values, event.start.is_day()),
        guests = guests(event),
        open = opening(at),
        answer = answer_form(at, event),
    )
}

/// Who is invited and what each has said.
fn guests(event: &Event) -> String {
    let said = event.guests.iter().map(|guest| {
        let text = |name: &str| escape(guest[name].as_str().unwrap_or_default());
        format!("<li>{}: {}</li>", text("email"), text("responseStatus"))
    });
    let said: String = said.collect();
    if said.is_empty() {
        return said;
    }
    format!("<ul aria-label=\"Guest list\">{said}</ul>")
}

/// Only for who is invited, with what they have said so far.
fn answer_form(at: &At, event: &Event) -> String {
    let Some(guest) = event.guests.iter().find(|guest| guest["email"] == at.user) else {
        return String::new();
    };
    let options = ["needsAction", "accepted", "tentative", "declined"].map(|answer| {
        let chosen = if guest["responseStatus"] == answer {
            " selected"
        } else {
            ""
        };
        format!("<option{chosen}>{answer}</option>")
    });
    format!(
        "{}<label>Answer <select name=\"response\">{}</select></label>{SCOPE}{NOTIFY}\
         <button name=\"action\" value=\"answer\">Answer</button></form>",
        opening(at),
        options.concat(),
    )
}
