//! The authorization endpoint: whom to ask, what to ask, and the redirect back.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderValue, Method as HttpMethod, Response};
use url::Url;

use super::grants::{Code, Method};
use super::{page, scopes};
use crate::http_api::{Call, Query, plain};
use crate::world::{Consent, World};

/// A checked authorization request.
pub(super) struct Asked {
    pub(super) client: String,
    pub(super) project: String,
    pub(super) scopes: Vec<String>,
    redirect: Url,
    redirect_uri: String,
    state: Option<String>,
    offline: bool,
    prompts: BTreeSet<String>,
    include_granted: bool,
    pub(super) hint: Option<String>,
    challenge: Option<(String, Method)>,
    nonce: Option<String>,
}

/// What the person decided.
struct Decision {
    email: String,
    granted: BTreeSet<String>,
}

/// GET shows the consent page or answers at once; POST is the page coming back.
pub(super) fn answer(world: &mut World, call: &Call) -> Response<Bytes> {
    let asked = match check(world, &call.query) {
        Ok(asked) => asked,
        Err((status, error)) => return page::failure(status, error),
    };
    if call.method == HttpMethod::POST {
        return match posted(world, &asked, &call.form()) {
            Some(decision) => finish(world, &asked, decision),
            None => redirect(&asked, &[("error", "access_denied")]),
        };
    }
    let person = asked.hint.as_deref().and_then(|hint| find(world, hint));
    let person = person.or_else(|| only_candidate(world));
    let Some(email) = person else {
        return page::consent(world, &asked, call);
    };
    let consent = world
        .people
        .get(&email)
        .map(|p| p.consent.clone())
        .unwrap_or(Consent::Ask);
    let known = already_granted(world, &asked, &email);
    match consent {
        Consent::Deny => redirect(&asked, &[("error", "access_denied")]),
        Consent::Ask if known && !asked.prompts.contains("consent") => finish(
            world,
            &asked,
            Decision {
                email,
                granted: asked.scopes.iter().cloned().collect(),
            },
        ),
        _ if asked.prompts.contains("none") && !known => {
            redirect(&asked, &[("error", "interaction_required")])
        }
        Consent::Ask => page::consent(world, &asked, call),
        Consent::All => finish(
            world,
            &asked,
            Decision {
                email,
                granted: asked.scopes.iter().cloned().collect(),
            },
        ),
        Consent::Only(ticked) => {
            let granted = ticked_of(&asked, |scope| ticked.contains(scope));
            finish(world, &asked, Decision { email, granted })
        }
    }
}

/// Refusals before the redirect address is trusted are shown on Google's own page.
fn check(world: &World, query: &Query) -> Result<Asked, (u16, &'static str)> {
    let client = query.filled("client_id").ok_or((400, "invalid_request"))?;
    let client = world
        .grants
        .clients
        .get(client)
        .ok_or((401, "invalid_client"))?;
    if client.deleted {
        return Err((401, "deleted_client"));
    }
    let redirect_uri = query
        .filled("redirect_uri")
        .ok_or((400, "invalid_request"))?;
    if !client
        .redirect_uris
        .iter()
        .any(|registered| registered == redirect_uri)
    {
        return Err((400, "redirect_uri_mismatch"));
    }
    let redirect = Url::parse(redirect_uri).map_err(|_| (400, "redirect_uri_mismatch"))?;
    if query.get("response_type") != Some("code") {
        return Err((400, "unsupported_response_type"));
    }
    let scopes: Vec<String> = query
        .get("scope")
        .unwrap_or_default()
        .split_whitespace()
        .map(scopes::canonical)
        .collect();
    if scopes.is_empty() {
        return Err((400, "invalid_request"));
    }
    let prompts: BTreeSet<String> = query
        .get("prompt")
        .unwrap_or_default()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    if prompts.contains("none") && prompts.len() > 1 {
        return Err((400, "invalid_request"));
    }
    let owned = |name: &str| query.filled(name).map(str::to_owned);
    Ok(Asked {
        client: client.id.clone(),
        project: client.project.clone(),
        scopes,
        redirect,
        redirect_uri: redirect_uri.to_owned(),
        state: query.get("state").map(str::to_owned),
        offline: query.get("access_type") == Some("offline"),
        prompts,
        include_granted: query.get("include_granted_scopes") == Some("true"),
        hint: owned("login_hint"),
        challenge: challenge(query)?,
        nonce: owned("nonce"),
    })
}

/// PKCE; a challenge without a method is a plain one.
fn challenge(query: &Query) -> Result<Option<(String, Method)>, (u16, &'static str)> {
    let method = match query.filled("code_challenge_method") {
        None | Some("plain") => Method::Plain,
        Some("S256") => Method::S256,
        Some(_) => return Err((400, "invalid_request")),
    };
    Ok(query
        .filled("code_challenge")
        .map(|text| (text.to_owned(), method)))
}

fn find(world: &World, hint: &str) -> Option<String> {
    let hint = hint.to_ascii_lowercase();
    let mut people = world.people.values();
    people
        .find(|person| person.email == hint || person.sub == hint)
        .map(|p| p.email.clone())
}

/// Without a hint: the one person who does not want to be asked.
fn only_candidate(world: &World) -> Option<String> {
    let mut ready = world
        .people
        .values()
        .filter(|person| person.consent != Consent::Ask);
    let first = ready.next()?;
    ready.next().is_none().then(|| first.email.clone())
}

fn already_granted(world: &World, asked: &Asked, email: &str) -> bool {
    let given = world
        .grants
        .given
        .get(&(email.to_owned(), asked.project.clone()));
    given.is_some_and(|grant| {
        asked
            .scopes
            .iter()
            .all(|scope| grant.scopes.contains(scope))
    })
}

fn posted(world: &World, asked: &Asked, form: &Query) -> Option<Decision> {
    if form.get("decision") != Some("allow") {
        return None;
    }
    let email = form
        .get("account")
        .and_then(|account| find(world, account))?;
    let granted = ticked_of(asked, |scope| {
        form.all("scope").any(|ticked| ticked == scope)
    });
    Some(Decision { email, granted })
}

fn ticked_of(asked: &Asked, ticked: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let wanted = asked.scopes.iter();
    wanted
        .filter(|scope| scopes::is_identity(scope) || ticked(scope))
        .cloned()
        .collect()
}

/// Records the grant and sends the code.
///
/// A refresh token comes with the first offline consent and with every `prompt=consent`
/// (Google identity guide, web server apps, offline access).
fn finish(world: &mut World, asked: &Asked, decision: Decision) -> Response<Bytes> {
    if decision.granted.is_empty() {
        return redirect(asked, &[("error", "access_denied")]);
    }
    let key = (decision.email.clone(), asked.project.clone());
    let grant = world.grants.given.entry(key).or_default();
    grant.scopes.extend(decision.granted.iter().cloned());
    let scopes = if asked.include_granted {
        grant.scopes.clone()
    } else {
        decision.granted.clone()
    };
    let first = asked.offline && grant.offline.insert(asked.client.clone());
    let with_refresh = asked.offline && (first || asked.prompts.contains("consent"));
    let code = format!("4/0A{}", world.random.url_safe(70));
    let issued = Code {
        client: asked.client.clone(),
        email: decision.email,
        scopes: scopes.clone(),
        redirect_uri: asked.redirect_uri.clone(),
        challenge: asked.challenge.clone(),
        nonce: asked.nonce.clone(),
        with_refresh,
        issued: world.time.now(),
    };
    world.grants.codes.insert(code.clone(), issued);
    let scope = scopes.into_iter().collect::<Vec<_>>().join(" ");
    redirect(
        asked,
        &[
            ("code", &code),
            ("scope", &scope),
            ("authuser", "0"),
            ("prompt", "consent"),
        ],
    )
}

fn redirect(asked: &Asked, pairs: &[(&str, &str)]) -> Response<Bytes> {
    let mut url = asked.redirect.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(state) = &asked.state {
            query.append_pair("state", state);
        }
        query.extend_pairs(pairs);
    }
    let mut response = plain(302, "text/html; charset=UTF-8", String::new());
    if let Ok(location) = HeaderValue::from_str(url.as_str()) {
        response.headers_mut().insert("location", location);
    }
    response
}
