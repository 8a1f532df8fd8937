//! What an operator configures: the host's variables, read once per request.
//!
//! An unset secret is no error here. Whoever needs it refuses and says so in the log, so that a
//! half-configured deployment is closed, never open.

use crate::db::Database;
use crate::google::Origins;
use crate::jwt::ExpectedClaims;
use crate::secret::{KeyError, Keys, Signer};
use serde_json::Value;
use url::{Origin, Url};

/// The configuration of one deployment.
#[derive(Debug)]
pub struct Config {
    /// Where the database answers.
    pub database: Database,
    /// Where Google answers.
    pub google: Origins,
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: String,
    /// The public URL of this deployment; also its name in the database.
    pub app_url: Url,
    /// Secrets that callers of the functions may show; the first is the one that triggers are given.
    pub function_secrets: Vec<String>,
    /// Seals tokens.
    pub keys: Keys,
    /// Signs channel tokens and OAuth's state.
    pub signer: Option<Signer>,
    /// The CRM's JWT secret (HS256).
    pub jwt_secret: Option<String>,
    /// Who the CRM's logins must be for and from.
    pub logins: ExpectedClaims,
    /// Where the CRM publishes the keys of its logins (RS256, ES256).
    pub jwks_url: Option<Url>,
    /// Users to choose from, with their logins: the local stack's, never a deployment's.
    pub demo_users: Option<Vec<Value>>,
    /// Where the page sends who is not logged in.
    pub login_url: Option<String>,
    /// The local stack's Google, for people to look at.
    pub google_simulator: Option<String>,
    /// Origins of pages that may send browsers here to connect, beside that of `app_url`.
    pub page_origins: Vec<Origin>,
    /// The CRM's page of an event, with `{id}` in it: new Google events link there.
    pub event_url: Option<String>,
}

/// A variable that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not a URL.
    #[error("the variable {name} is not a URL: {why}")]
    Url {
        /// The variable.
        name: &'static str,
        /// The parser's reason.
        why: url::ParseError,
    },
    /// Neither of the drivers.
    #[error("the variable db_driver is {0:?}; it must be \"postgrest\" or \"neon\"")]
    Driver(String),
    /// Not a list of users.
    #[error("the variable demo_users is no JSON array: {0}")]
    Users(serde_json::Error),
    /// Unusable keys.
    #[error("the variable token_keys is wrong: {0}")]
    Keys(#[from] KeyError),
}

impl Config {
    /// Reads the variables; `variable` answers `None` for one that the component is not given.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable and what is wrong with it, never its value.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let text = |name: &'static str| variable(name).unwrap_or_default().trim().to_owned();
        let url = |name: &'static str| {
            let text = text(name);
            let text = if text.is_empty() {
                "https://localhost"
            } else {
                &text
            };
            parsed(name, text)
        };
        let set = |name: &'static str| Some(text(name)).filter(|secret| !secret.is_empty());
        Ok(Self {
            database: Database::new(
                &text("db_driver"),
                url("db_origin")?,
                &text("db_path"),
                &text("db_key"),
                &text("db_connection"),
            )?,
            google: Origins {
                api: url("google_api_origin")?,
                oauth: url("google_oauth_origin")?,
                accounts: url("google_accounts_origin")?,
            },
            client_id: text("google_client_id"),
            client_secret: text("google_client_secret"),
            app_url: url("app_url")?,
            function_secrets: [set("function_secret"), set("function_secret_previous")]
                .into_iter()
                .flatten()
                .collect(),
            keys: Keys::parse(&text("token_keys"))?,
            signer: set("signing_key").map(|key| Signer::new(&key)),
            jwt_secret: set("jwt_secret"),
            logins: ExpectedClaims {
                audience: set("jwt_audience"),
                issuer: set("jwt_issuer"),
            },
            page_origins: origins("page_origins", &text("page_origins"))?,
            event_url: set("crm_event_url"),
            demo_users: match set("demo_users") {
                Some(users) => Some(serde_json::from_str(&users).map_err(ConfigError::Users)?),
                None => None,
            },
            login_url: set("crm_login_url"),
            google_simulator: set("google_simulator"),
            jwks_url: set("jwks_path")
                .map(|path| joined("jwks_path", &url("jwks_origin")?, &path))
                .transpose()?,
        })
    }

    /// The deployment's name in the database: a copy of the database served from elsewhere has
    /// another one and is refused.
    pub fn instance(&self) -> &str {
        self.app_url.as_str().trim_end_matches('/')
    }

    /// A URL below the functions, such as `google-webhook`.
    pub fn function_url(&self, path: &str) -> String {
        format!("{}/functions/v1/{path}", self.instance())
    }

    /// Whether this origin, as a browser names it, has a page that may send users here.
    pub fn is_page(&self, origin: &str) -> bool {
        let Ok(origin) = Url::parse(origin).map(|url| url.origin()) else {
            return false;
        };
        origin.is_tuple()
            && (origin == self.app_url.origin() || self.page_origins.contains(&origin))
    }

    /// Whether Google can post to this deployment: HTTPS, or loopback for the local stack.
    pub fn is_reachable(&self) -> bool {
        let loopback = match self.app_url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        self.app_url.scheme() == "https" || loopback
    }
}

fn parsed(name: &'static str, text: &str) -> Result<Url, ConfigError> {
    Url::parse(text).map_err(|why| ConfigError::Url { name, why })
}

fn joined(name: &'static str, base: &Url, path: &str) -> Result<Url, ConfigError> {
    base.join(path)
        .map_err(|why| ConfigError::Url { name, why })
}

/// Several, comma separated.
fn origins(name: &'static str, text: &str) -> Result<Vec<Origin>, ConfigError> {
    text.split(',')
        .map(str::trim)
        .filter(|origin| !origin.is_empty())
        .map(|origin| parsed(name, origin).map(|url| url.origin()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_unset_secret_is_absent_not_empty() {
        let config = read(&[("db_driver", "neon"), ("function_secret", "")]).unwrap();
        assert!(config.function_secrets.is_empty());
        assert!(config.signer.is_none());
        assert!(config.jwt_secret.is_none());
    }

    #[test]
    fn errors_name_the_variable() {
        for (pairs, expected) in [
            (vec![("db_driver", "mysql")], "db_driver"),
            (
                vec![("db_driver", "neon"), ("app_url", "no url")],
                "app_url",
            ),
            (
                vec![("db_driver", "neon"), ("token_keys", "k1:short")],
                "token_keys",
            ),
            (
                vec![("db_driver", "neon"), ("page_origins", "crm.example")],
                "page_origins",
            ),
        ] {
            let error = read(&pairs).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn pages_are_known_by_their_whole_origin() {
        let pages = "https://crm.example, http://localhost:5173";
        let config = read(&[
            ("db_driver", "neon"),
            ("app_url", "https://tandem.example/sync"),
            ("page_origins", pages),
        ]);
        let config = config.unwrap();
        for (origin, known) in [
            ("https://crm.example", true),
            ("http://localhost:5173", true),
            ("https://tandem.example", true),
            ("http://crm.example", false),
            ("https://crm.example:8443", false),
            ("https://crm.example.evil.example", false),
            ("null", false),
            ("data:text/html,x", false),
            ("", false),
        ] {
            assert_eq!(config.is_page(origin), known, "{origin}");
        }
    }

    #[test]
    fn only_https_and_loopback_can_be_pushed_to() {
        for (url, reachable) in [
            ("https://crm.example", true),
            ("http://127.0.0.1:3000", true),
            ("http://localhost:3000", true),
            ("http://crm.example", false),
        ] {
            let config = read(&[("db_driver", "neon"), ("app_url", url)]).unwrap();
            assert_eq!(config.is_reachable(), reachable, "{url}");
        }
    }
}
