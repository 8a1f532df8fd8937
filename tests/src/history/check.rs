//! What must hold whenever a history is at rest.

use super::field::Field;
use super::life::{Forms, Life};
use super::run::{Run, Violation, broken, violation};
use super::step::Which;
use anyhow::Result;
use http::Method;
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything that is there.
struct Found {
    /// Rows by id.
    rows: BTreeMap<String, Value>,
    /// `{event_id, root_id, google_id, calendar, is_primary, state}`.
    links: Vec<Value>,
    /// What Google shows by calendar and id, cancelled occurrences included.
    events: BTreeMap<(String, String), Value>,
}

impl Run<'_> {
    pub(super) async fn check(&mut self) -> Result<(), Violation> {
        let refused = self.system.database.take_refusals();
        if !refused.is_empty() {
            let found = format!("{refused:#?}");
            return Err(violation("the database's functions do not fail", found));
        }
        let found = self.look().await.map_err(broken)?;
        one_to_one(&found, &self.unseen())?;
        for (id, row) in &found.rows {
            if let Some(event) = found.event_of(id) {
                let own = self.own(row);
                equal(row, event, &own)?;
            }
        }
        let lives: Vec<Which> = self.lives.keys().copied().collect();
        for which in lives {
            self.kept(which, &found).await?;
        }
        Ok(())
    }

    /// The address of the account that a row's owner connected.
    pub(super) fn own(&self, row: &Value) -> String {
        let owner = self
            .people
            .iter()
            .find(|person| row["owner_id"] == person.id.as_str());
        owner.map_or_else(String::new, |person| person.email.clone())
    }

    /// Series that Google made and ended since the last rest: nobody may have seen them while their
    /// occurrences were cancelled, and Google does not list those again.
    fn unseen(&self) -> Vec<String> {
        let ended = |life: &&Life| !life.exists && life.google.ended;
        let places = self.lives.values().filter(ended);
        places
            .filter_map(|life| life.place.as_ref())
            .map(|(_, id)| id.clone())
            .collect()
    }

    async fn look(&self) -> Result<Found> {
        let rows =
            "select coalesce(jsonb_object_agg(e.id, to_jsonb(e)), '{}') from public.events e";
        let links = "select coalesce(jsonb_agg(jsonb_build_object('event_id', l.event_id, 'root_id', l.root_id, 'google_id', l.google_id, 'calendar', c.google_id,
                'is_primary', l.is_primary, 'state', l.state)), '[]') from tandem.links l join tandem.calendars c on c.id = l.calendar_id";
        let mut events = BTreeMap::new();
        for (person, calendars) in self.people.iter().zip(&self.calendars) {
            for calendar in calendars {
                let path = format!("calendars/{calendar}/events?maxResults=2500");
                let list =
                    self.system
                        .google_as(&person.email, Method::GET, &path, &Value::Null)?;
                for event in list["items"].as_array().cloned().unwrap_or_default() {
                    let id = event["id"].as_str().unwrap_or_default().to_owned();
                    events.insert((calendar.clone(), id), event);
                }
            }
        }
        let links: Vec<Value> = serde_json::from_value(self.system.value(links).await?)?;
        for link in &links {
            // An exception that says nothing else than its series is an occurrence, which no list shows.
            let (calendar, id) = place(link);
            let unlisted =
                link["state"] == "live" && id.contains('_') && !events.contains_key(&place(link));
            let owner = self
                .calendars
                .iter()
                .position(|all| all.contains(&calendar));
            if let (Some(owner), true) = (owner, unlisted) {
                let path = format!("calendars/{calendar}/events/{id}");
                let email = &self.people[owner].email;
                if let Ok(event) = self
                    .system
                    .google_as(email, Method::GET, &path, &Value::Null)
                {
                    events.insert((calendar, id), event);
                }
            }
        }
        Ok(Found {
            rows: serde_json::from_value(self.system.value(rows).await?)?,
            links,
            events,
        })
    }

    /// What each side did to one event since the last rest is there, and nothing else.
    async fn kept(&mut self, which: Which, found: &Found) -> Result<(), Violation> {
        let id = self.row(which).await.map_err(broken)?;
        let row = id.as_ref().and_then(|id| found.rows.get(id));
        let row = row.filter(|row| row["status"] != "cancelled");
        let own = row.map(|row| self.own(row)).unwrap_or_default();
        let said = row.map(|row| said(row, &own));
        let series_moved = matches!(which, Which::Occurrence(..)) && self.series_acted(which);
        let series = self.lives.get(&Which::Event(which.event()));
        let series_enabled = series.is_none_or(|series| series.enabled);
        let life = self.life(which);
        // Nobody listens to what becomes of an event in Google while its row is not for Google.
        let unheard = !(life.enabled && series_enabled) && life.google.acted;
        if unheard || series_moved || matches!(which, Which::Occurrence(..)) && row.is_none() {
            life.unsettled = true;
        }
        // What comes back takes with it what the CRM had set before it went; and a guest's copy has colours of
        // its own.
        let came_back = !life.exists && life.google.gone.is_some();
        if came_back || row.is_some_and(|row| row["google_access"] == "guest") {
            life.unsettled = true;
        }
        // What is back after its row was deleted is what it is in Google.
        let deleted = life.crm.ended || came_back;
        if let (true, Some(row)) = (deleted, row) {
            life.enabled = row["google_sync_enabled"] == true;
        }
        let told = || {
            format!(
                "{which:?}: {} since the last rest: {life:?}",
                row.map_or_else(String::new, brief)
            )
        };
        if !life.unsettled && life.must_exist().is_some_and(|must| must != row.is_some()) {
            let promise = match row {
                Some(_) => "what was deleted and nobody touched is gone",
                None => "what nobody deleted is there",
            };
            return Err(violation(promise, told()));
        }
        for (field, value) in said.iter().flatten() {
            let may = life.may_say(*field);
            if may.is_some_and(|may| !may.contains(value.as_str())) {
                let found = format!("{field:?} is {value:?}: {}", told());
                return Err(violation("no edit is lost and nothing else changes", found));
            }
        }
        if said.as_ref().is_some_and(|said| life.lost_its_plan(said)) {
            return Err(violation("of two plans of a series one is kept", told()));
        }
        let shown = id.as_ref().and_then(|id| found.event_of(id)).is_some();
        if row.is_some()
            && life.enabled != shown
            && life.google.gone != Some(false)
            && matches!(which, Which::Event(_))
        {
            return Err(violation("Google has what is for Google", told()));
        }
        life.rest(said);
        Ok(())
    }

    fn series_acted(&self, which: Which) -> bool {
        let series = self.lives.get(&Which::Event(which.event()));
        // Its series' life has come to rest before its own.
        series.is_none_or(|life| life.was_touched || !life.exists)
    }

    /// Every write to Google since the last rest had a reason; how many there were.
    pub(super) async fn check_written(&mut self) -> Result<usize, Violation> {
        let written = self.system.take_written();
        let by_id = self.lives_by_google_id().await.map_err(broken)?;
        for write in &written {
            let id = write.path.rsplit('/').next().unwrap_or_default();
            let Some(life) = by_id.get(id).and_then(|which| self.lives.get(which)) else {
                continue;
            };
            if write.method != Method::PATCH {
                continue;
            }
            let body = write.body.as_object().into_iter().flatten();
            let fields = body.filter_map(|(key, _)| Field::of_key(key));
            let whole = std::iter::once(None);
            for field in whole.chain(fields.map(Some)) {
                if !life.may_write(field) {
                    let found = format!("{field:?} in {write:?} of {life:?}");
                    return Err(violation("only what the CRM changed is written", found));
                }
            }
        }
        Ok(written.len())
    }

    async fn lives_by_google_id(&self) -> Result<BTreeMap<String, Which>> {
        let links = "select coalesce(jsonb_object_agg(l.google_id, l.event_id), '{}') from tandem.links l where l.is_primary";
        let links: BTreeMap<String, String> =
            serde_json::from_value(self.system.value(links).await?)?;
        let mut lives = BTreeMap::new();
        for which in self
            .lives
            .keys()
            .filter(|which| matches!(which, Which::Event(_)))
        {
            let row = self.row(*which).await?;
            for (google_id, _) in links
                .iter()
                .filter(|(_, event)| Some(*event) == row.as_ref())
            {
                lives.insert(google_id.clone(), *which);
            }
        }
        Ok(lives)
    }
}

impl Found {
    /// The live event of a row.
    fn event_of(&self, row: &str) -> Option<&Value> {
        let link = self.links.iter().find(|link| {
            link["event_id"] == row && link["is_primary"] == true && link["state"] == "live"
        })?;
        self.events
            .get(&place(link))
            .filter(|event| event["status"] != "cancelled")
    }
}

fn place(link: &Value) -> (String, String) {
    let text = |name: &str| link[name].as_str().unwrap_or_default().to_owned();
    (text("calendar"), text("google_id"))
}

pub(super) fn said(row: &Value, own: &str) -> Forms {
    let form = |field: Field| (field, field.of_row(row, own));
    Field::ALL.into_iter().map(form).collect()
}

/// Every row that is for Google is one live event there, and every live event is one row.
fn one_to_one(found: &Found, unseen: &[String]) -> Result<(), Violation> {
    rows_are_there(found)?;
    events_are_here(found, unseen)?;
    let mut taken = BTreeMap::new();
    for link in found
        .links
        .iter()
        .filter(|link| link["state"] == "live" && link["is_primary"] == true)
    {
        if let Some(other) = taken.insert(link["event_id"].to_string(), link) {
            return Err(violation("no row is two events", format!("{link} {other}")));
        }
    }
    Ok(())
}

fn rows_are_there(found: &Found) -> Result<(), Violation> {
    for (id, row) in &found.rows {
        let series = row["recurring_event_id"]
            .as_str()
            .and_then(|id| found.rows.get(id));
        let wanted = row["google_sync_enabled"] == true
            && series.is_none_or(|series| series["google_sync_enabled"] == true);
        let cancelled = row["status"] == "cancelled";
        if wanted && !cancelled && found.event_of(id).is_none() {
            let told = format!("{} {:?} {}", brief(row), found.links, events(found));
            return Err(violation("every row is in Google", told));
        }
        let state = if wanted { "synced" } else { "none" };
        // A cancelled occurrence that the series does not plan any more asks for nothing.
        let unplanned =
            cancelled && row["sync_state"] == "none" && !row["recurring_event_id"].is_null();
        if row["sync_state"] != state && !unplanned {
            return Err(violation("every row says that it is synced", brief(row)));
        }
    }
    Ok(())
}

fn events_are_here(found: &Found, unseen: &[String]) -> Result<(), Violation> {
    for (at, event) in &found.events {
        let links: Vec<&Value> = found
            .links
            .iter()
            .filter(|link| place(link) == *at)
            .collect();
        let told = || format!("{} {links:?}", brief(event));
        if links.is_empty() && says_nothing(found, unseen, at, event) {
            continue;
        }
        let [link] = links.as_slice() else {
            return Err(violation("every event of Google has one link", told()));
        };
        let row_of = |name: &str| link[name].as_str().and_then(|id| found.rows.get(id));
        let row = row_of("event_id");
        let stays_cancelled = event["status"] == "cancelled";
        // A copy of a series may have exceptions that the one that counts does not have.
        let is_of_copy = link["is_primary"] == false && row_of("root_id").is_some();
        // What people do in Google with a series that is not for Google is their own business.
        let is_unheard = row_of("root_id").is_some_and(|root| root["google_sync_enabled"] == false);
        match row {
            None if !stays_cancelled && !is_of_copy && !is_unheard => {
                return Err(violation("every event of Google is a row", told()));
            }
            Some(row)
                if stays_cancelled
                    && link["state"] != "gone"
                    && row["status"] != "cancelled"
                    && link["is_primary"] == true =>
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

/// An occurrence that was cancelled before the CRM heard of it says nothing at a guest, nor while its series
/// is not for Google, nor where nobody has seen the series.
fn says_nothing(found: &Found, unseen: &[String], at: &(String, String), event: &Value) -> bool {
    let Some(id) = event["recurringEventId"].as_str() else {
        return false;
    };
    let series = (at.0.clone(), id.to_owned());
    let leads = |link: &Value| {
        place(link) == series && link["is_primary"] == true && link["state"] != "gone"
    };
    event["status"] == "cancelled"
        && (!found.links.iter().any(leads) || unseen.iter().any(|unseen| unseen == id))
}

fn equal(row: &Value, event: &Value, own: &str) -> Result<(), Violation> {
    let born_here = event["extendedProperties"]["private"]["crmflowEventId"] == row["id"];
    for field in Field::ALL {
        let (crm, google) = (field.of_row(row, own), field.of_google(event, own));
        // A copy made in Google carries the references of what it was copied from.
        if crm != google && (field != Field::Deal || born_here) {
            let found = format!(
                "{field:?}: {crm:?} here, {google:?} there: {} {}",
                brief(row),
                brief(event)
            );
            return Err(violation("both sides are equal", found));
        }
    }
    Ok(())
}

/// Without what is not there, and without times that say nothing.
fn brief(object: &Value) -> String {
    let mut object = object.as_object().cloned().unwrap_or_default();
    let dull = [
        "created_at",
        "kind",
        "htmlLink",
        "iCalUID",
        "reminders",
        "eventType",
        "creator",
        "etag",
        "created",
    ];
    object.retain(|name, value| !value.is_null() && !dull.contains(&name.as_str()));
    Value::Object(object).to_string()
}

fn events(found: &Found) -> String {
    let all: Vec<String> = found.events.values().map(brief).collect();
    all.join(" ")
}
