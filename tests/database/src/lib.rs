//! A Postgres of the tests' own, and a database each with the set of `migrations`.

mod cluster;
mod fixture;
mod people;

pub use cluster::{again, fresh, functions, halves, restored, set};
pub use fixture::PostgresStore;
