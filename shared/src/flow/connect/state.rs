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
    Expired {
        /// Whose it was.
        user: UserId,
    },
}

/// What a signed text is for. One is never taken for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// OAuth's `state`.
    State,
    /// A ticket.
    Ticket,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Ticket => "ticket",
        }
    }

    fn browser(self) -> &'static str {
        match self {
            Self::State => "browser of a state",
            Self::Ticket => "browser of a ticket",
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
}

impl ConnectRequest {
    /// A new one.
    pub fn new(user: UserId, wanted: Option<Uuid>, random: &Random) -> Self {
        let nonce = random.token();
        Self {
            nonce,
            user,
            wanted,
        }
    }

    /// As a text that is good for a while.
    pub fn sign(&self, signer: &Signer, purpose: Purpose, expires: DateTime<Utc>) -> String {
        // An id may have dots of its own.
        let user = URL_SAFE_NO_PAD.encode(self.user.as_str());
        let mut signed = format!("{}.{user}.{}", self.nonce, expires.timestamp());
        if let Some(wanted) = self.wanted {
            signed = format!("{signed}.{wanted}");
        }
        format!("{signed}.{}", signer.sign(purpose.name(), &signed))
    }

    /// Reads what [`ConnectRequest::sign`] made for the same purpose, and says with which of the keys:
    /// what else was derived from the request was made with it.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn read<'a>(
        signers: &'a [Signer],
        purpose: Purpose,
        text: &str,
        now: DateTime<Utc>,
    ) -> Result<(Self, &'a Signer), Refused> {
        let (signed, signature) = text.rsplit_once('.').ok_or(Refused::Forged)?;
        let is_its = |signer: &&Signer| signer.verify(purpose.name(), signed, signature);
        let signer = signers.iter().find(is_its).ok_or(Refused::Forged)?;
        let parts: Vec<&str> = signed.split('.').collect();
        let (nonce, user, expires, wanted) = match parts.as_slice() {
            [nonce, user, expires] => (nonce, user, expires, None),
            [nonce, user, expires, wanted] => (nonce, user, expires, Some(wanted)),
            _ => return Err(Refused::Forged),
        };
        let user = user_of(user).ok_or(Refused::Forged)?;
        let expires: i64 = expires.parse().map_err(|_| Refused::Forged)?;
        if expires <= now.timestamp() {
            return Err(Refused::Expired { user });
        }
        let wanted = wanted.map(|wanted| wanted.parse::<Uuid>()).transpose();
        let request = Self {
            nonce: (*nonce).to_owned(),
            user,
            wanted: wanted.map_err(|_| Refused::Forged)?,
        };
        Ok((request, signer))
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

fn user_of(text: &str) -> Option<UserId> {
    let id = URL_SAFE_NO_PAD.decode(text).ok()?;
    UserId::try_from(String::from_utf8(id).ok()?).ok()
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
                let request = request(user, wanted);
                let text = request.sign(&signer, Purpose::State, at(1000));
                let read = |now| {
                    let read =
                        ConnectRequest::read(from_ref(&signer), Purpose::State, &text, at(now));
                    read.map(|(request, _)| request)
                };
                assert_eq!(read(999), Ok(request.clone()));
                let user = request.user.clone();
                assert_eq!(read(1000), Err(Refused::Expired { user }));
            }
        }
    }

    #[test]
    fn a_ticket_is_no_state_and_another_key_signs_neither() {
        let (signer, other) = (Signer::new("key"), Signer::new("other"));
        let text = request("ann", None).sign(&signer, Purpose::Ticket, at(1000));
        let read = |signer: &Signer, purpose| {
            ConnectRequest::read(from_ref(signer), purpose, &text, at(1)).map(|(read, _)| read)
        };
        assert_eq!(read(&signer, Purpose::State), Err(Refused::Forged));
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
        let (read, signer) = ConnectRequest::read(&both, Purpose::State, &text, at(1)).unwrap();
        assert_eq!(read.cookie(signer, Purpose::State), cookie);
        assert_eq!(read.verifier(signer).as_str(), verifier.as_str());
        assert_eq!(read.id_token_nonce(signer), begun.id_token_nonce(&both[1]));
        let text = begun.sign(&both[0], Purpose::State, at(1000));
        let (_, signer) = ConnectRequest::read(&both, Purpose::State, &text, at(1)).unwrap();
        assert_eq!(signer.sign("p", "t"), both[0].sign("p", "t"));
    }

    #[test]
    fn a_changed_part_is_noticed() {
        let signers = [Signer::new("key")];
        let read = |text: &str| {
            let read = ConnectRequest::read(&signers, Purpose::State, text, at(1));
            read.map(|_| ())
        };
        let wish = request("auth0|a.b", Some(Uuid::from_u128(2)));
        let text = wish.sign(&signers[0], Purpose::State, at(1000));
        assert_eq!(text.split('.').count(), 5, "{text}");
        for n in 0..5 {
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
            let signed = format!("nonce.{user}.1000");
            let signature = signers[0].sign("state", &signed);
            let read = read(&format!("{signed}.{signature}"));
            assert_eq!(read, Err(Refused::Forged), "{user}");
        }
    }
}
