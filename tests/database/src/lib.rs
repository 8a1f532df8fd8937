//! A Postgres of the tests' own, and a database each with the set of `migrations`.

mod blocking;
mod cluster;
mod fixture;
mod people;

pub use blocking::Blocking;
pub use cluster::{again, fresh, functions, halves, restored, set};
pub use fixture::PostgresStore;
