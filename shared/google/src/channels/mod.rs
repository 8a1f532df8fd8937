//! The method of the Channels resource.

pub mod stop;
