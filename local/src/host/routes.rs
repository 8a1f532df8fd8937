//! Which component answers a path, decided by the router that Spin itself uses: an exact segment goes
//! before a parameter, a parameter before a wildcard, and a slash at the end makes no difference.

use super::manifest::Route;
use anyhow::{Result, anyhow, ensure};
use http::{HeaderName, HeaderValue, Request, Uri};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// All routes of an application.
pub struct Routes(routefinder::Router<Route>);

/// A route that fits a path.
pub struct Matched<'routes> {
    /// The route as the manifest has it.
    pub route: &'routes Route,
    /// What the wildcard stands for, with the slash in front; else empty.
    path_info: String,
    /// What each parameter stands for.
    parameters: Vec<(String, String)>,
}

impl Routes {
    /// Takes the manifest's routes.
    ///
    /// # Errors
    /// When one is wrong or there twice.
    pub fn new(routes: &[Route]) -> Result<Self> {
        let mut router = routefinder::Router::new();
        let mut seen = BTreeSet::new();
        for route in routes {
            let path = route.route.trim_end_matches('/');
            ensure!(seen.insert(path), "route `{}` is there twice", route.route);
            let path = match path.strip_suffix("/...") {
                Some(before) => format!("{before}/*"),
                None => path.to_owned(),
            };
            router
                .add(path.as_str(), route.clone())
                .map_err(|error| anyhow!("route `{}`: {error}", route.route))?;
        }
        Ok(Self(router))
    }

    /// The best route for a path.
    pub fn find(&self, path: &str) -> Option<Matched<'_>> {
        let found = self.0.best_match(path)?;
        let captures = found.captures();
        let path_info = match (captures.wildcard(), path.ends_with('/')) {
            (None, _) | (Some(""), false) => String::new(),
            (Some(""), true) => "/".to_owned(),
            (Some(rest), false) => format!("/{rest}"),
            (Some(rest), true) => format!("/{rest}/"),
        };
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let parameters = captures.iter().map(owned).collect();
        Some(Matched {
            route: found.handler(),
            path_info,
            parameters,
        })
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
        let mut added = vec![
            ("spin-path-info".to_owned(), self.path_info.clone()),
            ("spin-full-url".to_owned(), full.clone()),
            ("spin-matched-route".to_owned(), route.clone()),
            ("spin-base-path".to_owned(), "/".to_owned()),
            ("spin-raw-component-route".to_owned(), route.clone()),
            ("spin-component-route".to_owned(), prefix.to_owned()),
            ("spin-client-addr".to_owned(), client.to_string()),
        ];
        for (name, value) in &self.parameters {
            added.push((format!("spin-path-match-{name}"), value.clone()));
        }
        for (name, value) in added {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                // Added to what the client sent under this name, as in Spin: no header is proof.
                request.headers_mut().append(name, value);
            }
        }
        if let Ok(uri) = Uri::try_from(full) {
            *request.uri_mut() = uri;
        }
    }
}
