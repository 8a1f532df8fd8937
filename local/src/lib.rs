//! The local stack.

pub mod cache;
pub mod host;
pub mod migrate;
pub mod neon;
pub mod npm;
pub mod postgres;
pub mod postgrest;
pub mod process;
pub mod relay;
pub mod toolchain;
