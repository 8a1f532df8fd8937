//! Whole-system tests.

pub mod history;
pub mod inprocess;
pub mod plans;
pub mod play;
pub mod python;
pub mod sixty_days;
pub mod sql;
pub mod stack;
