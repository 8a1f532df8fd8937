//! `tandem doctor`: looks at a deployment piece by piece, and says what to do about what is wrong.

mod application;
mod database;
mod google;

use crate::http::Http;
use crate::install::Release;
use anyhow::{Result, ensure};
use chrono::Utc;
use std::path::Path;

/// What is looked at: as much as it is told of.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Options {
    /// Where the deployment is reached: its variable `app_url`
    #[arg(long)]
    pub app_url: Option<url::Url>,
    /// The database, as the role that installed Tandem: postgres://role:password@host:port/name
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// The deployment's variable of that name: has it asked how it is
    #[arg(
        long,
        env = "FUNCTION_SECRET",
        hide_env_values = true,
        requires = "app_url"
    )]
    pub function_secret: Option<String>,
    /// A login's JWT, as the CRM's pages send it: has it asked whether it is one
    #[arg(
        long,
        env = "LOGIN_TOKEN",
        hide_env_values = true,
        requires = "app_url"
    )]
    pub login_token: Option<String>,
    /// The deployment's variable of that name: has Google asked whether it knows the client and the redirect URI
    #[arg(long, env = "GOOGLE_CLIENT_ID", requires = "app_url")]
    pub google_client_id: Option<String>,
    /// The deployment's variable of that name
    #[arg(
        long,
        env = "GOOGLE_CLIENT_SECRET",
        hide_env_values = true,
        requires = "google_client_id"
    )]
    pub google_client_secret: Option<String>,
    /// The deployment's variable of that name
    #[arg(long, default_value = "https://accounts.google.com")]
    pub google_accounts_origin: String,
    /// The deployment's variable of that name
    #[arg(long, default_value = "https://oauth2.googleapis.com")]
    pub google_oauth_origin: String,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is so.
    pub fact: String,
    /// What to do, where it is not as it should be.
    pub remedy: Option<String>,
}

impl Finding {
    fn good(fact: impl Into<String>) -> Self {
        Self {
            fact: fact.into(),
            remedy: None,
        }
    }

    fn bad(fact: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            fact: fact.into(),
            remedy: Some(remedy.into()),
        }
    }

    fn when(is_good: bool, good: &str, bad: &str, remedy: impl Into<String>) -> Self {
        if is_good {
            Self::good(good)
        } else {
            Self::bad(bad, remedy)
        }
    }
}

/// Looks at everything that it is told of.
///
/// # Errors
/// When it is told of nothing, or the project's own files cannot be read.
pub async fn examine(root: &Path, options: &Options) -> Result<Vec<Finding>> {
    ensure!(
        options.app_url.is_some() || options.database_url.is_some(),
        "name what to look at: --app-url, --database-url, or both"
    );
    let mut found = Vec::new();
    let http = Http::default();
    if let Some(url) = &options.database_url {
        let release = Release::read(&root.join("migrations"))?.id();
        found.extend(database::examine(url, &release, options.app_url.as_ref(), Utc::now()).await);
    }
    if let Some(app) = &options.app_url {
        let secret = options.function_secret.as_deref();
        found
            .extend(application::examine(&http, app, secret, options.login_token.as_deref()).await);
        if let Some(client) = &options.google_client_id {
            let secret = options.google_client_secret.as_deref();
            let origins = [
                &options.google_accounts_origin,
                &options.google_oauth_origin,
            ];
            found.extend(
                google::examine(&http, origins.map(String::as_str), app, client, secret).await,
            );
        }
    }
    Ok(found)
}

/// Prints what was found; whether all of it is as it should be.
///
/// # Errors
/// As [`examine`].
pub async fn run(root: &Path, options: &Options, say: &dyn Fn(&str)) -> Result<bool> {
    let found = examine(root, options).await?;
    for finding in &found {
        match &finding.remedy {
            None => say(&format!("ok     {}", finding.fact)),
            Some(remedy) => say(&format!("WRONG  {}\n       {remedy}", finding.fact)),
        }
    }
    let wrong = found
        .iter()
        .filter(|finding| finding.remedy.is_some())
        .count();
    say(&match wrong {
        0 => "all of that is as it should be".to_owned(),
        wrong => format!("{wrong} of {} to be put right", found.len()),
    });
    Ok(wrong == 0)
}
