//! Requests that together meet every method and every kind of resource and field.

use crate::bodies::{Asked, HOLIDAYS, TEAM};
use crate::served::{ANN, BOB};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

impl Asked {
    pub fn calendars(&mut self) -> Result<()> {
        let body = json!({"summary": "Mine", "description": "d", "location": "l", "timeZone": "Europe/Berlin"});
        let made = self.ann("POST", "calendars", body)?;
        let own = format!("calendars/{}", made["id"].as_str().unwrap_or_default());
        self.ann("GET", "calendars/primary", Value::Null)?;
        self.ann("GET", &format!("calendars/{HOLIDAYS}"), Value::Null)?;
        self.ann(
            "PATCH",
            &own,
            json!({"summary": "Renamed", "description": null}),
        )?;
        self.ann("PUT", &own, json!({"summary": "Whole", "timeZone": "UTC"}))?;
        self.ann("DELETE", &own, Value::Null)?;
        self.ann(
            "GET",
            "users/me/calendarList?showDeleted=true&showHidden=true",
            Value::Null,
        )?;
        self.ann("GET", "users/me/settings", Value::Null)?;
        self.ann("GET", "users/me/settings/timezone", Value::Null)?;
        self.ann("GET", "colors", Value::Null)?;
        Ok(())
    }

    pub fn events(&mut self) -> Result<()> {
        let full = json!({
            "id": "full1", "summary": "Full", "description": "d", "location": "l", "colorId": "5",
            "start": {"dateTime": "2031-03-03T10:00:00.5+01:00", "timeZone": "Europe/Berlin"},
            "end": {"dateTime": "2031-03-03T11:00:00+01:00", "timeZone": "Europe/Berlin"},
            "attendees": [{"email": BOB, "comment": "c", "optional": true}, {"email": ANN, "responseStatus": "accepted"},
                {"email": "room@resource.calendar.google.com", "resource": true}, {"email": "x@else.example", "additionalGuests": 2, "displayName": "X"}],
            "reminders": {"useDefault": false, "overrides": [{"method": "popup", "minutes": 5}]},
            "extendedProperties": {"private": {"a": "1"}, "shared": {"b": "2"}},
            "source": {"title": "t", "url": "https://else.example/"}, "visibility": "private", "transparency": "transparent",
            "guestsCanModify": true, "guestsCanInviteOthers": false, "guestsCanSeeOtherGuests": false, "anyoneCanAddSelf": true,
            "attachments": [{"fileUrl": "https://else.example/f", "title": "f", "mimeType": "text/plain"}],
            "conferenceData": {"createRequest": {"requestId": "r", "conferenceSolutionKey": {"type": "hangoutsMeet"}}},
            "sequence": 0, "unknown": {"x": 1}, "kind": "calendar#event", "status": "tentative",
        });
        let query = "conferenceDataVersion=1&supportsAttachments=true&sendUpdates=all";
        self.ann("POST", &format!("calendars/primary/events?{query}"), full)?;
        self.ann("GET", "calendars/primary/events/full1", Value::Null)?;
        self.ann(
            "GET",
            "calendars/primary/events/full1?maxAttendees=1&alwaysIncludeEmail=true",
            Value::Null,
        )?;
        self.ann(
            "PATCH",
            "calendars/primary/events/full1?eventLabelVersion=1",
            json!({"location": null, "eventLabelId": "label"}),
        )?;
        let bare = json!({"start": {"date": "2031-03-04"}, "end": {"date": "2031-03-06"}, "id": "date1", "reminders": {"useDefault": true}});
        self.ann("POST", "calendars/primary/events", bare.clone())?;
        self.ann("PUT", "calendars/primary/events/date1", bare)?;
        self.ann(
            "POST",
            "calendars/primary/events/quickAdd?text=Lunch",
            Value::Null,
        )?;
        let imported = json!({"iCalUID": "u@else.example", "organizer": {"email": "x@else.example"}, "attendees": [{"email": ANN}],
            "start": {"dateTime": "2031-03-05T10:00:00Z"}, "end": {"dateTime": "2031-03-05T11:00:00Z"}, "summary": "Imported"});
        self.ann("POST", "calendars/primary/events/import", imported.clone())?;
        self.ann("POST", "calendars/primary/events/import", imported)?;
        for name in ["meet1", "there1"] {
            let body = json!({"id": name, "summary": name, "start": {"dateTime": "2031-03-06T10:00:00Z"}, "end": {"dateTime": "2031-03-06T11:00:00Z"}});
            self.ann("POST", &format!("calendars/{TEAM}/events"), body)?;
        }
        self.ann(
            "POST",
            &format!("calendars/{TEAM}/events/meet1/move?destination=primary&sendUpdates=all"),
            Value::Null,
        )?;
        Ok(())
    }

    pub fn series(&mut self) -> Result<()> {
        let weekly = json!({"id": "series1", "summary": "Weekly", "attendees": [{"email": BOB}], "extendedProperties": {"private": {"a": "1"}},
            "start": {"dateTime": "2031-03-03T10:00:00", "timeZone": "Europe/Berlin"}, "end": {"dateTime": "2031-03-03T11:00:00", "timeZone": "Europe/Berlin"},
            "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=8", "EXDATE;TZID=Europe/Berlin:20310310T100000"]});
        self.ann("POST", "calendars/primary/events?sendUpdates=all", weekly)?;
        let daily = json!({"id": "series2", "start": {"date": "2031-03-03"}, "end": {"date": "2031-03-04"}, "recurrence": ["RRULE:FREQ=DAILY;COUNT=5"]});
        self.ann("POST", "calendars/primary/events", daily)?;
        let instances = self.ann(
            "GET",
            "calendars/primary/events/series1/instances?maxResults=2",
            Value::Null,
        )?;
        ensure!(instances["nextPageToken"].is_string(), "{instances}");
        self.ann(
            "PATCH",
            "calendars/primary/events/series1_20310317T090000Z",
            json!({"summary": "Exception"}),
        )?;
        self.ann(
            "DELETE",
            "calendars/primary/events/series1_20310324T090000Z",
            Value::Null,
        )?;
        self.ann(
            "PATCH",
            "calendars/primary/events/series2_20310304",
            json!({"status": "cancelled"}),
        )?;
        self.ann(
            "GET",
            "calendars/primary/events/series1_20310324T090000Z",
            Value::Null,
        )?;
        self.ann(
            "GET",
            "calendars/primary/events/series1/instances?showDeleted=true",
            Value::Null,
        )?;
        self.ann(
            "GET",
            "calendars/primary/events/series2/instances?showDeleted=true",
            Value::Null,
        )?;
        let split =
            json!({"user": ANN, "id": "series1_20310407T080000Z", "changes": {"summary": "Later"}});
        self.control("ui/split", split)?;
        self.bob(
            "GET",
            "calendars/primary/events?showDeleted=true",
            Value::Null,
        )?;
        Ok(())
    }

    pub fn shared(&mut self) -> Result<()> {
        let rule = json!({"role": "freeBusyReader", "scope": {"type": "user", "value": BOB}});
        self.ann(
            "POST",
            "calendars/primary/acl?sendNotifications=false",
            rule,
        )?;
        self.ann(
            "POST",
            &format!("calendars/{TEAM}/acl"),
            json!({"role": "reader", "scope": {"type": "user", "value": BOB}}),
        )?;
        self.ann("GET", "calendars/primary/acl", Value::Null)?;
        let at = format!("calendars/{ANN}/events");
        self.bob("GET", &at, Value::Null)?;
        self.control(
            &format!("calendars/{ANN}/share"),
            json!({"user": BOB, "role": "reader"}),
        )?;
        self.bob(
            "GET",
            &format!("{at}?singleEvents=true&orderBy=startTime&maxResults=5"),
            Value::Null,
        )?;
        self.bob("GET", &format!("{at}/full1"), Value::Null)?;
        self.bob("GET", &format!("users/me/calendarList/{ANN}"), Value::Null)?;
        let answered = json!({"user": BOB, "id": "full1", "response": "tentative"});
        self.control("ui/answer", answered)?;
        Ok(())
    }

    pub fn listed(&mut self) -> Result<()> {
        let entry = json!({"id": TEAM, "selected": true, "colorId": "3"});
        self.bob("POST", "users/me/calendarList", entry)?;
        let colours = json!({"backgroundColor": "#112233", "foregroundColor": "#000000", "summaryOverride": "T", "hidden": true,
            "defaultReminders": [{"method": "email", "minutes": 10}], "notificationSettings": {"notifications": [{"type": "eventCreation", "method": "email"}]}});
        self.bob(
            "PATCH",
            &format!("users/me/calendarList/{TEAM}?colorRgbFormat=true"),
            colours.clone(),
        )?;
        self.bob(
            "PUT",
            &format!("users/me/calendarList/{TEAM}?colorRgbFormat=true"),
            colours,
        )?;
        self.bob(
            "GET",
            "users/me/calendarList?minAccessRole=reader",
            Value::Null,
        )?;
        self.bob(
            "DELETE",
            &format!("users/me/calendarList/{TEAM}"),
            Value::Null,
        )?;
        let query = json!({"timeMin": "2031-03-01T00:00:00Z", "timeMax": "2031-04-01T00:00:00Z", "timeZone": "Europe/Berlin",
            "groupExpansionMax": 5, "calendarExpansionMax": 5, "items": [{"id": ANN}, {"id": "nobody@else.example"}]});
        self.bob("POST", "freeBusy", query)?;
        self.ann(
            "DELETE",
            &format!("calendars/primary/acl/user:{BOB}"),
            Value::Null,
        )?;
        Ok(())
    }

    pub fn rules(&mut self) -> Result<()> {
        let at = format!("calendars/{TEAM}/acl");
        for (scope, role) in [
            (json!({"type": "default"}), "freeBusyReader"),
            (json!({"type": "domain", "value": "example.com"}), "reader"),
            (json!({"type": "group", "value": "g@example.com"}), "writer"),
        ] {
            self.ann("POST", &at, json!({"role": role, "scope": scope}))?;
        }
        let (group, domain) = ("group:g@example.com", "domain:example.com");
        self.ann("GET", &format!("{at}/default"), Value::Null)?;
        self.ann("PATCH", &format!("{at}/{group}"), json!({"role": "reader"}))?;
        let whole = json!({"role": "owner", "scope": {"type": "domain", "value": "example.com"}});
        self.ann("PUT", &format!("{at}/{domain}"), whole)?;
        self.ann("GET", &format!("{at}?maxResults=1"), Value::Null)?;
        let rules = self.ann("GET", &at, Value::Null)?;
        self.ann("DELETE", &format!("{at}/{group}"), Value::Null)?;
        self.ann("GET", &format!("{at}?showDeleted=true"), Value::Null)?;
        let settings = self.ann("GET", "users/me/settings", Value::Null)?;
        for (path, list) in [(at.as_str(), &rules), ("users/me/settings", &settings)] {
            if let Some(token) = list["nextSyncToken"].as_str() {
                let path = format!("{path}?{}", query(&[("syncToken", token)]));
                self.ann("GET", &path, Value::Null)?;
            }
        }
        self.ann("GET", "users/me/settings?maxResults=1", Value::Null)?;
        Ok(())
    }

    pub fn lists(&mut self) -> Result<()> {
        let at = "calendars/primary/events";
        let calendars = self.ann("GET", "users/me/calendarList", Value::Null)?;
        let whole = self.ann("GET", &format!("{at}?showDeleted=true"), Value::Null)?;
        let expanded = self.ann("GET", &format!("{at}?singleEvents=true&timeMin=2031-03-01T00:00:00Z&timeMax=2031-05-01T00:00:00%2B02:00"), Value::Null)?;
        for query in [
            "q=Full",
            "iCalUID=u@else.example",
            "updatedMin=2031-03-03T00:00:00Z",
            "eventTypes=default",
            "privateExtendedProperty=a%3D1",
            "fields=items(id,start/dateTime),nextSyncToken",
            "timeZone=Asia/Tokyo&alwaysIncludeEmail=true&maxAttendees=1",
        ] {
            self.ann("GET", &format!("{at}?{query}"), Value::Null)?;
        }
        self.ann(
            "DELETE",
            &format!("{at}/full1?sendUpdates=all"),
            Value::Null,
        )?;
        self.ann("DELETE", &format!("{at}/series1"), Value::Null)?;
        self.ann("GET", &format!("{at}/full1"), Value::Null)?;
        self.ann(
            "PATCH",
            &format!("users/me/calendarList/{TEAM}"),
            json!({"selected": false}),
        )?;
        for (path, list) in [
            (at, &whole),
            (at, &expanded),
            ("users/me/calendarList", &calendars),
        ] {
            let token = list["nextSyncToken"].as_str().context("no token")?;
            let mut pairs = vec![("syncToken", token)];
            if list == &expanded {
                pairs.push(("singleEvents", "true"));
            }
            self.ann("GET", &format!("{path}?{}", query(&pairs)), Value::Null)?;
        }
        Ok(())
    }

    pub fn channels(&mut self) -> Result<()> {
        for (n, at) in [
            "calendars/primary/events",
            "calendars/primary/acl",
            "users/me/calendarList",
            "users/me/settings",
        ]
        .iter()
        .enumerate()
        {
            let wanted = json!({"id": format!("channel-{n}"), "type": "web_hook", "address": "https://app.example/hook", "token": "t", "params": {"ttl": "600"}, "payload": true});
            let channel = self.ann("POST", &format!("{at}/watch"), wanted)?;
            let stop = json!({"id": channel["id"], "resourceId": channel["resourceId"]});
            self.ann("POST", "channels/stop", stop)?;
        }
        Ok(())
    }

    pub fn ends(&mut self) -> Result<()> {
        let restored = json!({"user": ANN, "id": "full1"});
        // A switch forbids it.
        _ = self.control("ui/restore", restored);
        self.ann(
            "GET",
            "calendars/primary/events?showDeleted=true&maxResults=2500",
            Value::Null,
        )?;
        self.ann("POST", "calendars/primary/clear", Value::Null)?;
        self.ann(
            "GET",
            "calendars/primary/events?showDeleted=true",
            Value::Null,
        )?;
        Ok(())
    }
}

fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs).finish()
}
