//! The suite that every store is held to.
