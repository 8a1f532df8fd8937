//! The variables of the application.

use super::{APP, CLIENT, FUNCTION_SECRET, JWT_SECRET, OPERATOR_SECRET};
use anyhow::Result;
use shared::config::Config;
use std::collections::BTreeMap;

/// Values in place of the usual ones.
pub(super) type Variables = BTreeMap<&'static str, String>;

pub(super) fn config(variables: &Variables) -> Result<Config> {
    let config = Config::read(|name| {
        if let Some(value) = variables.get(name) {
            return Some(value.clone());
        }
        let value = match name {
            "db_driver" => "neon",
            "db_origin" => "http://db.localhost",
            "db_path" => "/sql",
            "google_api_origin" | "google_oauth_origin" | "google_accounts_origin" => {
                "http://google.localhost"
            }
            "google_client_id" => CLIENT,
            "google_client_secret" => "client secret",
            "app_url" => APP,
            "function_secret" => FUNCTION_SECRET,
            "operator_secret" => OPERATOR_SECRET,
            "token_keys" => "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "signing_key" => "the key that signs states and channels",
            "jwt_secret" => JWT_SECRET,
            _ => return None,
        };
        Some(value.to_owned())
    });
    Ok(config?)
}
