//! The deployment: whether it is reached, and how it says that it is.

use super::Finding;
use crate::http::Http;
use http::Method;
use serde_json::Value;
use url::Url;

pub(super) async fn examine(
    http: &Http,
    app: &Url,
    secret: Option<&str>,
    login: Option<&str>,
) -> Vec<Finding> {
    let functions = format!("{}/functions/v1", app.as_str().trim_end_matches('/'));
    let mut found = vec![scheme(app)];
    // No secret goes over the network in clear.
    if found.iter().any(|finding| finding.remedy.is_some()) {
        return found;
    }
    let health = format!("{functions}/scheduler/health");
    let answer = http.json(Method::GET, &health, secret, &Value::Null).await;
    found.push(match (&answer, secret) {
        (Err(error), _) => Finding::bad(
            format!("the deployment is not reached: {error:#}"),
            "see that it runs, and that app_url is the address that the internet knows",
        ),
        (Ok((401, _)), None) => Finding::good("the deployment is reached"),
        (Ok((401, _)), Some(_)) => Finding::bad(
            "the deployment does not know this function secret",
            "see its variable function_secret; one of fewer than 32 bytes counts as none",
        ),
        (Ok((200, _)), _) => Finding::good("the deployment says that it is well"),
        (Ok((503, said)), _) if said["problems"].is_array() => {
            let problems: Vec<&str> = said["problems"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            Finding::bad(
                format!("the deployment says: {}", problems.join("; ")),
                "see what it says, and its log",
            )
        }
        (Ok((status, said)), _) => Finding::bad(
            format!("the deployment answers {status}: {}", text(said)),
            "see that app_url leads to Tandem's routes, and see its log",
        ),
    });
    if let Some(login) = login {
        let url = format!("{functions}/google-connect/status");
        let answer = http
            .json(Method::GET, &url, Some(login), &Value::Null)
            .await;
        found.push(match answer {
            Ok((200, _)) => Finding::good("the login is one of the CRM's"),
            Ok((status, said)) => Finding::bad(
                format!("the login is refused with {status}: {}", text(&said)),
                "see the variables jwt_secret or jwks_origin and jwks_path, jwt_audience and jwt_issuer",
            ),
            Err(error) => Finding::bad(format!("{error:#}"), "see that the deployment runs"),
        });
    }
    found
}

/// Google notifies addresses with https alone
/// (<https://developers.google.com/workspace/calendar/api/guides/push>).
fn scheme(app: &Url) -> Finding {
    let is_here = matches!(app.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    Finding::when(
        app.scheme() == "https" || is_here,
        "app_url can be notified by Google",
        "app_url is not https: Google notifies no such address",
        "put a proxy with a certificate before it, and change app_url",
    )
}

fn text(said: &Value) -> String {
    said["error"]
        .as_str()
        .map_or_else(|| said.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_in_clear_is_sent_no_secret() {
        let app = Url::parse("http://127.0.0.2:9").unwrap();
        let found = examine(&Http::default(), &app, Some("secret"), Some("login")).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].remedy.is_some());
    }
}
