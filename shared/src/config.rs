//! What an operator configures: the host's variables, read once per request.
//!
//! A secret that is not set is no error here, and one that could be guessed counts as not set. Whoever
//! needs it refuses and says so in the log, so that a half-configured deployment is closed, never open.

mod issuers;
mod variables;

#[cfg(test)]
mod tests;

use crate::db::Database;
use crate::google::Origins;
use crate::jwt::Issuer;
use crate::secret::{KeyError, Keys, Signer};
use serde_json::Value;
use std::fmt;
use url::{Origin, Url};
use variables::{Variables, is_loopback};

/// The configuration of one deployment.
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
    /// Secrets that an operator may show, for what is about a user.
    pub operator_secrets: Vec<String>,
    /// Seals tokens.
    pub keys: Keys,
    /// What they signed is genuine: channel tokens, tickets, OAuth's state. The first signs.
    pub signers: Vec<Signer>,
    /// Whose logins are taken.
    pub issuers: Vec<Issuer>,
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
    /// Secrets that were too short to be taken.
    short: Vec<&'static str>,
    /// An operator's secret is one of those that the clock shows, and so is not taken.
    is_operator_known: bool,
    /// Only this machine reaches `app_url`, while the database is elsewhere.
    is_unreachable: bool,
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
    /// Anybody on the way could listen, or it is no address of a page at all.
    #[error(
        "the variable {0} must begin with https://; http:// is taken for this machine alone (localhost, 127.0.0.1, [::1])"
    )]
    Insecure(&'static str),
    /// A path that is none.
    #[error("the variable {0} must be a path, such as /auth/v1/.well-known/jwks.json")]
    Path(&'static str),
    /// A stranger could use it.
    #[error(
        "the variable {0} is for the local stack, where app_url is on localhost; remove it from this deployment"
    )]
    Local(&'static str),
    /// Two issuers that cannot be told apart.
    #[error(
        "the variable {0} must say what `iss` is in the logins of this issuer, another value for each, since there are two"
    )]
    Issuer(&'static str),
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

/// No secret gets into a log by way of an error or a test.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("app_url", &self.app_url.as_str())
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Reads the variables; `variable` answers `None` for one that the component is not given.
    ///
    /// # Errors
    /// [`ConfigError`] names the variable and what is wrong with it, never its value.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let v = Variables::new(&variable);
        let app_url = v.url("app_url")?;
        let db_origin = v.url("db_origin")?;
        let driver = v.text("db_driver");
        let demo_users = match v.set("demo_users") {
            Some(users) => {
                Some(serde_json::from_slice(users.as_bytes()).map_err(ConfigError::Users)?)
            }
            None => None,
        };
        let google_simulator = v.link("google_simulator")?;
        if !is_loopback(&app_url) {
            if demo_users.is_some() {
                return Err(ConfigError::Local("demo_users"));
            }
            if google_simulator.is_some() {
                return Err(ConfigError::Local("google_simulator"));
            }
        }
        let supabase = Some(&db_origin).filter(|origin| is_supabase(&driver, origin));
        let functions = v.secrets(["function_secret", "function_secret_previous"]);
        let mut operators = v.secrets(["operator_secret", "operator_secret_previous"]);
        let is_operator_known = operators.iter().any(|secret| functions.contains(secret));
        operators.retain(|secret| !functions.contains(secret));
        let signers = v.secrets(["signing_key", "signing_key_previous"]);
        Ok(Self {
            google: Origins {
                api: v.url("google_api_origin")?,
                oauth: v.url("google_oauth_origin")?,
                accounts: v.url("google_accounts_origin")?,
            },
            client_id: v.text("google_client_id"),
            client_secret: v.text("google_client_secret"),
            function_secrets: functions,
            operator_secrets: operators,
            is_operator_known,
            keys: Keys::parse(&v.text("token_keys"))?,
            signers: signers.iter().map(|key| Signer::new(key)).collect(),
            issuers: issuers::read(&v, supabase)?,
            page_origins: v.origins("page_origins")?,
            event_url: v.link("crm_event_url")?,
            demo_users,
            login_url: v.link("crm_login_url")?,
            google_simulator,
            is_unreachable: is_loopback(&app_url) && !is_loopback(&db_origin),
            database: Database::new(
                &driver,
                db_origin,
                &v.text("db_path"),
                (&v.text("db_key"), &v.text("db_token")),
                &v.text("db_connection"),
            )?,
            app_url,
            short: v.short(),
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

    /// The page's own address: it is served at the root of its origin, and names itself by that.
    pub fn page_url(&self) -> String {
        format!("{}/", self.app_url.origin().ascii_serialization())
    }

    /// Whether this origin, as a browser names it, has a page that may send users here.
    pub fn is_page(&self, origin: &str) -> bool {
        let Ok(origin) = Url::parse(origin).map(|url| url.origin()) else {
            return false;
        };
        origin.is_tuple()
            && (origin == self.app_url.origin() || self.page_origins.contains(&origin))
    }

    /// Why there is nothing to use of this secret, and what to do.
    pub fn lack_of(&self, name: &str) -> String {
        if self.short.contains(&name) {
            format!(
                "the variable {name} has fewer than 32 bytes; make one with `openssl rand -base64 32`"
            )
        } else {
            format!("the variable {name} is not set")
        }
    }

    /// What an operator should know of the variables although they can be used.
    pub fn weaknesses(&self) -> Vec<String> {
        let unreachable = self.is_unreachable.then(|| {
            let reason =
                "which only this machine reaches: set it to the https URL of this deployment";
            format!("the variable app_url is {}, {reason}", self.app_url)
        });
        let known = self.is_operator_known.then(|| {
            "the variable operator_secret is a function_secret, which the clock shows; make another".to_owned()
        });
        let short = self.short.iter().map(|name| self.lack_of(name));
        short.chain(known).chain(unreachable).collect()
    }
}

fn is_supabase(driver: &str, origin: &Url) -> bool {
    let is_its_host = |host: &str| host.ends_with(".supabase.co");
    driver != "neon" && origin.host_str().is_some_and(is_its_host)
}
