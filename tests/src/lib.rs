//! Whole-system tests.

pub mod sql;
