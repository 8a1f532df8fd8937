//! Google to CRM, one calendar: claim, then list and apply page after page; the token is stored with
//! the last one.

use super::Env;
use super::token::{self, Access};
use crate::crm::RowId;
use crate::db::DbError;
use crate::db::pull::{
    self as db, About, Applied, Apply, Claim, Claimed, Cursor, Failure, Item, Trigger,
};
use crate::db::push_record::{NewToken, Pause};
use crate::decide::pull::{absent, item};
use crate::decide::refusal::backoff;
use crate::google::events::list::{self, Next, Page};
use crate::google::events::{Item as Listed, get};
use crate::google::{AccessToken, EventId, GoogleError, PageToken, SyncToken};
use http_client::HttpClient;
use provider::Class;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a pull came to.
#[derive(Debug, PartialEq, Eq, Default, Serialize)]
pub struct Pulled {
    /// Pages applied.
    pub pages: u32,
    /// How many items were what.
    pub counts: BTreeMap<String, u64>,
    /// Events whose job has to merge.
    #[serde(skip)]
    pub due: Vec<RowId>,
    /// Why it stopped before the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// Pages that one request lists at most; the rest stays due.
const PAGES: u32 = 20;

/// Lists a calendar until nothing is new, within a bound.
///
/// # Errors
/// [`DbError`]: the database did not answer; the listing goes on where the last stored page ended.
pub async fn pull<D: HttpClient>(env: &Env<'_, D>, trigger: &Trigger) -> Result<Pulled, DbError> {
    pull_pages(env, trigger, PAGES).await
}

/// Lists a calendar, so many pages at most.
///
/// # Errors
/// As [`pull`].
pub async fn pull_pages<D: HttpClient>(
    env: &Env<'_, D>,
    trigger: &Trigger,
    most: u32,
) -> Result<Pulled, DbError> {
    let config = env.config;
    let digest = list::parameters_digest();
    let mut pulled = Pulled::default();
    let mut next = trigger.clone();
    while pulled.pages < most {
        let claim = db::claim(
            env.door,
            &config.database,
            config.instance(),
            &digest,
            &next,
        )
        .await?;
        let claimed = match claim {
            Claim::Claimed(claimed) => *claimed,
            Claim::Nothing { reason } | Claim::Busy { reason } | Claim::Waiting { reason } => {
                if pulled.pages == 0 {
                    pulled.stopped = Some(reason);
                }
                break;
            }
        };
        let calendar_id = claimed.calendar_id;
        let mut listing = Listing {
            env,
            claimed,
            digest: &digest,
            most,
            trigger: &next,
            new_token: None,
            refreshed: false,
        };
        match listing.run(&mut pulled).await? {
            Ended::Complete => break,
            Ended::Again => next = Trigger::Calendar { calendar_id },
            Ended::Stopped(reason) => {
                pulled.stopped = Some(reason);
                break;
            }
        }
    }
    Ok(pulled)
}

enum Ended {
    Complete,
    Again,
    Stopped(String),
}

struct Listing<'a, D> {
    env: &'a Env<'a, D>,
    claimed: Claimed,
    digest: &'a str,
    most: u32,
    trigger: &'a Trigger,
    new_token: Option<NewToken>,
    refreshed: bool,
}

impl<D: HttpClient> Listing<'_, D> {
    async fn run(&mut self, pulled: &mut Pulled) -> Result<Ended, DbError> {
        self.refreshed = self.claimed.token.refresh;
        let mut access = match token::open(self.env, &self.claimed.token).await {
            Ok(access) => access,
            Err(error) => return self.fail(&later(error.reason())).await,
        };
        let (mut page_token, mut as_of) = (self.claimed.page_token.clone(), self.claimed.as_of);
        loop {
            let page = match self.next_page(&mut access, page_token.as_ref()).await {
                Ok(page) => page,
                Err(failure) => {
                    let ended = self.fail(&failure).await?;
                    let again = failure.resync || failure.restart;
                    return Ok(if again { Ended::Again } else { ended });
                }
            };
            let end = match &page.next {
                Next::Sync(token) => Some(token.clone()),
                Next::Page(_) => None,
            };
            let Some((more, after)) = self.apply(page, page_token.as_ref(), as_of, pulled).await?
            else {
                return Ok(Ended::Stopped("another instance took over".to_owned()));
            };
            (as_of, page_token) = after;
            pulled.pages += 1;
            if let Some(sync_token) = end {
                if !self.claimed.reads.is_empty() {
                    return self
                        .read_each(&access.token, sync_token, as_of, pulled)
                        .await;
                }
                return Ok(if more { Ended::Again } else { Ended::Complete });
            }
            if pulled.pages >= self.most {
                let reason = "the rest of the listing follows".to_owned();
                return self
                    .fail(&Failure {
                        reason,
                        ..Failure::default()
                    })
                    .await;
            }
        }
    }

    /// Lists one page; a token that is not accepted is refreshed once.
    async fn next_page(
        &mut self,
        access: &mut Access,
        page: Option<&PageToken>,
    ) -> Result<Page, Failure> {
        if access.new.is_some() {
            self.new_token = access.new.take();
        }
        let mut listed = self.list(&access.token, page).await;
        if !self.refreshed && listed.as_ref().is_err_and(GoogleError::is_unauthorized) {
            self.refreshed = true;
            let renewed = token::renew(self.env, &self.claimed.token).await;
            *access = renewed.map_err(|error| later(error.reason()))?;
            self.new_token = access.new.take();
            listed = self.list(&access.token, page).await;
        }
        let page = listed.map_err(|error| self.failure(&error, page.is_some()))?;
        if page
            .access_role
            .as_ref()
            .is_some_and(|role| !role.can_read())
        {
            let reason =
                "this calendar no longer shows its events to the connected account".to_owned();
            let delay_seconds = 3600.0;
            return Err(Failure {
                reason,
                delay_seconds,
                ..Failure::default()
            });
        }
        Ok(page)
    }

    async fn list(
        &self,
        token: &AccessToken,
        page: Option<&PageToken>,
    ) -> Result<Page, GoogleError> {
        let request = list::request(
            &self.env.config.google.api,
            token,
            &self.claimed.google_id,
            self.claimed.sync_token.as_ref(),
            page,
        );
        list::answer(self.env.door.send(request).await)
    }

    /// Series whose exceptions were listed without them, and items that are to be tried once more.
    async fn read_each(
        &mut self,
        token: &AccessToken,
        sync_token: SyncToken,
        as_of: i64,
        pulled: &mut Pulled,
    ) -> Result<Ended, DbError> {
        let mut items = Vec::new();
        for id in std::mem::take(&mut self.claimed.reads) {
            match self.get(token, &id).await {
                Ok(listed) => items.push(item(listed)),
                Err(error) if error.is_gone() => items.push(absent(id)),
                Err(error) => return self.fail(&self.failure(&error, false)).await,
            }
        }
        let (cursor, about) = (Cursor::End { sync_token }, About::default());
        match self.send(&items, &cursor, &about, as_of).await? {
            Applied::Applied(stored) => {
                pulled.due.extend(stored.due);
                Ok(if stored.more {
                    Ended::Again
                } else {
                    Ended::Complete
                })
            }
            Applied::Fenced => Ok(Ended::Stopped("another instance took over".to_owned())),
        }
    }

    async fn get(&self, token: &AccessToken, id: &EventId) -> Result<Listed, GoogleError> {
        let api = &self.env.config.google.api;
        let request = get::request(api, token, &self.claimed.google_id, id);
        get::item(self.env.door.send(request).await)
    }

    /// Applies a page whole, or in halves where the database finds it too much. None: fenced off.
    async fn apply(
        &mut self,
        page: Page,
        from: Option<&PageToken>,
        as_of: i64,
        pulled: &mut Pulled,
    ) -> Result<Option<(bool, (i64, Option<PageToken>))>, DbError> {
        let about = About {
            access_role: page.access_role.map(|role| role.to_string()),
            time_zone: page.time_zone,
            summary: page.summary,
        };
        let (end, next_page) = match page.next {
            Next::Page(token) => (
                Cursor::Page {
                    page_token: Some(token.clone()),
                },
                Some(token),
            ),
            Next::Sync(sync_token) => (Cursor::End { sync_token }, None),
        };
        let same = Cursor::Page {
            page_token: from.cloned(),
        };
        let items: Vec<Item> = page.items.into_iter().map(item).collect();
        let (mut rest, mut size) = (items.as_slice(), items.len().max(1));
        loop {
            let (chunk, remaining) = rest.split_at(size.min(rest.len()));
            let cursor = if remaining.is_empty() { &end } else { &same };
            match self.send(chunk, cursor, &about, as_of).await {
                Ok(Applied::Applied(stored)) => {
                    self.new_token = None;
                    for (what, n) in stored.counts {
                        *pulled.counts.entry(what).or_default() += n;
                    }
                    pulled.due.extend(stored.due);
                    self.claimed.reads = stored.reads;
                    rest = remaining;
                    if remaining.is_empty() {
                        return Ok(Some((stored.more, (stored.as_of, next_page))));
                    }
                }
                Ok(Applied::Fenced) => return Ok(None),
                Err(error) if error.is_too_much() && size > 1 => size = size.div_ceil(2),
                Err(error) => return Err(error),
            }
        }
    }

    async fn send(
        &self,
        items: &[Item],
        cursor: &Cursor,
        about: &About,
        as_of: i64,
    ) -> Result<Applied, DbError> {
        let config = self.env.config;
        let page = Apply {
            claimed: &self.claimed,
            as_of,
            items,
            cursor,
            about,
            token: self.new_token.as_ref(),
            trigger: self.trigger,
        };
        db::apply(
            self.env.door,
            &config.database,
            config.instance(),
            self.digest,
            &page,
        )
        .await
    }

    async fn fail(&self, failure: &Failure) -> Result<Ended, DbError> {
        let config = self.env.config;
        db::fail(
            self.env.door,
            &config.database,
            config.instance(),
            &self.claimed,
            failure,
            self.new_token.as_ref(),
        )
        .await?;
        Ok(Ended::Stopped(failure.reason.clone()))
    }

    fn failure(&self, error: &GoogleError, in_the_middle: bool) -> Failure {
        let continues = self.claimed.sync_token.is_some() || self.claimed.page_token.is_some();
        // A full listing that is refused like this would only be refused again.
        if error.is_full_sync_required() && continues {
            let reason = "Google asks for a full listing".to_owned();
            return Failure {
                reason,
                resync: true,
                ..Failure::default()
            };
        }
        if in_the_middle && error.is_bad_request() {
            let reason = "Google does not know the page any more".to_owned();
            return Failure {
                reason,
                restart: true,
                ..Failure::default()
            };
        }
        let fraction = self.env.random.fraction();
        let delay_seconds = match error.class() {
            Class::Retry | Class::Conflict | Class::Resync => backoff(3, fraction),
            Class::RateLimited => error.retry_after().map_or(30.0, f64::from) * (1.0 + fraction),
            Class::Reconnect | Class::Permanent => 3600.0 * (1.0 + fraction),
        };
        let pause = (error.class() == Class::RateLimited).then_some(Pause {
            account_id: self.claimed.token.account_id,
            seconds: delay_seconds,
        });
        Failure {
            reason: error.explain(),
            delay_seconds,
            pause,
            ..Failure::default()
        }
    }
}

fn later(reason: &str) -> Failure {
    Failure {
        reason: reason.to_owned(),
        delay_seconds: 30.0,
        ..Failure::default()
    }
}
