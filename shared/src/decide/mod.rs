//! Decisions: data in, an enum out that says what to do. Nothing here sends, waits or reads a clock.

mod choice;
mod notes;
mod occurrence;
pub mod pull;
pub mod push;
pub mod refusal;
pub mod window;
mod write;

#[cfg(test)]
mod tests;
