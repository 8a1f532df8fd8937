//! CRM to Google, one event: claim, decide, call Google, decide, record.

use super::{Env, token};
use crate::crm::RowId;
use crate::db::DbError;
use crate::db::push_claim::{self, Claim, Claimed};
use crate::db::push_record::{self, NewToken, Note, Outcome, Recorded};
use crate::decide::push::{self, Method, Seen, Step, Write};
use crate::decide::refusal::{self, After};
use crate::google::events::{delete, get, insert, patch};
use crate::google::{AccessToken, Event, GoogleError, SendUpdates};
use crate::map::Unmappable;
use chrono::{DateTime, Utc};
use http_client::HttpClient;
use serde::Serialize;

/// What a push came to, as the answer to a poke shows it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Pushed {
    /// Recorded.
    Done {
        /// What was recorded.
        did: &'static str,
        /// Why, where it did not succeed.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The event has newer work.
        again: bool,
    },
    /// There was no work.
    Nothing {
        /// Why.
        reason: String,
    },
    /// The account cannot work now.
    Waiting {
        /// Why.
        reason: String,
    },
    /// Somebody else works on it.
    Busy,
    /// The lease ended before the record; whoever has the event now looks at it.
    Fenced,
}

impl Pushed {
    /// In one word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done { did, .. } => did,
            Self::Nothing { .. } => "no work",
            Self::Waiting { .. } => "waiting",
            Self::Busy => "busy",
            Self::Fenced => "fenced",
        }
    }
}

/// Claims without an answer between them that a push makes at most: own work may bring newer work.
const ROUNDS: usize = 3;
/// Decisions about one claim at most; each follows an answer of Google's.
const STEPS: usize = 6;
/// Events of a series that one request works on at most; the rest stays due.
const ALSO: usize = 20;

/// Pushes an event until it has no newer work, a few times at most; the rest stays due.
///
/// # Errors
/// [`DbError`]: the database did not answer, and the work stays due.
pub async fn push<D: HttpClient>(env: &Env<'_, D>, id: RowId) -> Result<Pushed, DbError> {
    let mut also = Vec::new();
    let pushed = rounds(env, id, &mut also).await?;
    let mut done = vec![id];
    // Exceptions wait for their series, and a poke of theirs may have come while it was busy.
    while let Some(next) = also.iter().find(|next| !done.contains(next)).copied() {
        if done.len() >= ALSO {
            break;
        }
        done.push(next);
        rounds(env, next, &mut also).await?;
    }
    Ok(pushed)
}

async fn rounds<D: HttpClient>(
    env: &Env<'_, D>,
    id: RowId,
    also: &mut Vec<RowId>,
) -> Result<Pushed, DbError> {
    let mut pushed = once(env, id, also).await?;
    for _ in 1..ROUNDS {
        match pushed {
            Pushed::Done { again: true, .. } => pushed = once(env, id, also).await?,
            Pushed::Done { .. }
            | Pushed::Nothing { .. }
            | Pushed::Waiting { .. }
            | Pushed::Busy
            | Pushed::Fenced => break,
        }
    }
    Ok(pushed)
}

async fn once<D: HttpClient>(
    env: &Env<'_, D>,
    id: RowId,
    also: &mut Vec<RowId>,
) -> Result<Pushed, DbError> {
    let config = env.config;
    let leased_at = (env.clock)();
    let claimed = match push_claim::send(env.door, &config.database, config.instance(), id).await? {
        Claim::Claimed(claimed) => *claimed,
        Claim::Nothing { reason } => return Ok(Pushed::Nothing { reason }),
        Claim::Waiting { reason } => return Ok(Pushed::Waiting { reason }),
        Claim::Busy { .. } => return Ok(Pushed::Busy),
    };
    let mut work = Work {
        env,
        claimed: &claimed,
        leased_at,
        refreshed: claimed.token.refresh,
        new_token: None,
    };
    let (outcome, notes) = work.run().await;
    let recorded = push_record::send(
        env.door,
        &config.database,
        config.instance(),
        &claimed,
        &outcome,
        &notes,
        &work.new_token,
    );
    Ok(match recorded.await? {
        Recorded::Recorded {
            again,
            also: others,
        } => {
            also.extend(others);
            Pushed::Done {
                did: name(&outcome),
                reason: reason(&outcome),
                again,
            }
        }
        Recorded::Fenced => Pushed::Fenced,
    })
}

struct Work<'a, D> {
    env: &'a Env<'a, D>,
    claimed: &'a Claimed,
    leased_at: DateTime<Utc>,
    refreshed: bool,
    new_token: Option<NewToken>,
}

type Ended = (Outcome, Vec<Note>);

/// What follows a step.
enum Next {
    /// Record this.
    Ended(Ended),
    /// Decide again, knowing this.
    Seen(Seen),
    /// Decide again with a new token.
    Refresh,
    /// Only the account's user can help.
    Reconnect(String),
}

impl<D: HttpClient> Work<'_, D> {
    async fn run(&mut self) -> Ended {
        let mut access = match token::open(self.env, &self.claimed.token).await {
            Ok(access) => access,
            Err(error) => return self.no_access(&error),
        };
        self.new_token = access.new.take();
        let mut seen = Seen::Base;
        for _ in 0..STEPS {
            let step = match push::decide(self.claimed, &seen) {
                Ok(step) => step,
                Err(error) => return (failed(error.to_string()), Vec::new()),
            };
            match self.act(step, &access.token).await {
                Next::Ended(ended) => return ended,
                Next::Seen(found) => seen = found,
                Next::Refresh => {
                    self.refreshed = true;
                    access = match token::renew(self.env, &self.claimed.token).await {
                        Ok(access) => access,
                        Err(error) => return self.no_access(&error),
                    };
                    self.new_token = access.new.take();
                }
                Next::Reconnect(reason) => {
                    token::refused(self.env, &self.claimed.token, &reason).await;
                    return self.soon(&reason);
                }
            }
        }
        self.soon("the event keeps changing in Google; trying again")
    }

    async fn act(&self, step: Step, token: &AccessToken) -> Next {
        let is_call = !matches!(step, Step::Record(..));
        if is_call && !self.env.lease_allows_a_call(self.leased_at) {
            return Next::Ended(self.soon("it took too long; trying again"));
        }
        let after = match step {
            Step::Record(outcome, notes) => return Next::Ended((outcome, notes)),
            Step::Read => match self.read(token).await {
                Ok(found) => return Next::Seen(found),
                Err(error) => self.after(None, &error),
            },
            Step::Write(_) if !push::may_write(self.claimed) => {
                let reason = "this calendar can only be read; choose another one for the event";
                return Next::Ended((failed(reason.to_owned()), Vec::new()));
            }
            Step::Write(mut write) => match self.write_or_without(token, &mut write).await {
                Ok(event) => {
                    let ended = push::written(self.claimed, &write, event.as_ref());
                    let unmappable = |error: Unmappable| (failed(error.to_string()), Vec::new());
                    return Next::Ended(ended.unwrap_or_else(unmappable));
                }
                Err(error) => self.after(Some(&write), &error),
            },
        };
        match after {
            After::Record(outcome, notes) => Next::Ended((outcome, notes)),
            After::Reconnect(reason) => Next::Reconnect(reason),
            After::Refresh => Next::Refresh,
            After::Read => match self.read(token).await {
                Ok(found) => Next::Seen(found),
                Err(error) => Next::Ended(self.unread(&error)),
            },
        }
    }

    fn after(&self, write: Option<&Write>, error: &GoogleError) -> After {
        refusal::after(
            self.claimed,
            write,
            error,
            self.refreshed,
            self.env.random.fraction(),
        )
    }

    /// A refusal of a read that followed another refusal: nothing is sent any more.
    fn unread(&self, error: &GoogleError) -> Ended {
        match self.after(None, error) {
            After::Record(outcome, notes) => (outcome, notes),
            After::Read | After::Refresh | After::Reconnect(_) => self.soon(&error.explain()),
        }
    }

    fn no_access(&self, error: &token::NoAccess) -> Ended {
        match error {
            token::NoAccess::Refused(reason) | token::NoAccess::Later(reason) => self.soon(reason),
            token::NoAccess::Broken(reason) => (
                refusal::again(
                    self.claimed.attempt,
                    reason.clone(),
                    true,
                    self.env.random.fraction(),
                ),
                Vec::new(),
            ),
        }
    }

    /// Earlier attempts of this claim may have landed, so it is not said that nothing was written.
    fn soon(&self, reason: &str) -> Ended {
        (
            refusal::soon(reason.to_owned(), false, self.env.random.fraction()),
            Vec::new(),
        )
    }

    async fn read(&self, token: &AccessToken) -> Result<Seen, GoogleError> {
        let (api, calendar) = (
            &self.env.config.google.api,
            &self.claimed.calendar.google_id,
        );
        let request = get::request(api, token, calendar, &self.claimed.link.google_id);
        match get::answer(self.env.door.send(request).await) {
            Ok(event) => Ok(Seen::Event(Box::new(event))),
            Err(error) if error.is_gone() => Ok(Seen::Absent),
            Err(error) => Err(error),
        }
    }

    /// A calendar may not allow the conference that was asked for; the event itself is worth more.
    async fn write_or_without(
        &self,
        token: &AccessToken,
        write: &mut Write,
    ) -> Result<Option<Event>, GoogleError> {
        let written = self.write(token, write).await;
        match &written {
            Err(error)
                if error.is_bad_request() && write.body.remove("conferenceData").is_some() =>
            {
                self.write(token, write).await
            }
            Ok(_) | Err(_) => written,
        }
    }

    async fn write(
        &self,
        token: &AccessToken,
        write: &Write,
    ) -> Result<Option<Event>, GoogleError> {
        let (api, calendar) = (
            &self.env.config.google.api,
            &self.claimed.calendar.google_id,
        );
        let (event, mail) = (&self.claimed.link.google_id, self.send_updates());
        let door = self.env.door;
        match &write.method {
            Method::Insert => {
                let request = insert::request(api, token, calendar, event, &write.body, mail);
                insert::answer(door.send(request).await).map(Some)
            }
            Method::Patch(etag) | Method::Restore(etag) => {
                let request = patch::request(api, token, calendar, event, etag, &write.body, mail);
                patch::answer(door.send(request).await).map(Some)
            }
            Method::Delete(etag, _) => {
                let request = delete::request(api, token, calendar, event, etag, mail);
                delete::answer(door.send(request).await).map(|()| None)
            }
        }
    }

    /// Nobody gets mail about what is over.
    fn send_updates(&self) -> SendUpdates {
        let row = self.claimed.row.as_ref().or(self.claimed.old_row.as_ref());
        let end = row.and_then(|row| row.text("ends_at").or(row.text("ends_on")));
        let over = end.is_some_and(|end| end < self.claimed.now.to_rfc3339().as_str());
        let series = row.is_some_and(|row| !row.value("recurrence").is_null());
        if self.claimed.quiet || over && !series {
            return SendUpdates::None;
        }
        match self.claimed.connection.send_updates.as_str() {
            "all" => SendUpdates::All,
            "externalOnly" => SendUpdates::ExternalOnly,
            _ => SendUpdates::None,
        }
    }
}

fn failed(reason: String) -> Outcome {
    Outcome::Failed {
        reason,
        not_written: true,
    }
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Synced { .. } => "synced",
        Outcome::Deleted { .. } => "deleted",
        Outcome::Erased { .. } => "erased",
        Outcome::Revived { .. } => "revived",
        Outcome::Regenerate { .. } => "regenerated",
        Outcome::Moved { .. } => "moved",
        Outcome::Elsewhere => "elsewhere",
        Outcome::Kept => "kept",
        Outcome::Nothing => "nothing",
        Outcome::Retry { .. } => "retry",
        Outcome::Failed { .. } => "failed",
    }
}

fn reason(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Retry { reason, .. } | Outcome::Failed { reason, .. } => Some(reason.clone()),
        Outcome::Synced { .. }
        | Outcome::Deleted { .. }
        | Outcome::Erased { .. }
        | Outcome::Revived { .. }
        | Outcome::Regenerate { .. }
        | Outcome::Moved { .. }
        | Outcome::Elsewhere
        | Outcome::Kept
        | Outcome::Nothing => None,
    }
}
