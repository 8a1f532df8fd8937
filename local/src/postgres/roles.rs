//! The roles that a Supabase project is born with, for tests that stand for one.
//!
//! The default stack is plain Postgres and has none of them.

use anyhow::Result;
use tokio_postgres::Client;

use super::connection::describe;

/// The password of `authenticator`, the role that PostgREST logs in as.
pub const AUTHENTICATOR_PASSWORD: &str = "authenticator";

pub(super) const SQL: &str = include_str!("roles.sql");

/// Makes `anon`, `authenticated`, `service_role` and `authenticator` where they are missing, with what Supabase
/// grants them on schema `public` of the current database: everything that exists and will be made there by
/// `postgres`, so that a function is callable by everybody until a migration revokes it
/// (<https://supabase.com/docs/guides/api/using-custom-schemas> shows the same grants for other schemas).
///
/// Roles belong to the whole server: tests take [`supabase_test_cluster`](super::supabase_test_cluster).
///
/// # Errors
/// When the client's role may not make roles.
pub async fn supabase_like(client: &Client) -> Result<()> {
    client.batch_execute(SQL).await.map_err(|error| {
        describe(
            &error,
            "connect as a superuser: the roles of Supabase could not be made",
        )
    })
}
