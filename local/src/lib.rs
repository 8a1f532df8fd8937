//! The local stack: everything Tandem needs, on one machine, from package registries alone. For
//! development and tests; production is Spin, with the database as the only state.

pub mod bench;
pub mod browser;
pub mod cache;
pub mod dev;
pub mod doctor;
pub mod google_command;
pub mod host;
pub mod http;
pub mod install;
mod listen;
pub mod neon;
pub mod npm;
pub mod page;
pub mod postgres;
pub mod postgrest;
pub mod process;
pub mod record;
pub mod relay;
pub mod smoke;
pub mod soak;
pub mod sql;
pub mod stack;
pub mod toolchain;
