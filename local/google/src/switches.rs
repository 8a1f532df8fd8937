//! Switches: behaviour that is reported but not certain, each with all its positions.
//!
//! A switch has named positions, the first is the default. A dial is a number. Each says how sure it is.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::evidence::Evidence;

macro_rules! switches {
    ($($(#[$doc:meta])* $variant:ident $name:literal $evidence:ident $(($source:literal))? [$($position:literal),+];)*) => {
        /// A behaviour with named positions.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Switch { $($(#[$doc])* $variant,)* }

        impl Switch {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            pub(crate) fn positions(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($position),+],)* }
            }

            pub(crate) fn evidence(self) -> Evidence {
                match self { $(Self::$variant => Evidence::$evidence $(($source))?,)* }
            }
        }
    };
}

macro_rules! dials {
    ($($(#[$doc:meta])* $variant:ident $name:literal $evidence:ident $(($source:literal))? = $default:literal;)*) => {
        /// A behaviour with a number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Dial { $($(#[$doc])* $variant,)* }

        impl Dial {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            fn default(self) -> i64 {
                match self { $(Self::$variant => $default,)* }
            }

            pub(crate) fn evidence(self) -> Evidence {
                match self { $(Self::$variant => Evidence::$evidence $(($source))?,)* }
            }
        }
    };
}

switches! {
    /// Two inserts of one id within the same second.
    DuplicateRace "duplicateRace" Live("mmedum/google-calendar-mcp, probe 39; the schema promises nothing") ["detected", "missed"];
    /// `created` or `updated` in an inserted body.
    InsertWithCreated "insertWithCreated" Live("clintonthegeek/libkalburator, one run") ["ignored", "refused"];
    /// get of an event whose trash was emptied.
    PurgedEvent "purgedEvent" Live("GAM-team/GAM handles both reasons") ["cancelled", "notFound", "gone"];
    /// PATCH or PUT `status: confirmed` on a tombstone.
    Restore "restore" Live("googleapis/google-api-ruby-client#1811, google-api-python-client#846") ["allowed", "forbidden"];
    /// Repeated extended-property filters of one kind.
    PropertyFilters "propertyFilters" Schema("events.list.privateExtendedProperty; the guide says otherwise") ["and", "or"];
    /// Cancelled instances in a delta.
    CancelledInstance "cancelledInstance" Live("KeepSoftwareSimple/compass-calendar#2808") ["full", "bare"];
    /// Whether a sync token keeps the time window of the first request.
    TokenWindow "tokenWindow" Assumed ["remembered", "forgotten"];
    /// A first request with parameters that do not go with sync tokens.
    TokenWithFilters "tokenWithFilters" Assumed ["missing", "given"];
    /// Parameters beside a sync token that differ from the first request's.
    TokenParameters "tokenParameters" Assumed ["refused", "ignored"];
    /// Pages are filled before hidden tombstones are dropped, or after.
    PageFill "pageFill" Live("mmedum/google-calendar-mcp, probe 73") ["short", "full"];
    /// An event created and deleted between two tokens.
    ShortLived "shortLived" Assumed ["tombstone", "nothing"];
    /// A series whose last occurrence is before the listed window.
    PastMaster "pastMaster" Live("phw198/OutlookGoogleCalendarSync#2253") ["returned", "hidden"];
    /// Cancelled instances of a deleted series in a `singleEvents` delta.
    DeletedSeriesHorizon "deletedSeriesHorizon" Live("googleapis/google-api-ruby-client#860") ["halfYear", "complete"];
    /// A PATCH that leaves an event with both `date` and `dateTime`.
    PatchMixedTime "patchMixedTime" Live("n8n-io/n8n#35800, t4t5/caldir#61") ["refused", "replaced"];
    /// A write that changes nothing.
    NoopWrite "noopWrite" Assumed ["newEtag", "sameEtag"];
    /// Whether a reminder-only change appears in a delta.
    ReminderInDelta "reminderInDelta" Assumed ["shown", "hidden"];
    /// Conference creation.
    Conference "conference" Live("mmedum/google-calendar-mcp, probe 60; the schema says asynchronous") ["immediate", "pending"];
    /// Exceptions carry the master's private properties.
    ExceptionProperties "exceptionProperties" Assumed ["copied", "dropped"];
    /// The tail of a split in the web interface carries the master's private properties.
    SplitProperties "splitProperties" Assumed ["copied", "dropped"];
    /// The ids of occurrences of what was split off in the web interface: the old series' id and the start, or the
    /// new one's.
    RangeIds "rangeIds" Live("odoo/odoo#120798 and #287171; Recall.ai, calendar event platform data") ["short", "long"];
    /// Exceptions whose original start is no longer in the rule.
    OrphanedExceptions "orphanedExceptions" Assumed ["cancelled", "kept"];
    /// What an exception has in common with its series: it follows a change of the series, or stays.
    ExceptionFields "exceptionFields" Assumed ["follow", "stay"];
    /// What of an event each guest's copy has for itself: colour, availability and visibility, or nothing.
    GuestFields "guestFields" Assumed ["own", "organizers"];
    /// A date-only UNTIL on a timed series.
    DateUntil "dateUntil" Assumed ["wholeDay", "midnight"];
    /// A first start that the rule does not plan (googleapis/google-api-nodejs-client#2214: it is shown, and not counted).
    FirstStart "firstStart" Live("googleapis/google-api-nodejs-client#2214") ["shown", "hidden"];
    /// EXDATE with a date on a timed series (Stack Overflow 25171709: the occurrence takes place).
    DateExclusion "dateExclusion" Live("Stack Overflow 25171709") ["ignored", "applied"];
    /// A guest's edit of title or time without `guestsCanModify`.
    GuestEdit "guestEdit" Live("Stack Overflow 76256988, googleapis/google-api-nodejs-client#2989") ["local", "refused"];
    /// A delete with `sendUpdates=none`: guests keep their copies, or lose them.
    QuietDelete "quietDelete" Live("mmedum/google-calendar-mcp, probe 43") ["kept", "removed"];
    /// Stopping a channel a second time.
    StopTwice "stopTwice" Live("googleapis/google-api-nodejs-client#774") ["ok", "notFound"];
    /// Stopping a channel of another user.
    StopByOther "stopByOther" Assumed ["notFound", "forbidden"];
    /// Whether several changes before a delivery become one message.
    Coalesce "coalesce" Assumed ["off", "on"];
    /// The status and reason of an exhausted per-minute quota.
    RateLimit "rateLimit" Documented("guides/errors: 403 or 429") ["403", "429", "403rate"];
    /// An https push address whose domain is not verified.
    WebhookDomain "webhookDomain" Live("memrynote/memry#284") ["accepted", "refused"];
    /// Quota units of a PATCH.
    PatchCost "patchCost" Documented("reference/events/patch of April 2026; gone since") ["one", "three"];
    /// The envelope of 401 and of missing scopes: the front end's, or Calendar's own.
    AuthEnvelope "authEnvelope" Live("B0yko/booking-truth, captures; the errors page has the other") ["frontEnd", "calendar"];
    /// The texts of errors: those that were seen, or only the status in words.
    ErrorMessages "errorMessages" Live("B0yko/booking-truth, captures") ["known", "generic"];
    /// The token endpoint's errors: with `error_description`, or without.
    OauthErrors "oauthErrors" Documented("RFC 6749 5.2: optional") ["described", "bare"];
    /// The channel type `webhook` beside `web_hook`.
    ChannelType "channelType" Schema("Channel.type") ["both", "strict"];
    /// `expiration` of a channel: a text (schema), or a number (guide).
    ExpirationType "expirationType" Schema("Channel.expiration; the guide shows a number") ["text", "number"];
    /// The status in the answer to move.
    MoveAnswer "moveAnswer" Live("mmedum/google-calendar-mcp, probe 48") ["cancelled", "confirmed"];
    /// Whom `externalOnly` mails: people outside the domain, or those without an account here.
    External "external" Live("mmedum/google-calendar-mcp, probe 40") ["domain", "account"];
    /// A second write to one event within a batch.
    BatchConflicts "batchConflicts" Documented("guides/errors: 409 conflict") ["refused", "done"];
    /// Importing an `iCalUID` that is already there.
    ImportAgain "importAgain" Live("insanum/gcalcli#599, #712") ["update", "duplicate"];
    /// When `sequence` grows: with time, rule, place and status, or with every change.
    SequenceGrowth "sequenceGrowth" Assumed ["time", "always"];
}

dials! {
    /// Age in seconds at which a sync token is answered with 410.
    SyncTokenAge "syncTokenAgeSeconds" Live("hk21702/YA-GCal-Notion-Sync-Script#45: about a month") = 2_592_000;
    /// Age in seconds beyond which `updatedMin` is answered with 410.
    UpdatedMinAge "updatedMinAgeSeconds" Assumed = 2_592_000;
    /// Longest life of a push channel in seconds.
    ChannelCap "channelCapSeconds" Assumed = 2_592_000;
    /// Seconds until a write is visible to reads and lists.
    ReadLag "readLagSeconds" Documented("guides/errors, 404: what is new may not be visible yet") = 0;
    /// Seconds until guests' copies follow the organizer's event, and replies come back.
    GuestLag "guestLagSeconds" Assumed = 0;
    /// Seconds a channel still sends after it was stopped.
    StopGrace "stopGraceSeconds" Live("googleapis/google-api-nodejs-client#1402") = 0;
    /// Seconds until a pending conference succeeds.
    ConferenceDelay "conferenceDelaySeconds" Assumed = 5;
    /// Largest gap between two message numbers of a channel.
    MessageGap "messageGap" Documented("guides/push: not consecutive") = 1000;
    /// Life of an access token in seconds.
    AccessTokenLife "accessTokenSeconds" Documented("identity/protocols/oauth2/web-server: expires_in") = 3599;
    /// Requests of one user in a project per sliding minute; 0 is no limit.
    UserPerMinute "userRequestsPerMinute" Documented("guides/quota") = 600;
    /// Requests of a project per sliding minute; 0 is no limit.
    ProjectPerMinute "projectRequestsPerMinute" Documented("guides/quota") = 10_000;
    /// Writes to one calendar per sliding minute; 0 is no limit.
    WritesPerMinute "calendarWritesPerMinute" Assumed = 500;
    /// External guests one user may invite per day; 0 is no limit.
    GuestsPerDay "externalGuestsPerDay" Documented("support.google.com/a/answer/2905486") = 10_000;
    /// Calendars one user may create per day; 0 is no limit.
    CalendarsPerDay "calendarsPerDay" Documented("support.google.com/a/answer/2905486") = 60;
    /// Calls a batch may hold.
    BatchLimit "batchLimit" Documented("guides/batch") = 1000;
    /// Bytes that all texts of an event may have.
    TextLimit "textLimitBytes" Assumed = 262_144;
    /// Occurrences of one series that are ever computed.
    Occurrences "occurrencesPerSeries" Assumed = 20_000;
    /// How far ahead of now endless series are expanded, in days.
    ExpansionDays "expansionDays" Assumed = 730;
}

/// The current positions; what is not set is at its default.
#[derive(Debug, Default)]
pub(crate) struct Switches {
    positions: BTreeMap<Switch, &'static str>,
    numbers: BTreeMap<Dial, i64>,
}

impl Switches {
    pub(crate) fn get(&self, switch: Switch) -> &'static str {
        let default = switch.positions().first().copied().unwrap_or_default();
        self.positions.get(&switch).copied().unwrap_or(default)
    }

    pub(crate) fn is(&self, switch: Switch, position: &str) -> bool {
        debug_assert!(
            switch.positions().contains(&position),
            "{switch:?} has no {position}"
        );
        self.get(switch) == position
    }

    pub(crate) fn number(&self, dial: Dial) -> i64 {
        self.numbers.get(&dial).copied().unwrap_or(dial.default())
    }

    /// The dial as seconds.
    pub(crate) fn seconds(&self, dial: Dial) -> chrono::TimeDelta {
        chrono::TimeDelta::try_seconds(self.number(dial)).unwrap_or(chrono::TimeDelta::MAX)
    }

    /// Sets one by name; says what is wrong otherwise.
    pub(crate) fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        if let Some(dial) = Dial::ALL.iter().find(|dial| dial.name() == name) {
            let number = value.as_i64().filter(|n| (0..=1 << 40).contains(n));
            let number = number.ok_or_else(|| format!("{name} takes a number from 0"))?;
            self.numbers.insert(*dial, number);
            return Ok(());
        }
        let switch = Switch::ALL.iter().find(|switch| switch.name() == name);
        let switch = switch.ok_or_else(|| format!("no switch is called {name}"))?;
        let wanted = value.as_str().unwrap_or_default();
        let position = switch
            .positions()
            .iter()
            .find(|position| **position == wanted);
        let position =
            position.ok_or_else(|| format!("{name} takes one of {:?}", switch.positions()))?;
        self.positions.insert(*switch, position);
        Ok(())
    }

    /// Every switch and dial with its position and what else it takes.
    pub(crate) fn describe(&self) -> Value {
        let switches = Switch::ALL.iter().map(|switch| {
            let described = serde_json::json!({
                "position": self.get(*switch),
                "positions": switch.positions(),
            });
            (switch.name().to_owned(), described)
        });
        let dials = Dial::ALL.iter().map(|dial| {
            let described = serde_json::json!({
                "position": self.number(*dial),
                "default": dial.default(),
            });
            (dial.name().to_owned(), described)
        });
        Value::Object(switches.chain(dials).collect::<Map<_, _>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_switch_starts_at_its_first_position_and_takes_only_its_own() {
        let mut switches = Switches::default();
        assert!(switches.is(Switch::StopTwice, "ok"));
        assert!(switches.set("stopTwice", &json!("notFound")).is_ok());
        assert!(switches.is(Switch::StopTwice, "notFound"));
        assert!(switches.set("stopTwice", &json!("maybe")).is_err());
        assert!(switches.set("nothing", &json!(1)).is_err());
        assert!(switches.set("messageGap", &json!(-1)).is_err());
    }

    #[test]
    fn the_readme_names_every_switch_and_dial() {
        let readme = include_str!("../README.md");
        for switch in Switch::ALL {
            let name = switch.name();
            assert!(readme.contains(&format!("`{name}`")), "{name}");
            for position in switch.positions() {
                assert!(
                    readme.contains(&format!("`{position}`")),
                    "{name}: {position}"
                );
            }
        }
        for dial in Dial::ALL {
            assert!(
                readme.contains(&format!("`{}`", dial.name())),
                "{}",
                dial.name()
            );
        }
    }
}
