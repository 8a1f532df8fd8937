use crate::event::{Event, EventType};
use event::Access;
use provider::Kind;

/// What of an event its calendar's user may change, as far as it says itself; its calendar may allow less.
pub fn access(event: &Event) -> Access {
    let ordinary = kind(event) == Kind::Default;
    let unlocked = event.locked != Some(true);
    if event.is_busy_only() {
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

/// Whether the calendar is its organizer's; an event without one is its calendar's own.
pub(crate) fn is_organizer(event: &Event) -> bool {
    event.organizer.is_none() || event.is_organized_here()
}
