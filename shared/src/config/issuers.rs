//! Who may issue logins: the CRM, and a second sign-in beside it.

use super::ConfigError;
use super::variables::Variables;
use crate::jwt::{ExpectedClaims, Issuer};
use url::Url;

/// The variables of one issuer.
struct Names {
    secrets: [&'static str; 2],
    origin: &'static str,
    path: &'static str,
    audience: &'static str,
    issuer: &'static str,
}

const FIRST: Names = Names {
    secrets: ["jwt_secret", "jwt_secret_previous"],
    origin: "jwks_origin",
    path: "jwks_path",
    audience: "jwt_audience",
    issuer: "jwt_issuer",
};

const SECOND: Names = Names {
    secrets: ["jwt_secret_2", "jwt_secret_previous_2"],
    origin: "jwks_origin_2",
    path: "jwks_path_2",
    audience: "jwt_audience_2",
    issuer: "jwt_issuer_2",
};

/// Those that can prove a login. `supabase` is the project whose own sign-in is the first one's
/// default.
pub fn read(variables: &Variables<'_>, supabase: Option<&Url>) -> Result<Vec<Issuer>, ConfigError> {
    let mut first = issuer(variables, &FIRST)?;
    let second = issuer(variables, &SECOND)?;
    if let Some(project) = supabase {
        default_to(project, &mut first)?;
    }
    let both: Vec<Issuer> = [first, second]
        .into_iter()
        .filter(|issuer| !issuer.secrets.is_empty() || issuer.keys_url.is_some())
        .collect();
    if let [first, second] = both.as_slice() {
        let [first, second] = [first, second].map(|issuer| issuer.expected.issuer.as_ref());
        if first.is_none() {
            return Err(ConfigError::Issuer(FIRST.issuer));
        }
        if second.is_none() || second == first {
            return Err(ConfigError::Issuer(SECOND.issuer));
        }
    }
    Ok(both)
}

fn issuer(variables: &Variables<'_>, names: &Names) -> Result<Issuer, ConfigError> {
    let keys_url = match variables.set(names.path) {
        Some(path) => Some(joined(names.path, &variables.url(names.origin)?, &path)?),
        None => None,
    };
    Ok(Issuer {
        expected: ExpectedClaims {
            audience: variables.set(names.audience),
            issuer: variables.set(names.issuer),
        },
        secrets: variables.secrets(names.secrets),
        keys_url,
    })
}

/// Supabase signs the logins of all its users alike; where another sign-in publishes the keys, its
/// claims are not known.
fn default_to(project: &Url, issuer: &mut Issuer) -> Result<(), ConfigError> {
    let base = joined("db_origin", project, "/auth/v1/")?;
    let keys_url = joined("db_origin", &base, ".well-known/jwks.json")?;
    let keys_url = issuer.keys_url.get_or_insert(keys_url);
    if keys_url.origin() != project.origin() {
        return Ok(());
    }
    let expected = &mut issuer.expected;
    let name = base.as_str().trim_end_matches('/');
    expected.issuer.get_or_insert_with(|| name.to_owned());
    expected
        .audience
        .get_or_insert_with(|| "authenticated".to_owned());
    Ok(())
}

fn joined(name: &'static str, base: &Url, path: &str) -> Result<Url, ConfigError> {
    let url = base
        .join(path)
        .map_err(|why| ConfigError::Url { name, why })?;
    // A path that is a URL of its own leads elsewhere.
    if url.origin() == base.origin() {
        Ok(url)
    } else {
        Err(ConfigError::Path(name))
    }
}
