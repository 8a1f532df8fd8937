//! Whole-system tests.

pub mod inprocess;
pub mod python;
pub mod sql;
pub mod stack;
