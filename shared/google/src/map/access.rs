use crate::event::{Event, EventType};
use event::Access;

/// What of an event its calendar's user may change, as far as it says itself; its calendar may allow less.
pub fn access(event: &Event) -> Access {
    let ordinary = event
        .event_type
        .as_ref()
        .is_none_or(|kind| *kind == EventType::Default);
    let unlocked = event.locked != Some(true);
    let full = (is_organizer(event) || event.guests_can_modify == Some(true)) && unlocked;
    match (ordinary, full) {
        (false, _) => Access::Read,
        (true, true) => Access::Full,
        (true, false) => Access::Guest,
    }
}

/// Whether the calendar is its organizer's; an event without one is its calendar's own.
pub(crate) fn is_organizer(event: &Event) -> bool {
    event.organizer.is_none() || event.is_organized_here()
}
