//! How single variables are read: texts, secrets, URLs.

use super::ConfigError;
use std::cell::RefCell;
use url::{Host, Origin, Url};

/// As many bytes as the hash that is made with a secret has; a shorter one can be guessed.
const SECRET_BYTES: usize = 32;

/// The host's variables.
pub struct Variables<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    short: RefCell<Vec<&'static str>>,
}

impl<'a> Variables<'a> {
    pub fn new(variable: &'a dyn Fn(&str) -> Option<String>) -> Self {
        let short = RefCell::default();
        Self { variable, short }
    }

    /// The secrets that were too short to be taken.
    pub fn short(self) -> Vec<&'static str> {
        self.short.into_inner()
    }

    /// Empty where it is not set.
    pub fn text(&self, name: &'static str) -> String {
        let text = (self.variable)(name).unwrap_or_default();
        text.trim().to_owned()
    }

    pub fn set(&self, name: &'static str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    fn secret(&self, name: &'static str) -> Option<String> {
        let secret = self.set(name)?;
        if secret.len() < SECRET_BYTES {
            self.short.borrow_mut().push(name);
            return None;
        }
        Some(secret)
    }

    /// The current secret and the one before it; none without a current one.
    pub fn secrets(&self, [current, previous]: [&'static str; 2]) -> Vec<String> {
        let (current, previous) = (self.secret(current), self.secret(previous));
        match current {
            Some(current) => [current].into_iter().chain(previous).collect(),
            None => Vec::new(),
        }
    }

    /// One that is not set leads nowhere.
    pub fn url(&self, name: &'static str) -> Result<Url, ConfigError> {
        let url = self.set(name);
        private(name, url.as_deref().unwrap_or("https://localhost"))
    }

    /// The text of a URL, which may have places to fill.
    pub fn link(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        let link = self.set(name);
        link.map(|link| private(name, &link).map(|_| link))
            .transpose()
    }

    /// Several, comma separated.
    pub fn origins(&self, name: &'static str) -> Result<Vec<Origin>, ConfigError> {
        let text = self.text(name);
        let origins = text.split(',').map(str::trim);
        origins
            .filter(|origin| !origin.is_empty())
            .map(|origin| private(name, origin).map(|url| url.origin()))
            .collect()
    }
}

/// A URL to which nobody listens on the way: HTTPS, or this machine.
fn private(name: &'static str, text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).map_err(|why| ConfigError::Url { name, why })?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(ConfigError::Insecure(name)),
    }
}

/// Whether it is this machine's.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
