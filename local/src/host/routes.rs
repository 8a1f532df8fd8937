//! Which component answers a path: the longest route that fits, an exact one before a wildcard, and a
//! slash at the end makes no difference. See <https://spinframework.dev/http-trigger>. Routes with
//! parameters (`/:name/`) are not known here.

use super::manifest::Route;
use anyhow::{Result, ensure};
use http::{HeaderName, HeaderValue, Request, Uri};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// All routes of an application.
pub struct Routes(Vec<Entry>);

struct Entry {
    route: Route,
    /// The path without the slashes at its ends and without the wildcard.
    path: String,
    /// It fits whatever follows its path, too.
    wildcard: bool,
}

/// A route that fits a path.
pub struct Matched<'routes> {
    /// The route as the manifest has it.
    pub route: &'routes Route,
    /// What the wildcard stands for, with the slash in front; else empty.
    path_info: String,
}

impl Routes {
    /// Takes the manifest's routes.
    ///
    /// # Errors
    /// When one is there twice or has parameters.
    pub fn new(routes: &[Route]) -> Result<Self> {
        let mut entries = Vec::new();
        let mut seen = BTreeSet::new();
        for route in routes {
            let text = &route.route;
            let wildcard = text.ends_with("/...");
            let path = text.strip_suffix("/...").unwrap_or(text).trim_matches('/');
            ensure!(
                !path.contains([':', '*']),
                "route `{text}` has parameters, which this host does not know"
            );
            ensure!(
                seen.insert((path, wildcard)),
                "route `{text}` is there twice"
            );
            entries.push(Entry {
                route: route.clone(),
                path: path.to_owned(),
                wildcard,
            });
        }
        Ok(Self(entries))
    }

    /// The best route for a path.
    pub fn find(&self, path: &str) -> Option<Matched<'_>> {
        let inner = path.trim_matches('/');
        let (entry, rest) = self
            .0
            .iter()
            .filter_map(|entry| Some((entry, entry.rest(inner)?)))
            .max_by_key(|(entry, _)| (entry.path.len(), !entry.wildcard))?;
        // Spin keeps the slash at the end of what a wildcard stands for.
        let path_info = match (entry.wildcard, rest.is_empty(), path.ends_with('/')) {
            (false, _, _) | (true, true, false) => String::new(),
            (true, true, true) => "/".to_owned(),
            (true, false, false) => format!("/{rest}"),
            (true, false, true) => format!("/{rest}/"),
        };
        Some(Matched {
            route: &entry.route,
            path_info,
        })
    }
}

impl Entry {
    /// What follows the route in a path that it fits.
    fn rest<'path>(&self, inner: &'path str) -> Option<&'path str> {
        let rest = inner.strip_prefix(&self.path)?;
        match (rest, self.wildcard) {
            ("", _) => Some(rest),
            (_, true) if self.path.is_empty() => Some(rest),
            (_, true) => rest.strip_prefix('/'),
            (_, false) => None,
        }
    }
}

impl Matched<'_> {
    /// Adds the headers that Spin adds, and makes the URI absolute as Spin does.
    /// See <https://spinframework.dev/http-trigger>, "Additional Request Information".
    pub fn prepare<B>(&self, request: &mut Request<B>, client: SocketAddr) {
        let headers = request.headers_mut();
        let host = headers
            .entry(http::header::HOST)
            .or_insert(HeaderValue::from_static("localhost"));
        let host = host.to_str().unwrap_or("localhost").to_owned();
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let full = format!("http://{host}{path}");
        let route = &self.route.route;
        let prefix = route.strip_suffix("/...").unwrap_or(route);
        let added = [
            ("spin-path-info", self.path_info.clone()),
            ("spin-full-url", full.clone()),
            ("spin-matched-route", route.clone()),
            ("spin-base-path", "/".to_owned()),
            ("spin-raw-component-route", route.clone()),
            ("spin-component-route", prefix.to_owned()),
            ("spin-client-addr", client.to_string()),
        ];
        for (name, value) in added {
            if let Ok(value) = HeaderValue::try_from(value) {
                // Added to what the client sent under this name, as in Spin: no header is proof.
                let name = HeaderName::from_static(name);
                request.headers_mut().append(name, value);
            }
        }
        if let Ok(uri) = Uri::try_from(full) {
            *request.uri_mut() = uri;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(routes: &[&str]) -> Result<Routes> {
        let route = |route: &&str| Route {
            route: (*route).to_owned(),
            component: "x".to_owned(),
        };
        Routes::new(&routes.iter().map(route).collect::<Vec<_>>())
    }

    fn check(path: &str, expected: Option<(&str, &str)>) {
        let all = ["/", "/a/...", "/a/b", "/a/b/c/...", "/deep/er/"];
        let mut backwards = all;
        backwards.reverse();
        for order in [all, backwards] {
            let routes = routes(&order).unwrap();
            let found = routes.find(path);
            let found = found
                .as_ref()
                .map(|m| (m.route.route.as_str(), m.path_info.as_str()));
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn the_longest_route_that_fits_wins_in_any_order() {
        check("/", Some(("/", "")));
        check("/a", Some(("/a/...", "")));
        check("/a/x/y", Some(("/a/...", "/x/y")));
        check("/a/b", Some(("/a/b", "")));
        check("/a/b/x", Some(("/a/...", "/b/x")));
        check("/a/b/c/d", Some(("/a/b/c/...", "/d")));
    }

    #[test]
    fn a_slash_at_the_end_changes_only_what_the_wildcard_stands_for() {
        check("/a/b/", Some(("/a/b", "")));
        check("/deep/er", Some(("/deep/er/", "")));
        check("/a/", Some(("/a/...", "/")));
        check("/a/x/", Some(("/a/...", "/x/")));
    }

    #[test]
    fn a_name_that_only_begins_like_a_route_does_not_fit() {
        check("/ab", None);
        check("/deep", None);
        check("/deep/er/er", None);
    }

    #[test]
    fn a_route_that_is_there_twice_or_has_parameters_is_refused() {
        assert!(routes(&["/a", "/a/"]).is_err());
        assert!(routes(&["/users/:id"]).is_err());
        assert!(routes(&["/a", "/a/..."]).is_ok());
    }
}
