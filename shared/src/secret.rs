//! Secrets: compared in constant time, sealed before they are stored, signed before they leave.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::{Digest as _, Sha256};
use std::cell::Cell;
use std::fmt;
use subtle::ConstantTimeEq as _;

/// Whether two secrets are the same, in a time that tells nothing of either.
pub fn equal(a: &str, b: &str) -> bool {
    Sha256::digest(a).ct_eq(&Sha256::digest(b)).into()
}

/// SHA-256 of `text`, in base64url.
pub fn sha256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

/// Bytes nobody can guess, expanded from 32 that the host gives with each request.
pub struct Random {
    seed: [u8; 32],
    used: Cell<u64>,
}

impl Random {
    /// Expands `seed`, which must come from a cryptographic source and serve one request only.
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            seed,
            used: Cell::new(0),
        }
    }

    /// The next 32 bytes.
    pub fn bytes(&self) -> [u8; 32] {
        let n = self.used.get();
        self.used.set(n + 1);
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(n.to_be_bytes());
        hash.finalize().into()
    }

    /// A text of 43 characters that fits into URLs, headers and Google's channel ids.
    pub fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes())
    }

    /// A number from 0 to below 1, for jitter.
    pub fn fraction(&self) -> f64 {
        let [a, b, c, d, ..] = self.bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) / 4_294_967_296.0
    }
}

/// Why a list of keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not `id:base64`.
    #[error("write it as id:key, where key is 32 bytes in base64; several are separated by commas")]
    Form,
    /// No key at all where one is needed.
    #[error("it is not set; make a key with: echo \"k1:$(openssl rand -base64 32)\"")]
    Missing,
    /// The key that sealed a value is not in the list.
    #[error("the key {0} is not among them")]
    Unknown(String),
    /// The value was not sealed with this key or not for this account, or was changed.
    #[error("a stored token cannot be opened with the key {0}")]
    Wrong(String),
}

/// What a sealed text is for. Whoever can write where it lies cannot have it opened for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound<'a> {
    /// Which token, or what else it is.
    pub purpose: &'a str,
    /// The CRM user.
    pub user: &'a str,
    /// Google's stable key of the account, or what else it belongs to.
    pub subject: &'a str,
}

impl Bound<'_> {
    /// No two differ in their parts alone.
    fn bytes(&self) -> Vec<u8> {
        let Self {
            purpose,
            user,
            subject,
        } = self;
        format!("{purpose}\n{}\n{user}\n{subject}", user.len()).into_bytes()
    }
}

/// The keys that seal tokens: the first seals, all open.
pub struct Keys(Vec<(String, [u8; 32])>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(id, _)| id))
            .finish()
    }
}

impl Keys {
    /// Reads `id:base64,id:base64`; an empty text is an empty list.
    ///
    /// # Errors
    /// [`KeyError::Form`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let (id, key) = part.split_once(':').ok_or(KeyError::Form)?;
            let key = STANDARD.decode(key).map_err(|_| KeyError::Form)?;
            let key = key.try_into().map_err(|_| KeyError::Form)?;
            if id.is_empty() || id.contains('.') {
                return Err(KeyError::Form);
            }
            keys.push((id.to_owned(), key));
        }
        Ok(Self(keys))
    }

    /// The id of the current key.
    pub fn current(&self) -> Option<&str> {
        self.0.first().map(|(id, _)| id.as_str())
    }

    /// Whether another key than the current one sealed it.
    pub fn is_outdated(&self, sealed: &str) -> bool {
        let key = sealed.split_once('.').map(|(id, _)| id);
        key.is_some() && key != self.current()
    }

    /// Seals `secret` with the current key, for what it is bound to.
    ///
    /// # Errors
    /// [`KeyError::Missing`] without any key.
    pub fn seal(
        &self,
        secret: &str,
        bound: &Bound<'_>,
        random: &Random,
    ) -> Result<String, KeyError> {
        let (id, key) = self.0.first().ok_or(KeyError::Missing)?;
        let bytes = random.bytes();
        let (nonce, _) = bytes.split_at(24);
        let payload = Payload {
            msg: secret.as_bytes(),
            aad: &bound.bytes(),
        };
        let cipher = XChaCha20Poly1305::new(key.into());
        let sealed = cipher
            .encrypt(XNonce::from_slice(nonce), payload)
            .map_err(|_| KeyError::Wrong(id.clone()))?;
        let all = [nonce, &sealed].concat();
        Ok(format!("{id}.{}", URL_SAFE_NO_PAD.encode(all)))
    }

    /// Opens what [`Keys::seal`] made for the same purpose and account.
    ///
    /// # Errors
    /// [`KeyError`] says which key is missing or does not fit.
    pub fn open(&self, sealed: &str, bound: &Bound<'_>) -> Result<String, KeyError> {
        let (id, data) = sealed.split_once('.').ok_or(KeyError::Form)?;
        let (_, key) = (self.0.iter().find(|(known, _)| known == id))
            .ok_or_else(|| KeyError::Unknown(id.to_owned()))?;
        let wrong = || KeyError::Wrong(id.to_owned());
        let data = URL_SAFE_NO_PAD.decode(data).map_err(|_| wrong())?;
        let (nonce, sealed) = data.split_at_checked(24).ok_or_else(wrong)?;
        let payload = Payload {
            msg: sealed,
            aad: &bound.bytes(),
        };
        let opened = XChaCha20Poly1305::new(key.into())
            .decrypt(XNonce::from_slice(nonce), payload)
            .map_err(|_| wrong())?;
        String::from_utf8(opened).map_err(|_| wrong())
    }
}

/// Signs texts that leave and must come back unchanged.
pub struct Signer(Vec<u8>);

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// Signs with `key`, which may have any length.
    pub fn new(key: &str) -> Self {
        Self(key.as_bytes().to_vec())
    }

    /// HMAC-SHA-256 of `text` for one purpose, in base64url.
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(purpose, text))
    }

    /// Whether `signature` is what [`Signer::sign`] makes, in constant time.
    pub fn verify(&self, purpose: &str, text: &str, signature: &str) -> bool {
        equal(&self.sign(purpose, text), signature)
    }

    /// As [`Signer::verify`], of a signature in hex.
    pub fn verify_hex(&self, purpose: &str, text: &str, signature: &str) -> bool {
        equal(&self.sign_hex(purpose, text), signature)
    }

    /// As [`Signer::sign`], in hex as SQL makes it.
    pub fn sign_hex(&self, purpose: &str, text: &str) -> String {
        let digits = self.mac(purpose, text).into_iter();
        digits.map(|byte| format!("{byte:02x}")).collect()
    }

    fn mac(&self, purpose: &str, text: &str) -> Vec<u8> {
        let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(&self.0) else {
            unreachable!("HMAC takes keys of any length");
        };
        mac.update(purpose.as_bytes());
        mac.update(b"\n");
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(ids: &[(&str, u8)]) -> Keys {
        let one = |(id, byte): &(&str, u8)| format!("{id}:{}", STANDARD.encode([*byte; 32]));
        Keys::parse(&ids.iter().map(one).collect::<Vec<_>>().join(",")).unwrap()
    }

    const BOUND: Bound<'static> = Bound {
        purpose: "refresh",
        user: "ann",
        subject: "1",
    };

    #[test]
    fn a_sealed_secret_opens_with_the_same_key_for_the_same_purpose_and_account_only() {
        let random = Random::new([7; 32]);
        let one = keys(&[("k1", 1)]);
        let sealed = one.seal("1//refresh", &BOUND, &random).unwrap();
        assert!(!sealed.contains("refresh"));
        assert_eq!(one.open(&sealed, &BOUND), Ok("1//refresh".to_owned()));
        let bound = |purpose, user, subject| Bound {
            purpose,
            user,
            subject,
        };
        for other in [
            bound("access", "ann", "1"),
            bound("refresh", "bob", "1"),
            bound("refresh", "ann", "2"),
            bound("refresh", "ann\n1", ""),
            bound("refresh", "", "ann\n1"),
        ] {
            let opened = one.open(&sealed, &other);
            assert_eq!(opened, Err(KeyError::Wrong("k1".into())), "{other:?}");
        }
        assert_eq!(
            keys(&[("k1", 2)]).open(&sealed, &BOUND),
            Err(KeyError::Wrong("k1".into()))
        );
        assert_eq!(
            keys(&[("k2", 1)]).open(&sealed, &BOUND),
            Err(KeyError::Unknown("k1".into()))
        );
    }

    #[test]
    fn after_a_rotation_old_secrets_open_and_new_ones_use_the_new_key() {
        let random = Random::new([7; 32]);
        let old = keys(&[("k1", 1)]).seal("a", &BOUND, &random).unwrap();
        let both = keys(&[("k2", 2), ("k1", 1)]);
        assert_eq!(both.open(&old, &BOUND), Ok("a".to_owned()));
        let new = both.seal("a", &BOUND, &random).unwrap();
        assert!(new.starts_with("k2."));
        assert!(both.is_outdated(&old) && !both.is_outdated(&new));
    }

    #[test]
    fn two_seals_of_one_secret_differ() {
        let random = Random::new([7; 32]);
        let keys = keys(&[("k1", 1)]);
        assert_ne!(
            keys.seal("a", &BOUND, &random),
            keys.seal("a", &BOUND, &random)
        );
    }

    #[test]
    fn the_hash_is_that_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(sha256(verifier), challenge);
    }

    #[test]
    fn a_signature_is_good_for_its_text_and_purpose() {
        let signer = Signer::new("key");
        let signature = signer.sign("channel", "abc");
        assert!(signer.verify("channel", "abc", &signature));
        assert!(!signer.verify("channel", "abd", &signature));
        assert!(!signer.verify("state", "abc", &signature));
        assert!(!Signer::new("other").verify("channel", "abc", &signature));
    }

    #[test]
    fn nothing_secret_shows_in_debug_output() {
        assert_eq!(format!("{:?}", keys(&[("k1", 1)])), "[\"k1\"]");
        assert_eq!(format!("{:?}", Signer::new("key")), "Signer");
    }
}
