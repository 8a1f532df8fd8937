//! Google: whether it knows the OAuth client and where it leads back to. Nothing is granted or changed.

use super::Finding;
use crate::http::Http;
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{Request, Response};
use url::Url;
use url::form_urlencoded::Serializer;

const NOT_PADDED: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(super) async fn examine(
    http: &Http,
    [accounts, oauth]: [&str; 2],
    app: &Url,
    client: &str,
    secret: Option<&str>,
) -> Vec<Finding> {
    let back = format!(
        "{}/functions/v1/google-connect/callback",
        app.as_str().trim_end_matches('/')
    );
    let query = Serializer::new(String::new())
        .append_pair("client_id", client)
        .append_pair("redirect_uri", &back)
        .append_pair("response_type", "code")
        .append_pair("scope", "openid")
        .finish();
    let opened = Request::get(format!("{accounts}/o/oauth2/v2/auth?{query}"));
    let mut found = vec![match ask(http, opened.body(Bytes::new())).await {
        Err(error) => unreached(&error),
        Ok(page) => match refusal(&page) {
            None => Finding::good("Google knows the client and its redirect URI"),
            Some("redirect_uri_mismatch") => Finding::bad(
                "Google does not know the redirect URI of this deployment",
                format!("add it to the OAuth client: {back}"),
            ),
            Some(other) => Finding::bad(
                format!("Google says {other} of the OAuth client"),
                "see the client's id in the Google Cloud console, under Clients",
            ),
        },
    }];
    let Some(secret) = secret else {
        return found;
    };
    // A client that Google knows is told that this is no refresh token.
    let form = Serializer::new(String::new())
        .append_pair("grant_type", "refresh_token")
        .append_pair("refresh_token", "none")
        .append_pair("client_id", client)
        .append_pair("client_secret", secret)
        .finish();
    let asked = Request::post(format!("{oauth}/token"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    found.push(match ask(http, asked.body(Bytes::from(form))).await {
        Err(error) => unreached(&error),
        Ok(answer) if contains(answer.body(), "invalid_grant") => {
            Finding::good("Google takes the client's secret")
        }
        Ok(answer) => Finding::bad(
            format!(
                "Google refuses the client's secret: {}",
                String::from_utf8_lossy(answer.body())
            ),
            "make a new secret in the Google Cloud console, under Clients",
        ),
    });
    found
}

async fn ask(
    http: &Http,
    request: Result<Request<Bytes>, http::Error>,
) -> anyhow::Result<Response<Bytes>> {
    http.send(request?).await
}

fn unreached(error: &anyhow::Error) -> Finding {
    Finding::bad(
        format!("Google is not reached from here: {error:#}"),
        "try again where it is",
    )
}

/// Why no consent is asked for: Google leads to a page whose `authError` begins with the error's code, as people who
/// met it have published.
fn refusal(page: &Response<Bytes>) -> Option<&'static str> {
    let to = page.headers().get(LOCATION).and_then(|to| to.to_str().ok());
    let coded = to
        .and_then(|to| to.split_once("authError="))
        .map(|(_, rest)| {
            let rest = rest.split('&').next().unwrap_or_default();
            NOT_PADDED
                .decode(rest.trim_end_matches("%3D"))
                .unwrap_or_default()
        });
    let is_refused = coded.is_some() || page.status().is_client_error();
    let text = coded.as_deref().unwrap_or(page.body());
    let known = [
        "redirect_uri_mismatch",
        "invalid_client",
        "deleted_client",
        "invalid_request",
    ];
    let known = known.into_iter().find(|code| contains(text, code));
    known
        .filter(|_| is_refused)
        .or(is_refused.then_some("an error"))
}

fn contains(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|part| part == word.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, to: &str, body: &str, expected: Option<&str>) {
        let page = Response::builder().status(status).header(LOCATION, to);
        let page = page.body(Bytes::from(body.to_owned())).unwrap();
        assert_eq!(refusal(&page), expected);
    }

    #[test]
    fn the_page_that_google_leads_to_says_what_is_wrong() {
        let error = "https://accounts.google.com/signin/oauth/error?authError=";
        let coded = |code: &str| {
            format!(
                "{error}{}&client_id=c",
                NOT_PADDED.encode(format!("\n\u{15}{code}\u{12}"))
            )
        };
        check(
            302,
            "https://accounts.google.com/v3/signin/identifier?client_id=c",
            "",
            None,
        );
        check(
            302,
            &coded("redirect_uri_mismatch"),
            "",
            Some("redirect_uri_mismatch"),
        );
        check(302, &coded("invalid_client"), "", Some("invalid_client"));
        check(302, &coded("something_else"), "", Some("an error"));
        check(
            302,
            &format!("{error}Cg5pbnZhbGlkX2NsaWVudA%3D%3D"),
            "",
            Some("invalid_client"),
        );
        check(
            400,
            "",
            "Error 400: redirect_uri_mismatch",
            Some("redirect_uri_mismatch"),
        );
        check(
            200,
            "",
            "Sign in to continue; invalid_client is not said",
            None,
        );
    }
}
