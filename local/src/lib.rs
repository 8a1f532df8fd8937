//! The local stack.

pub mod cache;
pub mod migrate;
pub mod neon;
pub mod npm;
pub mod postgres;
pub mod postgrest;
pub mod process;
pub mod relay;
