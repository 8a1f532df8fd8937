//! Google Calendar as a provider, for one account.

use crate::events::list::Next;
use crate::events::{Item, delete, get, insert, instances, list, patch};
use crate::map::is_split_off;
use crate::provider_error::{no_occurrence, page_error, provider_error};
use crate::{AccessToken, CalendarId, Etag, EventId, PageToken, SendUpdates, SyncToken};
use crate::{remote_event, write_body};
use ::event::OriginalStart;
use bytes::Bytes;
use http_client::{HttpClient, TransportError};
use provider::{ListRequest, Listed, Mail, Method, Page, Provider, ProviderError};
use provider::{Unreadable, Write};
use std::cell::Cell;
use url::Url;

/// Google Calendar, for one account.
pub struct GoogleCalendar<D> {
    /// The way out.
    pub client: D,
    /// Where the Calendar API answers.
    pub api: Url,
    /// The account's access token.
    pub token: AccessToken,
    units: Cell<i64>,
}

/// What Google counts of its quota for a call of the Calendar API: three for `events.patch`
/// (<https://developers.google.com/workspace/calendar/api/v3/reference/events/patch>).
pub fn quota_units(method: &http::Method) -> u32 {
    if *method == http::Method::PATCH { 3 } else { 1 }
}

impl<D> GoogleCalendar<D> {
    /// Google Calendar, as the token's account sees it.
    pub fn new(client: D, api: Url, token: AccessToken) -> Self {
        Self {
            client,
            api,
            token,
            units: Cell::new(0),
        }
    }
}

impl<D: HttpClient> Provider for GoogleCalendar<D> {
    fn take_units(&self) -> i64 {
        self.units.take()
    }

    async fn list(&self, request: &ListRequest) -> Result<Page, ProviderError> {
        let calendar = CalendarId::from(request.calendar.as_str());
        let since = request.sync_token.as_deref().map(SyncToken::from);
        let page = request.page_token.as_deref().map(PageToken::from);
        let request = list::request(
            &self.api,
            &self.token,
            &calendar,
            since.as_ref(),
            page.as_ref(),
        );
        let page = list::answer(self.send(request).await);
        let page = page.map_err(|error| page_error(&error))?;
        let (next_page, sync_token) = match page.next {
            Next::Page(token) => (Some(token.as_str().to_owned()), None),
            Next::Sync(token) => (None, Some(token.as_str().to_owned())),
        };
        Ok(Page {
            items: page.items.into_iter().map(listed).collect(),
            next_page,
            sync_token,
            access_role: page.access_role.map(|role| role.as_str().to_owned()),
            time_zone: page.time_zone,
            summary: page.summary,
        })
    }

    async fn get(&self, calendar: &str, id: &str) -> Result<Listed, ProviderError> {
        let (calendar, id) = (CalendarId::from(calendar), EventId::from(id));
        let request = get::request(&self.api, &self.token, &calendar, &id);
        let item = get::item(self.send(request).await);
        item.map(listed).map_err(|error| provider_error(&error))
    }

    async fn occurrence(
        &self,
        calendar: &str,
        series: &str,
        start: OriginalStart,
    ) -> Result<Listed, ProviderError> {
        let series = EventId::from(series);
        if !is_split_off(&series) {
            let id = format!("{series}_{}", start.instance_suffix());
            return self.get(calendar, &id).await;
        }
        let (api, token, calendar) = (&self.api, &self.token, CalendarId::from(calendar));
        let request = instances::request(api, token, &calendar, &series, &start.to_string());
        let items = instances::answer(self.send(request).await);
        let mut items = items.map_err(|error| provider_error(&error))?.into_iter();
        let planned = Some(start.to_string());
        let is_it = |listed: &Listed| {
            let event = listed.event.as_ref();
            event.is_ok_and(|event| event.original_start == planned)
        };
        items
            .find_map(|item| Some(listed(item)).filter(is_it))
            .ok_or_else(no_occurrence)
    }

    async fn probe(&self, calendar: &str) -> Result<(), ProviderError> {
        let calendar = CalendarId::from(calendar);
        let request = list::probe(&self.api, &self.token, &calendar);
        let page = list::answer(self.send(request).await);
        page.map(drop).map_err(|error| page_error(&error))
    }

    async fn write(
        &self,
        calendar: &str,
        id: &str,
        write: &Write,
    ) -> Result<Option<Listed>, ProviderError> {
        let (calendar, event) = (CalendarId::from(calendar), EventId::from(id));
        let mail = match write.mail {
            Mail::None => SendUpdates::None,
            Mail::External => SendUpdates::ExternalOnly,
            Mail::All => SendUpdates::All,
        };
        let (api, token) = (&self.api, &self.token);
        let body = write_body(id, write).unwrap_or_default();
        let answer = match &write.method {
            Method::Insert => {
                let request = insert::request(api, token, &calendar, &event, &body, mail);
                self.send(request).await
            }
            Method::Patch { etag } | Method::Restore { etag } | Method::Cancel { etag } => {
                let etag = Etag::from(etag.as_str());
                let request = patch::request(api, token, &calendar, &event, &etag, &body, mail);
                self.send(request).await
            }
            Method::Delete { etag } => {
                let etag = Etag::from(etag.as_str());
                let request = delete::request(api, token, &calendar, &event, &etag, mail);
                let answer = delete::answer(self.send(request).await);
                return answer
                    .map(|()| None)
                    .map_err(|error| provider_error(&error));
            }
        };
        let item = get::item(answer).map_err(|error| provider_error(&error))?;
        Ok(Some(listed(item)))
    }
}

impl<D: HttpClient> GoogleCalendar<D> {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let units = quota_units(request.method());
        self.units.set(self.units.get() + i64::from(units));
        self.client.send(request).await
    }
}

/// An event as it came, read as far as it can be.
pub fn listed(item: Item) -> Listed {
    let event = match &item.event {
        Ok(event) => remote_event(event).map_err(|why| Unreadable {
            id: Some(event.id.as_str().to_owned()),
            etag: event.etag.as_ref().map(|etag| etag.as_str().to_owned()),
            why: why.to_string(),
        }),
        Err(error) => Err(Unreadable {
            id: error.id.as_ref().map(|id| id.as_str().to_owned()),
            etag: None,
            why: error.to_string(),
        }),
    };
    Listed {
        raw: item.raw,
        event,
    }
}
