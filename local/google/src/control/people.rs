//! Accounts, OAuth clients and tokens.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Done, body};
use crate::http_api::Call;
use crate::oauth::Client;
use crate::world::{Consent, Person, World};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    email: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    time_zone: Option<String>,
    #[serde(default)]
    auto_consent: AutoConsent,
    #[serde(default)]
    service_account: bool,
    #[serde(default)]
    no_calendar: bool,
}

/// `true`, `false`, `"deny"`, or the scopes to grant.
#[derive(Deserialize)]
#[serde(untagged)]
enum AutoConsent {
    Yes(bool),
    Word(String),
    Scopes(BTreeSet<String>),
}

impl Default for AutoConsent {
    fn default() -> Self {
        Self::Yes(false)
    }
}

impl AutoConsent {
    fn read(self) -> Result<Consent, String> {
        match self {
            Self::Yes(true) => Ok(Consent::All),
            Self::Yes(false) => Ok(Consent::Ask),
            Self::Scopes(scopes) => Ok(Consent::Only(scopes)),
            Self::Word(word) if word == "deny" => Ok(Consent::Deny),
            Self::Word(word) => Err(format!("auto_consent does not know {word}")),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    user: String,
    client: String,
    scopes: BTreeSet<String>,
}

pub(super) fn run(world: &mut World, call: &Call, segments: &[&str]) -> Option<Done> {
    let done = match (call.method.as_str(), segments) {
        ("GET", ["users"]) => Ok(world.people.values().map(describe).collect()),
        ("POST", ["users"]) => body(call).and_then(|new| add_user(world, new)),
        ("GET", ["users", email, "grants"]) => Ok(json!(world.grants.projects(email))),
        ("POST", ["users", email, "revoke"]) => Ok(revoke(world, email)),
        ("POST", ["users", email, "empty-trash"]) => Ok(empty_trash(world, email)),
        ("POST", ["users", email, "settings"]) => {
            body(call).and_then(|wanted| world.choose(&email.to_ascii_lowercase(), wanted))
        }
        ("GET", ["clients"]) => Ok(json!(world.grants.clients.values().collect::<Vec<_>>())),
        ("POST", ["clients"]) => body(call).and_then(|client| add_client(world, client)),
        ("POST", ["tokens"]) => mint(world, call),
        _ => return None,
    };
    Some(done)
}

fn describe(person: &Person) -> Value {
    json!({
        "email": person.email,
        "name": person.name,
        "sub": person.sub,
        "time_zone": person.time_zone,
        "auto_consent": match &person.consent {
            Consent::Ask => json!(false),
            Consent::All => json!(true),
            Consent::Only(scopes) => json!(scopes),
            Consent::Deny => json!("deny"),
        },
        "service_account": person.service_account,
        "no_calendar": person.no_calendar,
        "calendars": person.calendar_list.keys().collect::<Vec<_>>(),
    })
}

pub(super) fn add_user(world: &mut World, new: NewUser) -> Done {
    let email = new.email.to_ascii_lowercase();
    if email.split('@').filter(|part| !part.is_empty()).count() != 2 {
        return Err("email is not an address".into());
    }
    let zone = new.time_zone.unwrap_or_else(|| "UTC".into());
    zone.parse::<Tz>()
        .map_err(|_| format!("there is no time zone {zone}"))?;
    let name = new.name.unwrap_or_else(|| email.clone());
    world.add_person(&email, &name, &zone, new.auto_consent.read()?);
    let person = world
        .people
        .get_mut(&email)
        .ok_or("the user was not stored")?;
    person.service_account = new.service_account;
    person.no_calendar = new.no_calendar;
    Ok(describe(person))
}

fn revoke(world: &mut World, email: &str) -> Value {
    let projects = world.grants.projects(email);
    for project in &projects {
        world.grants.revoke(email, project);
    }
    json!({ "revoked": projects })
}

fn empty_trash(world: &mut World, email: &str) -> Value {
    let owned = world
        .calendars
        .values()
        .filter(|calendar| calendar.owner == email);
    let owned: Vec<String> = owned.map(|calendar| calendar.id.clone()).collect();
    for id in &owned {
        world.empty_trash(id);
    }
    json!({ "emptied": owned })
}

/// Adds or replaces a client; what is left out is made up.
pub(crate) fn add_client(world: &mut World, mut client: Client) -> Done {
    if client.id.is_empty() {
        let number = world.random.digits(12);
        let tail = world.random.base32hex(32);
        client.id = format!("{number}-{tail}.apps.googleusercontent.com");
    }
    if client.secret.is_empty() {
        client.secret = format!("GOCSPX-{}", world.random.url_safe(28));
    }
    if client.project.is_empty() {
        client.project = client.id.split('-').next().unwrap_or_default().to_owned();
    }
    let described = json!(client);
    world.grants.clients.insert(client.id.clone(), client);
    Ok(described)
}

fn mint(world: &mut World, call: &Call) -> Done {
    let new: NewToken = body(call)?;
    let email = new.user.to_ascii_lowercase();
    if !world.people.contains_key(&email) {
        return Err(format!("there is no user {email}"));
    }
    let client = world.grants.clients.get(&new.client).cloned();
    let client = client.ok_or_else(|| format!("there is no client {}", new.client))?;
    Ok(crate::oauth::mint(world, &client, &email, new.scopes))
}
