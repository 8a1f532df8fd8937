//! A Postgres of the tests' own, and a database each with the set of `migrations/second`.

mod cluster;
mod fixture;
mod people;

pub use cluster::{fresh, halves, set};
pub use fixture::PostgresStore;
