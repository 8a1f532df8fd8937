//! Whether a signature is a key's (RFC 7518, section 3; RFC 8037).

use super::{JwtError, decoded};
use ed25519_dalek::Verifier as _;
use hmac::{Hmac, Mac};
use p256::EncodedPoint;
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::ops::RangeInclusive;

/// How logins may be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    HS256,
    RS256,
    ES256,
    EdDSA,
}

impl Algorithm {
    /// How many bytes a signature has.
    pub fn lengths(self) -> RangeInclusive<usize> {
        match self {
            Self::HS256 => 32..=32,
            Self::RS256 => 256..=512,
            Self::ES256 | Self::EdDSA => 64..=64,
        }
    }
}

/// What signatures are checked with.
pub enum Key {
    /// A secret that the issuer has too.
    Secret(Vec<u8>),
    Rsa(RsaPublicKey),
    P256(p256::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl Key {
    /// A published key (RFC 7517); it says by itself which algorithm it is for.
    ///
    /// # Errors
    /// [`JwtError::Invalid`] where it is of a kind that is not known here, or for something else.
    pub fn published(jwk: &Value) -> Result<Self, JwtError> {
        let bytes = |name: &str| decoded(jwk[name].as_str().unwrap_or_default());
        let invalid = JwtError::Invalid;
        let (key, names) = match (jwk["kty"].as_str(), jwk["crv"].as_str()) {
            (Some("RSA"), _) => {
                let number = |name| Ok(BigUint::from_bytes_be(&bytes(name)?));
                let key = RsaPublicKey::new(number("n")?, number("e")?).map_err(|_| invalid)?;
                (Self::Rsa(key), &["RS256"][..])
            }
            (Some("EC"), Some("P-256")) => {
                // As SEC 1 writes a point that is not compressed.
                let point = [vec![4], bytes("x")?, bytes("y")?].concat();
                let point = EncodedPoint::from_bytes(point).map_err(|_| invalid)?;
                let key = p256::ecdsa::VerifyingKey::from_encoded_point(&point);
                (Self::P256(key.map_err(|_| invalid)?), &["ES256"][..])
            }
            (Some("OKP"), Some("Ed25519")) => {
                let key = ed25519_dalek::VerifyingKey::try_from(bytes("x")?.as_slice());
                // RFC 9864 calls it Ed25519.
                let names = &["EdDSA", "Ed25519"][..];
                (Self::Ed25519(key.map_err(|_| invalid)?), names)
            }
            _ => return Err(invalid),
        };
        let is_or_absent = |part: &str, values: &[&str]| {
            jwk[part].is_null() || values.iter().any(|value| jwk[part] == *value)
        };
        match is_or_absent("alg", names) && is_or_absent("use", &["sig"]) {
            true => Ok(key),
            false => Err(invalid),
        }
    }

    /// Whether a JWT that says it is signed by `algorithm` is signed with this key; nothing else is looked at.
    ///
    /// # Errors
    /// [`JwtError::Invalid`].
    pub fn verify(&self, token: &str, algorithm: Algorithm) -> Result<(), JwtError> {
        let (message, signature) = token.rsplit_once('.').ok_or(JwtError::Invalid)?;
        let (message, signature) = (message.as_bytes(), decoded(signature)?);
        let is_good = match (self, algorithm) {
            (Self::Secret(secret), Algorithm::HS256) => Hmac::<Sha256>::new_from_slice(secret)
                .is_ok_and(|mac| mac.chain_update(message).verify_slice(&signature).is_ok()),
            (Self::Rsa(key), Algorithm::RS256) => {
                let scheme = Pkcs1v15Sign::new::<Sha256>();
                let verified = key.verify(scheme, &Sha256::digest(message), &signature);
                verified.is_ok()
            }
            (Self::P256(key), Algorithm::ES256) => p256::ecdsa::Signature::from_slice(&signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            (Self::Ed25519(key), Algorithm::EdDSA) => {
                ed25519_dalek::Signature::from_slice(&signature)
                    .is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
            // The token has no say in what a key is for.
            (Self::Secret(_) | Self::Rsa(_) | Self::P256(_) | Self::Ed25519(_), _) => false,
        };
        match is_good {
            true => Ok(()),
            false => Err(JwtError::Invalid),
        }
    }
}
