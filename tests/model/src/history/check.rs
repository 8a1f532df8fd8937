//! What must hold whenever a history is at rest.

use super::field::Field;
use super::found::Found;
use super::kept::brief;
use super::life::{Forms, Life};
use super::run::{Run, Violation, broken, violation};
use anyhow::Result;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use store::sides::ShownRow;
use store::{ConnectionId, EventId, LinkState, RemoteId, SyncState};

impl Run {
    pub(super) fn check(&mut self) -> Result<(), Violation> {
        let trespasses = self.world.lines.watch.take(true);
        if !trespasses.is_empty() {
            let found = trespasses.join("\n");
            return Err(violation("everybody's rows are their own", found));
        }
        let lost = self.world.lines.patience.take();
        if !lost.is_empty() {
            let found = lost.join("\n");
            return Err(violation("what is in trouble leaves Google alone", found));
        }
        self.removed_stay()?;
        let mut found = self.look().map_err(broken)?;
        let waits = self.leave_out(&mut found);
        self.rows_are_there(&found)?;
        self.events_are_here(&found)?;
        self.forged_are_new(&found)?;
        found.one_each()?;
        for (id, row) in &found.picture.rows {
            if let Some(event) = found.event_of(id) {
                let is_forged = self.has_forged_references(id);
                let own = self.own(&row.row);
                equal(id, row, event, &own, is_forged, self.tells_reminders)?;
            }
        }
        let lives: Vec<_> = self.lives.keys().copied().collect();
        for which in lives.into_iter().filter(|which| !waits.contains(which)) {
            self.kept(which, &found)?;
        }
        self.no_strangers(&found)
    }

    /// Every row that is for Google is one live event there.
    fn rows_are_there(&self, found: &Found) -> Result<(), Violation> {
        for (id, shown) in &found.picture.rows {
            let series = shown
                .row
                .series
                .as_ref()
                .and_then(|id| found.picture.rows.get(id));
            let wanted = shown.row.enabled && series.is_none_or(|series| series.row.enabled);
            let cancelled = shown.row.fields["status"] == "cancelled";
            // An event that is called off has opted out; an occurrence stays, cancelled.
            let wanted = wanted && !(cancelled && shown.row.series.is_none());
            if wanted && !cancelled && found.event_of(id).is_none() {
                let told = format!(
                    "{} {:?} {}",
                    tell(id, shown),
                    found.links_of(id),
                    found.told()
                );
                return Err(violation("every row is in Google", told));
            }
            let state = if wanted {
                SyncState::Synced
            } else {
                SyncState::None
            };
            // A cancelled occurrence that the series does not plan any more asks for nothing.
            let unplanned =
                cancelled && shown.shown.state == SyncState::None && shown.row.series.is_some();
            if shown.shown.state != state && !unplanned {
                return Err(violation(
                    "every row says that it is synced",
                    tell(id, shown),
                ));
            }
        }
        Ok(())
    }

    /// Every live event is one row of each user who sees it.
    fn events_are_here(&self, found: &Found) -> Result<(), Violation> {
        let unseen = self.unseen();
        for (at, event) in &found.events {
            let link = found.link(at);
            let told = || format!("{} {link:?}", brief(event));
            let stays_cancelled = event["status"] == "cancelled";
            let Some(link) = link else {
                if stays_cancelled && says_nothing(found, &unseen, at, event) {
                    continue;
                }
                return Err(violation("every event of Google has one link", told()));
            };
            let row = found.picture.rows.get(&link.event);
            let root = found.picture.rows.get(&link.root);
            // What people do in Google with a series that is not for Google is their own business.
            let is_unheard = root.is_some_and(|root| !root.row.enabled);
            match row {
                None if !stays_cancelled && !is_unheard => {
                    return Err(violation("every event of Google is a row", told()));
                }
                // What is gone from both sides may have changed hands.
                Some(row)
                    if !(stays_cancelled && link.state == LinkState::Deleted)
                        && found.users.get(&at.0).map(|user| &self.people[*user].user)
                            != Some(&row.row.owner) =>
                {
                    return Err(violation("every event of Google is its user's row", told()));
                }
                Some(row)
                    if stays_cancelled
                        && link.state != LinkState::Deleted
                        && row.row.fields["status"] != "cancelled" =>
                {
                    return Err(violation(
                        "what is cancelled in Google is cancelled here",
                        told(),
                    ));
                }
                None | Some(_) => {}
            }
        }
        Ok(())
    }

    /// Series that Google made and ended since the last rest: nobody may have seen them while their
    /// occurrences were cancelled, and Google does not list those again.
    fn unseen(&self) -> BTreeSet<String> {
        // Likewise what came out of the trash, where its occurrences may have been cancelled.
        let came_back = |life: &Life| life.google.gone == Some(false);
        let is_over = |life: &Life| {
            !life.exists && (life.google.ended || came_back(life)) || life.plan.end.is_some()
        };
        let ended = self.lives.iter().filter(|(_, life)| is_over(life));
        let places = ended.filter_map(|(which, _)| self.place(*which));
        places.map(|(_, id)| id).collect()
    }
}

pub(super) fn tell(id: &EventId, shown: &ShownRow) -> String {
    let mut fields = shown.row.fields.clone();
    fields.retain(|_, value| !value.is_null());
    let fields = Value::Object(fields);
    format!(
        "{id} of {} series {:?} {:?} {fields} {:?}",
        shown.row.owner, shown.row.series, shown.row.original_start, shown.shown
    )
}

pub(super) fn said(row: &Map<String, Value>, own: &str) -> Forms {
    let form = |field: Field| (field, field.of_row(row, own));
    Field::ALL.into_iter().map(form).collect()
}

/// An occurrence that was cancelled before the CRM heard of it says nothing at a guest, nor while its series
/// is not for Google, nor where nobody has seen the series, nor of what is no series any more.
fn says_nothing(
    found: &Found,
    unseen: &BTreeSet<String>,
    at: &(ConnectionId, RemoteId),
    event: &Value,
) -> bool {
    let Some(id) = event["recurringEventId"].as_str() else {
        return false;
    };
    let series = (at.0.clone(), RemoteId(id.to_owned()));
    let is_single = |event: &Value| !event["recurrence"].is_array();
    if found.events.get(&series).is_some_and(is_single) {
        return true;
    }
    let series = found.link(&series);
    let leads = series.is_some_and(|series| series.state != LinkState::Deleted);
    !leads || unseen.contains(id)
}

/// Of somebody's private event readers of its calendar see when it is, and nothing else.
pub(super) fn is_hidden(event: &Value) -> bool {
    event["visibility"] == "private" && event["organizer"].is_null()
}

fn equal(
    id: &EventId,
    row: &ShownRow,
    event: &Value,
    own: &str,
    is_forged: bool,
    tells_reminders: bool,
) -> Result<(), Violation> {
    let is_hidden = is_hidden(event);
    let born_here = event["extendedProperties"]["private"]["crmflowEventId"] == id.to_string();
    for field in Field::ALL {
        let (crm, google) = (
            field.of_row(&row.row.fields, own),
            field.of_google(event, own),
        );
        // A copy made in Google carries the references of what it was copied from; where nothing can be written,
        // none are carried. What readers knew of a private event before they lost a right stays.
        let is_carried = born_here && !is_forged && row.shown.access.as_deref() != Some("read");
        let is_shown = (field != Field::Deal || is_carried)
            && (!is_hidden || field == Field::When)
            && (field != Field::Reminders || tells_reminders);
        let differs = field.differs((&row.row.fields, &crm), (event, &google));
        if differs && is_shown {
            let found = format!(
                "{field:?}: {crm:?} here, {google:?} there: {} {}",
                tell(id, row),
                brief(event)
            );
            return Err(violation("both sides are equal", found));
        }
    }
    Ok(())
}
