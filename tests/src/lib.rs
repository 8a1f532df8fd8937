//! Whole-system tests.

pub mod sql;
pub mod stack;
