//! A Postgres of our own: find one or fetch it, run clusters on the loopback, make and drop databases.
//!
//! A cluster listens on 127.0.0.1 only, has no unix socket, and asks every role for its password. Nothing here
//! knows what the databases are for.

mod cluster;
mod connection;
mod find;
mod layout;
mod membership;
mod owner;
pub mod roles;
mod template;
mod test_cluster;

pub use cluster::{Cluster, ClusterOptions};
pub(crate) use connection::describe;
pub use connection::{SUPERUSER, SUPERUSER_PASSWORD, Server, connect};
pub use find::{Install, OLDEST, find_or_install};
pub use test_cluster::{TestCluster, TestDatabase, supabase_test_cluster, test_cluster};
