//! Whole-system tests.

pub mod field;
pub mod inprocess;
pub mod play;
pub mod python;
pub mod sixty_days;
pub mod stack;
