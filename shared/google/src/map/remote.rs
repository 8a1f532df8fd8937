use crate::EventId;
use crate::event::Event;
use crate::map::access::{is_organizer, kind};
use crate::map::fields::time;
use crate::map::{access, link_back, occurrence_of, original_start, remote_fields, stamp};
use event::{Unmappable, is_conference_pending, window};
use provider::RemoteEvent;

/// An event of Google's in neutral words.
///
/// # Errors
/// [`Unmappable`], see [`remote_fields`].
pub fn remote_event(event: &Event) -> Result<RemoteEvent, Unmappable> {
    let time = time(event).ok();
    let recurrence = event.recurrence.as_deref().unwrap_or_default();
    let mut series = event.recurring_event_id.clone();
    let mut start = event.original_start_time.as_ref().and_then(original_start);
    if event.is_cancelled() && series.is_none() {
        // Of a cancelled occurrence at times only the id is there.
        let named = occurrence_of(&event.id);
        (series, start) =
            named.map_or((None, start), |(series, start)| (Some(series), Some(start)));
    }
    let etag = event.etag.as_ref().filter(|_| !event.is_busy_only());
    let organizer = event.organizer.as_ref();
    let creator = event.creator.as_ref();
    Ok(RemoteEvent {
        id: event.id.as_str().to_owned(),
        // What is shown in full later has the same one.
        etag: etag.map(|etag| etag.as_str().to_owned()),
        is_cancelled: event.is_cancelled(),
        updated: event.updated_at(),
        ical_uid: event.ical_uid.clone(),
        is_organizer: is_organizer(event) && !event.is_busy_only(),
        organizer: organizer.and_then(|organizer| organizer.email.clone()),
        creator: creator.and_then(|creator| Some(creator.email.as_ref()?.to_lowercase())),
        is_series_guessed: series.is_some() && event.recurring_event_id.is_none(),
        series: series.as_ref().map(EventId::as_str).map(str::to_owned),
        original_start: start.map(|start| start.to_string()),
        kind: kind(event),
        access: access(event),
        fields: remote_fields(event)?,
        link_back: link_back(event),
        stamp: stamp(event),
        ends: time.and_then(|time| window::ends(&time, recurrence)),
        is_unfinished: event
            .conference_data
            .as_ref()
            .is_some_and(is_conference_pending),
    })
}
