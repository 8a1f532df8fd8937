//! `allowed_outbound_hosts`: which other hosts a component may call.
//!
//! An entry is `scheme://host[:port]`; see <https://spinframework.dev/http-outbound>. Scheme, host and
//! port may each be `*`, the host may start with `*.` or be `self` (this application), the port may
//! be a range `from..to` without `to`, and defaults to the scheme's own. Ranges of IP addresses are
//! not known here.

use anyhow::{Context, Result, bail, ensure};
use std::ops::RangeInclusive;

/// What one component may call.
#[derive(Debug, Clone, Default)]
pub struct AllowedHosts(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    scheme: Option<String>,
    host: Host,
    ports: Option<RangeInclusive<u16>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    Below(String),
    Named(String),
    This,
}

impl AllowedHosts {
    /// Reads the entries, their variables filled in.
    ///
    /// # Errors
    /// When one is not as above.
    pub fn parse(entries: impl IntoIterator<Item = String>) -> Result<Self> {
        let parse = |entry: String| {
            Entry::parse(entry.trim())
                .with_context(|| format!("`{entry}` is no allowed outbound host"))
        };
        entries
            .into_iter()
            .map(parse)
            .collect::<Result<_>>()
            .map(Self)
    }

    /// Whether a request to this URI may leave.
    pub fn allow(&self, uri: &http::Uri) -> bool {
        let scheme = uri.scheme_str().unwrap_or("https");
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let port = uri.port_u16().or_else(|| default_port(scheme));
        self.0.iter().any(|entry| entry.allows(scheme, &host, port))
    }

    /// Whether the component may call its own application.
    pub fn allow_self(&self) -> bool {
        let http = |scheme: Option<&String>| scheme.is_none_or(|s| s.starts_with("http"));
        self.0.iter().any(|entry| {
            http(entry.scheme.as_ref()) && matches!(entry.host, Host::This | Host::Any)
        })
    }
}

impl Entry {
    fn parse(entry: &str) -> Result<Self> {
        let (scheme, rest) = entry.split_once("://").context("it has no scheme")?;
        let (host, rest) = rest.rsplit_once(':').unwrap_or((rest, ""));
        let port = rest.strip_suffix('/').unwrap_or(rest);
        ensure!(!port.contains('/'), "it has a path");
        let letters = !scheme.is_empty() && scheme.chars().all(char::is_alphabetic);
        ensure!(letters || scheme == "*", "its scheme is no word");
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: Host::parse(host)?,
            ports: ports(port, scheme)?,
        })
    }

    fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let host = match &self.host {
            Host::Any => true,
            Host::Below(suffix) => host.ends_with(suffix),
            Host::Named(name) => host == name,
            Host::This => false,
        };
        let ports = self.ports.as_ref();
        host && self.scheme.as_ref().is_none_or(|allowed| allowed == scheme)
            && ports.is_none_or(|ports| port.is_some_and(|port| ports.contains(&port)))
    }
}

impl Host {
    fn parse(host: &str) -> Result<Self> {
        let host = host.trim_end_matches('/');
        Ok(match host {
            "" => bail!("it has no host"),
            "*" => Self::Any,
            "self" | "self.alt" => Self::This,
            _ if host.contains('/') => bail!("it has a path"),
            _ => match host.strip_prefix('*') {
                Some(domain) if domain.starts_with('.') && !domain.contains('*') => {
                    Self::Below(domain.to_owned())
                }
                None if !host.contains('*') => Self::Named(host.to_owned()),
                Some(_) | None => bail!("a `*` stands for a host or for its first labels"),
            },
        })
    }
}

/// The ports; `None` is any.
fn ports(port: &str, scheme: &str) -> Result<Option<RangeInclusive<u16>>> {
    let number = |text: &str| {
        text.parse::<u16>()
            .with_context(|| format!("`{text}` is no port"))
    };
    let single = |port: u16| Some(port..=port);
    Ok(match (port, port.split_once("..")) {
        ("*", _) => None,
        ("", _) => single(default_port(scheme).context("it needs a port")?),
        (_, Some((from, to))) => Some(number(from)?..=number(to)?.saturating_sub(1)),
        (_, None) => single(number(port)?),
    })
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entry: &str, allowed: &[&str], denied: &[&str]) {
        let hosts = AllowedHosts::parse([entry.to_owned()]).unwrap();
        for uri in allowed {
            assert!(hosts.allow(&uri.parse().unwrap()), "{entry} allows {uri}");
        }
        for uri in denied {
            assert!(!hosts.allow(&uri.parse().unwrap()), "{entry} denies {uri}");
        }
    }

    #[test]
    fn a_port_left_out_is_the_schemes_own() {
        check(
            "https://a.example",
            &[
                "https://a.example/x",
                "https://a.example:443",
                "https://A.Example",
            ],
            &[
                "http://a.example",
                "https://a.example:8443",
                "https://b.a.example",
            ],
        );
        check(
            "http://a.example/",
            &["http://a.example:80/"],
            &["http://a.example:81/"],
        );
    }

    #[test]
    fn a_star_stands_for_any_scheme_host_labels_or_port() {
        check(
            "*://a.example:*",
            &["http://a.example:9", "https://a.example"],
            &["http://b.example"],
        );
        check(
            "http://*:80",
            &["http://a.example"],
            &["http://a.example:81"],
        );
        check(
            "https://*.a.example",
            &["https://x.y.a.example"],
            &["https://a.example"],
        );
        check("*://*:*", &["http://a.example:1", "https://b.example"], &[]);
    }

    #[test]
    fn a_range_of_ports_ends_before_its_end() {
        check(
            "http://a.example:10..12",
            &["http://a.example:11"],
            &["http://a.example:12"],
        );
    }

    #[test]
    fn only_self_and_any_host_allow_the_application_itself() {
        let allows = |entry: &str| {
            AllowedHosts::parse([entry.to_owned()])
                .unwrap()
                .allow_self()
        };
        assert!(allows("http://self") && allows("*://*:*"));
        assert!(!allows("http://a.example"));
    }

    #[test]
    fn what_spin_would_refuse_is_refused() {
        let wrong = [
            "",
            "*",
            "a.example",
            "http://",
            "*://a.example",
            "http://a.example/path",
            "http://a.example:80/path",
            "http://a.*.example",
            "http://a.example:x",
            "ht-tp://a:1",
        ];
        for entry in wrong {
            assert!(AllowedHosts::parse([entry.to_owned()]).is_err(), "{entry}");
        }
    }
}
