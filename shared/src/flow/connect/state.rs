//! What a connection request carries to Google's page and back: whose it is and until when, signed,
//! for one browser. Tickets let a browser begin such a request without showing a login.

use crate::google::id::CodeVerifier;
use crate::secret::{Random, Signer};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// How long a person may take on Google's page.
pub const CONSENT_TIMEOUT: TimeDelta = TimeDelta::minutes(15);
/// How long a ticket is good: a redirect follows at once.
pub const TICKET: TimeDelta = TimeDelta::seconds(60);

/// Why a text is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Not ours, or changed.
    Forged,
    /// Its time is over.
    Expired {
        /// Whose it was.
        user: Uuid,
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
    pub user: Uuid,
    /// The account that is to be connected again, if it must be a certain one.
    pub wanted: Option<Uuid>,
}

impl ConnectRequest {
    /// A new one.
    pub fn new(user: Uuid, wanted: Option<Uuid>, random: &Random) -> Self {
        let nonce = random.token();
        Self {
            nonce,
            user,
            wanted,
        }
    }

    /// As a text that is good for a while.
    pub fn sign(&self, signer: &Signer, purpose: Purpose, expires: DateTime<Utc>) -> String {
        let mut signed = format!("{}.{}.{}", self.nonce, self.user, expires.timestamp());
        if let Some(wanted) = self.wanted {
            signed = format!("{signed}.{wanted}");
        }
        format!("{signed}.{}", signer.sign(purpose.name(), &signed))
    }

    /// Reads what [`ConnectRequest::sign`] made for the same purpose.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn read(
        signer: &Signer,
        purpose: Purpose,
        text: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, Refused> {
        let (signed, signature) = text.rsplit_once('.').ok_or(Refused::Forged)?;
        if !signer.verify(purpose.name(), signed, signature) {
            return Err(Refused::Forged);
        }
        let parts: Vec<&str> = signed.split('.').collect();
        let (nonce, user, expires, wanted) = match parts.as_slice() {
            [nonce, user, expires] => (nonce, user, expires, None),
            [nonce, user, expires, wanted] => (nonce, user, expires, Some(wanted)),
            _ => return Err(Refused::Forged),
        };
        let uuid = |text: &str| text.parse::<Uuid>().map_err(|_| Refused::Forged);
        let user = uuid(user)?;
        let expires: i64 = expires.parse().map_err(|_| Refused::Forged)?;
        if expires <= now.timestamp() {
            return Err(Refused::Expired { user });
        }
        Ok(Self {
            nonce: (*nonce).to_owned(),
            user,
            wanted: wanted.map(|wanted| uuid(wanted)).transpose()?,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn request(wanted: Option<Uuid>) -> ConnectRequest {
        ConnectRequest::new(Uuid::from_u128(1), wanted, &Random::new([7; 32]))
    }

    #[test]
    fn a_signed_wish_comes_back_until_it_expires() {
        let signer = Signer::new("key");
        for request in [request(None), request(Some(Uuid::from_u128(2)))] {
            let text = request.sign(&signer, Purpose::State, at(1000));
            let read = |now| ConnectRequest::read(&signer, Purpose::State, &text, at(now));
            assert_eq!(read(999), Ok(request.clone()));
            let user = request.user;
            assert_eq!(read(1000), Err(Refused::Expired { user }));
        }
    }

    #[test]
    fn a_ticket_is_no_state_and_another_key_signs_neither() {
        let signer = Signer::new("key");
        let text = request(None).sign(&signer, Purpose::Ticket, at(1000));
        let read = |signer: &Signer, purpose| ConnectRequest::read(signer, purpose, &text, at(1));
        assert_eq!(read(&signer, Purpose::State), Err(Refused::Forged));
        assert_eq!(
            read(&Signer::new("other"), Purpose::Ticket),
            Err(Refused::Forged)
        );
        assert_eq!(read(&signer, Purpose::Ticket), Ok(request(None)));
    }

    #[test]
    fn a_changed_part_is_noticed() {
        let signer = Signer::new("key");
        let text = request(Some(Uuid::from_u128(2))).sign(&signer, Purpose::State, at(1000));
        for n in 0..5 {
            let mut parts: Vec<&str> = text.split('.').collect();
            parts[n] = "1";
            let read = ConnectRequest::read(&signer, Purpose::State, &parts.join("."), at(1));
            assert_eq!(read, Err(Refused::Forged), "part {n}");
        }
        for odd in ["", ".", "a.b.c.d", "..."] {
            let read = ConnectRequest::read(&signer, Purpose::State, odd, at(1));
            assert_eq!(read, Err(Refused::Forged), "{odd}");
        }
    }
}
