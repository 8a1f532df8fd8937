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
    /// The value was not sealed with this key, or was changed.
    #[error("a stored token cannot be opened with the key {0}")]
    Wrong(String),
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

    /// Seals `secret` with the current key. `purpose` must be the same to open it.
    ///
    /// # Errors
    /// [`KeyError::Missing`] without any key.
    pub fn seal(&self, secret: &str, purpose: &str, random: &Random) -> Result<String, KeyError> {
        let (id, key) = self.0.first().ok_or(KeyError::Missing)?;
        let bytes = random.bytes();
        let (nonce, _) = bytes.split_at(24);
        let payload = Payload {
            msg: secret.as_bytes(),
            aad: purpose.as_bytes(),
        };
        let cipher = XChaCha20Poly1305::new(key.into());
        let sealed = cipher
            .encrypt(XNonce::from_slice(nonce), payload)
            .map_err(|_| KeyError::Wrong(id.clone()))?;
        let all = [nonce, &sealed].concat();
        Ok(format!("{id}.{}", URL_SAFE_NO_PAD.encode(all)))
    }

    /// Opens what [`Keys::seal`] made for the same purpose.
    ///
    /// # Errors
    /// [`KeyError`] says which key is missing or does not fit.
    pub fn open(&self, sealed: &str, purpose: &str) -> Result<String, KeyError> {
        let (id, data) = sealed.split_once('.').ok_or(KeyError::Form)?;
        let (_, key) = (self.0.iter().find(|(known, _)| known == id))
            .ok_or_else(|| KeyError::Unknown(id.to_owned()))?;
        let wrong = || KeyError::Wrong(id.to_owned());
        let data = URL_SAFE_NO_PAD.decode(data).map_err(|_| wrong())?;
        let (nonce, sealed) = data.split_at_checked(24).ok_or_else(wrong)?;
        let payload = Payload {
            msg: sealed,
            aad: purpose.as_bytes(),
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

    #[test]
    fn a_sealed_secret_opens_with_the_same_key_and_purpose_only() {
        let random = Random::new([7; 32]);
        let sealed = keys(&[("k1", 1)])
            .seal("1//refresh", "refresh", &random)
            .unwrap();
        assert!(!sealed.contains("refresh"));
        let open = |keys: Keys, purpose| keys.open(&sealed, purpose);
        assert_eq!(
            open(keys(&[("k1", 1)]), "refresh"),
            Ok("1//refresh".to_owned())
        );
        assert_eq!(
            open(keys(&[("k1", 1)]), "access"),
            Err(KeyError::Wrong("k1".into()))
        );
        assert_eq!(
            open(keys(&[("k1", 2)]), "refresh"),
            Err(KeyError::Wrong("k1".into()))
        );
        assert_eq!(
            open(keys(&[("k2", 1)]), "refresh"),
            Err(KeyError::Unknown("k1".into()))
        );
    }

    #[test]
    fn after_a_rotation_old_secrets_open_and_new_ones_use_the_new_key() {
        let random = Random::new([7; 32]);
        let old = keys(&[("k1", 1)]).seal("a", "p", &random).unwrap();
        let both = keys(&[("k2", 2), ("k1", 1)]);
        assert_eq!(both.open(&old, "p"), Ok("a".to_owned()));
        assert!(both.seal("a", "p", &random).unwrap().starts_with("k2."));
        assert!(both.is_outdated(&old));
        assert!(!both.is_outdated(&both.seal("a", "p", &random).unwrap()));
    }

    #[test]
    fn two_seals_of_one_secret_differ() {
        let random = Random::new([7; 32]);
        let keys = keys(&[("k1", 1)]);
        assert_ne!(keys.seal("a", "p", &random), keys.seal("a", "p", &random));
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
