use crate::event::{Event, EventType};
use event::Access;
use provider::Kind;

/// What of an event its calendar's user may change, as far as it says itself; its calendar may allow less.
pub fn access(event: &Event) -> Access {
    let ordinary = kind(event) == Kind::Default;
    let unlocked = event.locked != Some(true);
    if is_busy_only(event) {
        return Access::Read;
    }
    // A private copy is its user's own, to which changes of the organizer's do not come (API reference, `privateCopy`).
    let is_own = is_organizer(event) || event.private_copy == Some(true);
    let full = (is_own || event.guests_can_modify == Some(true)) && unlocked;
    match (ordinary, full) {
        (false, _) => Access::Read,
        (true, true) => Access::Full,
        (true, false) => Access::Guest,
    }
}

/// What Google says that an event is for; of a type that nobody knows yet, its own pages know what to do.
pub(crate) fn kind(event: &Event) -> Kind {
    match &event.event_type {
        None | Some(EventType::Default) => Kind::Default,
        Some(EventType::WorkingLocation) => Kind::WorkingLocation,
        Some(_) => Kind::Special,
    }
}

/// Whether only when it takes place is shown: somebody's private event, or a calendar whose free and busy times
/// alone are shared. An event that is shown has an organizer and a creator (both are read-only in the discovery
/// document, and set by Google).
pub(crate) fn is_busy_only(event: &Event) -> bool {
    let says_who = event.organizer.is_some() || event.creator.is_some();
    let says_what = event.summary.is_some()
        || event.description.is_some()
        || event.location.is_some()
        || event.color_id.is_some()
        || event.attendees.is_some()
        || event.attachments.is_some()
        || event.conference_data.is_some()
        || event.extended_properties.is_some();
    !event.is_cancelled() && !says_who && !says_what
}

/// Whether the calendar is its organizer's; an event without one is its calendar's own.
pub(crate) fn is_organizer(event: &Event) -> bool {
    event.organizer.is_none() || event.is_organized_here()
}
