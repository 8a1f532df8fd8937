//! The consent page: where a browser is sent so that its user allows access. PKCE, `state` and
//! `nonce` tie what comes back to this one request.

use super::scope;
use crate::id::CodeVerifier;
use crate::url::build;
use ::url::Url;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// What a consent is asked with.
#[derive(Debug, Clone, Copy)]
pub struct Consent<'a> {
    /// The client's public id.
    pub client_id: &'a str,
    /// Exactly as registered: scheme, case and trailing slash count.
    pub redirect_uri: &'a str,
    /// Comes back unchanged.
    pub state: &'a str,
    /// Comes back in the id token.
    pub nonce: &'a str,
    /// 43 to 128 characters of RFC 7636; only its hash is sent.
    pub verifier: &'a CodeVerifier,
    /// Which account to offer: an address or a `sub`.
    pub login_hint: Option<&'a str>,
    /// What Google asks although it may know the answer.
    pub prompt: Prompt,
}

/// What Google asks although it may know the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// Only what it has never asked. A user who consented before yields no refresh token.
    WhenNeeded,
    /// Consent, so that there is a refresh token.
    Consent,
    /// The account, then consent.
    AccountAndConsent,
}

/// The page to send the browser to.
pub fn url(accounts: &Url, consent: &Consent<'_>) -> Url {
    let challenge = challenge(consent.verifier);
    let scopes = scope::asked();
    let mut query = vec![
        ("client_id", consent.client_id),
        ("redirect_uri", consent.redirect_uri),
        ("response_type", "code"),
        ("scope", &scopes),
        ("access_type", "offline"),
        ("state", consent.state),
        ("nonce", consent.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    match consent.prompt {
        Prompt::WhenNeeded => {}
        Prompt::Consent => query.push(("prompt", "consent")),
        Prompt::AccountAndConsent => query.push(("prompt", "select_account consent")),
    }
    if let Some(hint) = consent.login_hint {
        query.push(("login_hint", hint));
    }
    // Only an origin such as `data:` has no path to build on; its page then shows the mistake.
    build(accounts, &["o", "oauth2", "v2", "auth"], &query).unwrap_or_else(|| accounts.clone())
}

/// The S256 challenge of RFC 7636.
fn challenge(verifier: &CodeVerifier) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consent(verifier: &CodeVerifier) -> Consent<'_> {
        Consent {
            client_id: "client.example.com",
            redirect_uri: "https://crm.example.com/functions/v1/google-connect/callback",
            state: "st/ate+",
            nonce: "nonce1",
            verifier,
            login_hint: None,
            prompt: Prompt::Consent,
        }
    }

    fn check(consent: &Consent<'_>, expected_tail: &str) {
        let accounts = Url::parse("https://accounts.google.com").unwrap();
        let url = url(&accounts, consent);
        let head = "https://accounts.google.com/o/oauth2/v2/auth?client_id=client.example.com\
            &redirect_uri=https%3A%2F%2Fcrm.example.com%2Ffunctions%2Fv1%2Fgoogle-connect%2Fcallback\
            &response_type=code&scope=openid+email\
            +https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcalendar.events\
            +https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcalendar.calendarlist.readonly\
            &access_type=offline&state=st%2Fate%2B&nonce=nonce1\
            &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
            &code_challenge_method=S256";
        assert_eq!(url.as_str(), format!("{head}{expected_tail}"));
    }

    #[test]
    fn the_page_is_asked_for_offline_access_with_a_hashed_verifier() {
        // The example of RFC 7636, appendix B.
        let verifier = CodeVerifier::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let ask = consent(&verifier);
        check(&ask, "&prompt=consent");
        let prompt = Prompt::WhenNeeded;
        check(&Consent { prompt, ..ask }, "");
        check(
            &Consent {
                prompt: Prompt::AccountAndConsent,
                login_hint: Some("ann@example.com"),
                ..ask
            },
            "&prompt=select_account+consent&login_hint=ann%40example.com",
        );
    }
}
