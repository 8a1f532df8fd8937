//! The database's functions, by subject.

mod contract;
