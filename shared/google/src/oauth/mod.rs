//! Google OAuth 2.0 for web-server applications: the consent page, then three form posts.
//!
//! Source: Google's pages "Using OAuth 2.0 for Web Server Applications" and "OpenID Connect".

pub mod authorize;
pub mod error;
pub mod exchange;
pub mod id_token;
pub mod refresh;
pub mod revoke;
pub mod scope;

mod token_answer;

pub use error::{TokenError, is_policy};
pub use token_answer::Tokens;

use super::id::ClientSecret;

/// The application, as registered in the Google Cloud project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Public.
    pub id: String,
    /// Not public.
    pub secret: ClientSecret,
}
