//! What a connection request carries to Google's page and back: whose it is and until when, signed,
//! for one browser. Tickets let a browser begin such a request without showing a login.

use crate::google::id::CodeVerifier;
use crate::jwt::UserId;
use crate::secret::{Random, Signer};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// How long a person may take on Google's page.
pub const CONSENT_TIMEOUT: TimeDelta = TimeDelta::minutes(15);
/// How long a ticket is good: a redirect follows at once.
pub const TICKET: TimeDelta = TimeDelta::seconds(60);

/// Why a text is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Not ours, or changed.
    Forged,
    /// Its time is over.
    Expired(Box<ConnectRequest>),
}

/// What a signed text is for. One is never taken for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// OAuth's `state`.
    State,
    /// A ticket.
    Ticket,
    /// The question before a new account is connected.
    Question,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Ticket => "ticket",
            Self::Question => "question",
        }
    }

    fn browser(self) -> &'static str {
        match self {
            Self::State => "browser of a state",
            Self::Ticket => "browser of a ticket",
            Self::Question => "browser of a question",
        }
    }
}

/// A connection request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectRequest {
    /// Which one: it works once.
    pub nonce: String,
    /// Whose.
    pub user: UserId,
    /// The account that is to be connected again, if it must be a certain one.
    pub wanted: Option<Uuid>,
    /// What people call the user, sealed: Google and whoever keeps addresses have no need of it.
    pub name: Option<String>,
}

/// What was signed here.
#[derive(Debug)]
pub struct Genuine<'a> {
    /// The request.
    pub request: ConnectRequest,
    /// With which of the keys: what else was derived from the request was made with it.
    pub signer: &'a Signer,
    /// Until when it is good.
    pub expires: DateTime<Utc>,
}

impl ConnectRequest {
    /// A new one.
    pub fn new(user: UserId, wanted: Option<Uuid>, random: &Random) -> Self {
        let nonce = random.token();
        Self {
            nonce,
            user,
            wanted,
            name: None,
        }
    }

    /// The same wish in a request of its own.
    pub fn anew(&self, random: &Random) -> Self {
        let nonce = random.token();
        Self {
            nonce,
            ..self.clone()
        }
    }

    /// As a text that is good for a while.
    pub fn sign(&self, signer: &Signer, purpose: Purpose, expires: DateTime<Utc>) -> String {
        // An id may have dots of its own.
        let user = URL_SAFE_NO_PAD.encode(self.user.as_str());
        let name = self
            .name
            .as_deref()
            .map(|name| URL_SAFE_NO_PAD.encode(name));
        let wanted = self.wanted.map(|wanted| wanted.to_string());
        let signed = [
            self.nonce.clone(),
            user,
            expires.timestamp().to_string(),
            wanted.unwrap_or_default(),
            name.unwrap_or_default(),
        ]
        .join(".");
        format!("{signed}.{}", signer.sign(purpose.name(), &signed))
    }

    /// Reads what [`ConnectRequest::sign`] made for the same purpose.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn read<'a>(
        signers: &'a [Signer],
        purpose: Purpose,
        text: &str,
        now: DateTime<Utc>,
    ) -> Result<Genuine<'a>, Refused> {
        let (signed, signature) = text.rsplit_once('.').ok_or(Refused::Forged)?;
        let is_its = |signer: &&Signer| signer.verify(purpose.name(), signed, signature);
        let signer = signers.iter().find(is_its).ok_or(Refused::Forged)?;
        let parts: Vec<&str> = signed.split('.').collect();
        let [nonce, user, expires, wanted, name] = parts.as_slice() else {
            return Err(Refused::Forged);
        };
        let seconds: i64 = expires.parse().map_err(|_| Refused::Forged)?;
        let expires = DateTime::from_timestamp(seconds, 0).ok_or(Refused::Forged)?;
        let wanted = said(wanted).map(str::parse::<Uuid>).transpose();
        let name = said(name).map(decoded);
        let request = Self {
            nonce: (*nonce).to_owned(),
            user: user_of(user).ok_or(Refused::Forged)?,
            wanted: wanted.map_err(|_| Refused::Forged)?,
            name: name.map(|name| name.ok_or(Refused::Forged)).transpose()?,
        };
        if expires <= now {
            return Err(Refused::Expired(Box::new(request)));
        }
        Ok(Genuine {
            request,
            signer,
            expires,
        })
    }

    /// The cookie of the browser that a signed text is for: its name, so that two requests at once do
    /// not disturb each other, and its value, which nobody can derive from the text.
    pub fn cookie(&self, signer: &Signer, purpose: Purpose) -> (String, String) {
        let name: String = self.nonce.chars().take(8).collect();
        let value = signer.sign(purpose.browser(), &self.nonce);
        (format!("tandem-{}-{name}", purpose.name()), value)
    }

    /// The nonce that comes back in the id token.
    pub fn id_token_nonce(&self, signer: &Signer) -> String {
        signer.sign("nonce", &self.nonce)
    }

    /// The secret half of PKCE never leaves: it is made again from the nonce.
    pub fn verifier(&self, signer: &Signer) -> CodeVerifier {
        CodeVerifier::from(signer.sign("pkce", &self.nonce))
    }
}

fn said(part: &str) -> Option<&str> {
    Some(part).filter(|part| !part.is_empty())
}

fn decoded(part: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn user_of(text: &str) -> Option<UserId> {
    UserId::try_from(decoded(text)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::slice::from_ref;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn request(user: &str, wanted: Option<Uuid>) -> ConnectRequest {
        ConnectRequest::new(user.parse().unwrap(), wanted, &Random::new([7; 32]))
    }

    #[test]
    fn a_signed_wish_comes_back_until_it_expires() {
        let signer = Signer::new("key");
        for user in [
            "0123e567-e89b-12d3-a456-426614174000",
            "auth0|a.b",
            ".",
            "ä",
        ] {
            for wanted in [None, Some(Uuid::from_u128(2))] {
                let mut request = request(user, wanted);
                request.name = wanted.map(|_| "k1.sealed".to_owned());
                let text = request.sign(&signer, Purpose::State, at(1000));
                let read = |now| {
                    let read =
                        ConnectRequest::read(from_ref(&signer), Purpose::State, &text, at(now));
                    read.map(|genuine| (genuine.request, genuine.expires))
                };
                assert_eq!(read(999), Ok((request.clone(), at(1000))));
                assert_eq!(read(1000), Err(Refused::Expired(Box::new(request))));
            }
        }
    }

    #[test]
    fn a_ticket_is_no_state_nor_question_and_another_key_signs_none() {
        let (signer, other) = (Signer::new("key"), Signer::new("other"));
        let text = request("ann", None).sign(&signer, Purpose::Ticket, at(1000));
        let read = |signer: &Signer, purpose| {
            ConnectRequest::read(from_ref(signer), purpose, &text, at(1)).map(|read| read.request)
        };
        assert_eq!(read(&signer, Purpose::State), Err(Refused::Forged));
        assert_eq!(read(&signer, Purpose::Question), Err(Refused::Forged));
        assert_eq!(read(&other, Purpose::Ticket), Err(Refused::Forged));
        assert_eq!(read(&signer, Purpose::Ticket), Ok(request("ann", None)));
    }

    #[test]
    fn what_the_previous_key_signed_goes_on_with_that_key() {
        let (new, old) = (Signer::new("new"), Signer::new("old"));
        let begun = request("ann", None);
        let text = begun.sign(&old, Purpose::State, at(1000));
        let (cookie, verifier) = (begun.cookie(&old, Purpose::State), begun.verifier(&old));
        let both = [new, old];
        let read = ConnectRequest::read(&both, Purpose::State, &text, at(1)).unwrap();
        let Genuine {
            request, signer, ..
        } = read;
        assert_eq!(request.cookie(signer, Purpose::State), cookie);
        assert_eq!(request.verifier(signer).as_str(), verifier.as_str());
        let nonce = begun.id_token_nonce(&both[1]);
        assert_eq!(request.id_token_nonce(signer), nonce);
        let text = begun.sign(&both[0], Purpose::State, at(1000));
        let read = ConnectRequest::read(&both, Purpose::State, &text, at(1)).unwrap();
        assert_eq!(read.signer.sign("p", "t"), both[0].sign("p", "t"));
    }

    #[test]
    fn a_changed_part_is_noticed() {
        let signers = [Signer::new("key")];
        let read = |text: &str| {
            let read = ConnectRequest::read(&signers, Purpose::State, text, at(1));
            read.map(|_| ())
        };
        let mut wish = request("auth0|a.b", Some(Uuid::from_u128(2)));
        wish.name = Some("k1.sealed".to_owned());
        let text = wish.sign(&signers[0], Purpose::State, at(1000));
        assert_eq!(text.split('.').count(), 6, "{text}");
        for n in 0..6 {
            let mut parts: Vec<&str> = text.split('.').collect();
            parts[n] = "1";
            assert_eq!(read(&parts.join(".")), Err(Refused::Forged), "part {n}");
            parts.remove(n);
            assert_eq!(read(&parts.join(".")), Err(Refused::Forged), "part {n}");
        }
        for odd in ["", ".", "a.b.c.d", "..."] {
            assert_eq!(read(odd), Err(Refused::Forged), "{odd}");
        }
        // Signed, and no user all the same.
        for user in ["", "=", "Cg", "_w"] {
            let signed = format!("nonce.{user}.1000..");
            let signature = signers[0].sign("state", &signed);
            let read = read(&format!("{signed}.{signature}"));
            assert_eq!(read, Err(Refused::Forged), "{user}");
        }
    }
}
