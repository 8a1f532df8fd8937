//! The pages of a listing.

use crate::access::Accounts;
use crate::pull::{Lister, Part};
use futures::future::{OptionFuture, join};
use provider::{ListRequest, Page, Provider, ProviderError};
use std::rc::Rc;
use store::{About, Committed, Cursor, StoppedWhy, Store, StoreError};

/// Items of one commit.
const ITEMS: usize = 250;

/// What came of a request for a page.
struct Asked {
    page_token: Option<String>,
    as_of: i64,
    answer: Result<Page, ProviderError>,
}

impl<'a, S: Store, A: Accounts> Lister<'a, S, A> {
    /// Whether the connection is to be listed once more at once.
    pub(crate) async fn list(&mut self) -> Result<bool, StoreError> {
        if self.waits().await? {
            return Ok(false);
        }
        self.ways.open_all([self.listing.account.id.clone()]).await;
        if self.is_over() {
            return self.leave_rest().await;
        }
        let mut asked = self.ask(self.listing.page_token.clone()).await;
        loop {
            let page = match asked.answer {
                Ok(page) => page,
                Err(error) => return self.fail(&error, asked.page_token.as_deref()).await,
            };
            let cursor = match (page.next_page.clone(), page.sync_token.clone()) {
                (Some(page_token), _) => Cursor::NextPage { page_token },
                (None, Some(sync_token)) => Cursor::End { sync_token },
                (None, None) => {
                    let reason = "Google's last page has no sync token".to_owned();
                    self.stop(StoppedWhy::Failed, reason, self.later(30), None)
                        .await?;
                    return Ok(false);
                }
            };
            let part = Part {
                items: page.items,
                is_read: false,
                as_of: asked.as_of,
                cursor,
                about: About {
                    access_role: page.access_role,
                    time_zone: page.time_zone,
                    summary: page.summary,
                },
            };
            let is_last = page.next_page.is_none();
            // Google answers while this one is stored.
            let next = page.next_page.filter(|_| self.may_ask());
            let next = OptionFuture::from(next.map(|token| self.ask(Some(token))));
            let (stored, next) = join(self.store_page(part), next).await;
            let Some(committed) = stored? else {
                return Ok(false);
            };
            self.pulled.pages += 1;
            if is_last {
                return self.read_rest(committed).await;
            }
            match next {
                Some(next) => asked = next,
                None => return self.leave_rest().await,
            }
        }
    }

    fn ask(&self, page_token: Option<String>) -> impl Future<Output = Asked> + use<'a, S, A> {
        let (ways, listing, as_of) = (self.ways, self.listing, self.as_of);
        async move {
            let request = ListRequest {
                calendar: listing.connection.calendar.clone(),
                sync_token: listing.sync_token.clone(),
                page_token: page_token.clone(),
            };
            let list = |way: Rc<A::Provider>| {
                let request = request.clone();
                async move { way.list(&request).await }
            };
            Asked {
                answer: ways.call(&listing.account.id, list, || true).await,
                page_token,
                as_of,
            }
        }
    }

    fn may_ask(&self) -> bool {
        self.pulled.pages + 1 < self.limits.pages && !self.is_over()
    }

    async fn leave_rest(&mut self) -> Result<bool, StoreError> {
        let reason = "the rest of the listing follows".to_owned();
        self.stop(StoppedWhy::Continues, reason, self.now(), None)
            .await?;
        Ok(false)
    }

    /// Whether the time of the request is up.
    pub(crate) fn is_over(&self) -> bool {
        (self.env.clock)() >= self.limits.until
    }

    pub(crate) async fn store_page(&mut self, page: Part) -> Result<Option<Committed>, StoreError> {
        let mut rest = page.items;
        loop {
            let tail = rest.split_off(rest.len().min(ITEMS));
            let is_last = tail.is_empty();
            let part = Part {
                items: rest,
                cursor: if is_last {
                    page.cursor.clone()
                } else {
                    Cursor::SamePage
                },
                about: page.about.clone(),
                ..page
            };
            let committed = self.store_part(part).await?;
            match committed {
                Some(committed) if is_last => return Ok(Some(committed)),
                Some(_) => rest = tail,
                None => return Ok(None),
            }
        }
    }
}
