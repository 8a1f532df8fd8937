//! What Google shows of an event, by group. Absent is Google's default, never unknown.

use crate::event::{self as wire, Event};
use chrono::{DateTime, Datelike, NaiveDate, SubsecRound, Utc};
use event::{
    Attendee, Attendees, EventTime, GroupValue, Person, Reminder, ReminderMethod, Reminders,
    RemoteFields, ResponseStatus, Status, Transparency, Unmappable, Visibility,
};

/// What Google shows of an event. Of what is cancelled only the id is promised; the rest may or may not be
/// there, and is unknown. So is a guest list that is not complete, and of what is only busy all but when it is.
///
/// # Errors
/// [`Unmappable`] where it has no usable times, as events seen with free-busy access.
pub fn remote_fields(event: &Event) -> Result<RemoteFields, Unmappable> {
    if event.is_cancelled() {
        return Ok(RemoteFields::from_iter([GroupValue::Status(
            Status::Cancelled,
        )]));
    }
    if event.is_busy_only() {
        return when_alone(event);
    }
    let mut fields = RemoteFields::from_iter([
        GroupValue::Title(text(event.summary.as_ref())),
        GroupValue::Description(text(event.description.as_ref())),
        GroupValue::Location(text(event.location.as_ref())),
        GroupValue::Time(time(event)?),
        GroupValue::Recurrence(event.recurrence.clone().unwrap_or_default()),
        GroupValue::Status(word(event.status.as_ref().map(|word| word.as_str()))),
        GroupValue::Visibility(word::<Visibility>(
            event.visibility.as_ref().map(|word| word.as_str()),
        )),
        GroupValue::Transparency(word::<Transparency>(
            event.transparency.as_ref().map(|word| word.as_str()),
        )),
        GroupValue::Color(text(event.color_id.as_ref())),
        GroupValue::Reminders(reminders(event.reminders.as_ref())),
        GroupValue::Conference(event.conference_data.clone()),
        GroupValue::Organizer {
            organizer: event.organizer.as_ref().map(person),
            creator: event.creator.as_ref().map(person),
        },
        GroupValue::Attachments(event.attachments.clone().unwrap_or_default()),
        GroupValue::References(crate::map::properties::references(event)),
    ]);
    let mut guests = event.attendees.iter().flatten();
    let is_nobody = |email: Option<&String>| email.is_none_or(|email| email.trim().is_empty());
    // Of whom no address is shown would be taken off by a list of the others.
    let is_whole = guests.all(|guest| !is_nobody(guest.email.as_ref()));
    if is_whole && event.attendees_omitted != Some(true) {
        fields.insert(GroupValue::Attendees(attendees(event)));
    }
    Ok(fields)
}

fn when_alone(event: &Event) -> Result<RemoteFields, Unmappable> {
    let mut fields = RemoteFields::from_iter([
        GroupValue::Time(time(event)?),
        GroupValue::Status(word(event.status.as_ref().map(|word| word.as_str()))),
        GroupValue::Visibility(word::<Visibility>(
            event.visibility.as_ref().map(|word| word.as_str()),
        )),
        GroupValue::Transparency(word::<Transparency>(
            event.transparency.as_ref().map(|word| word.as_str()),
        )),
    ]);
    if let Some(lines) = event.recurrence.clone().filter(|lines| !lines.is_empty()) {
        fields.insert(GroupValue::Recurrence(lines));
    }
    Ok(fields)
}

/// When it takes place, to the second, with its zones as they came.
pub(crate) fn time(event: &Event) -> Result<EventTime, Unmappable> {
    let start = side(event.start.as_ref(), "start")?;
    let end = side(event.end.as_ref(), "end")?;
    match (start, end) {
        (Side::Date(start), Side::Date(end)) => Ok(EventTime::AllDay {
            start,
            end,
            zone: None,
        }),
        (Side::Instant(start, start_zone), Side::Instant(end, end_zone)) => {
            Ok(EventTime::timed(start, end, start_zone, end_zone))
        }
        (Side::Date(_), Side::Instant(..)) | (Side::Instant(..), Side::Date(_)) => {
            Err(Unmappable::MixedTimes)
        }
    }
}

enum Side {
    Date(NaiveDate),
    Instant(DateTime<Utc>, Option<String>),
}

fn side(time: Option<&wire::EventTime>, name: &'static str) -> Result<Side, Unmappable> {
    // The years that both RFC 3339 and the database can write.
    let held = |year| (1..=9999).contains(&year);
    let side = match time {
        Some(wire::EventTime::Date { date }) => held(date.year()).then_some(Side::Date(*date)),
        Some(time @ wire::EventTime::DateTime { time_zone, .. }) => {
            let instant = time.instant().filter(|instant| held(instant.year()));
            let zone = time_zone.clone().filter(|zone| !zone.is_empty());
            instant.map(|instant| Side::Instant(instant.trunc_subsecs(0), zone))
        }
        None => None,
    };
    side.ok_or(Unmappable::RemoteTime(name))
}

fn attendees(event: &Event) -> Attendees {
    let guests = event.attendees.iter().flatten().map(|guest| {
        let answer = guest.response_status.as_ref().map(|word| word.as_str());
        let attendee = Attendee {
            display_name: guest.display_name.clone(),
            optional: guest.optional,
            response_status: Some(word::<ResponseStatus>(answer)),
            comment: guest.comment.clone(),
            additional_guests: guest.additional_guests,
            resource: guest.resource,
            organizer: guest.organizer,
            is_self: guest.is_self,
        };
        (guest.email.clone().unwrap_or_default(), attendee)
    });
    guests.collect::<Attendees>().canonical()
}

fn reminders(reminders: Option<&wire::Reminders>) -> Reminders {
    let Some(reminders) = reminders else {
        return Reminders::default();
    };
    let overrides = reminders.overrides.iter().flatten().map(|one| Reminder {
        method: word::<ReminderMethod>(one.method.as_ref().map(|word| word.as_str())),
        minutes: one.minutes.unwrap_or_default(),
    });
    let has_own = reminders.use_default != Some(true);
    Reminders::new(has_own.then(|| overrides.collect()))
}

fn person(person: &wire::Person) -> Person {
    Person {
        email: person.email.clone(),
        display_name: person.display_name.clone(),
        is_self: person.is_self.unwrap_or(false),
    }
}

fn text(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).cloned()
}

fn word<W: for<'a> From<&'a str>>(word: Option<&str>) -> W {
    W::from(word.unwrap_or_default())
}
