//! The functions, as components in the host: what they refuse, and what they do when something fails.

mod adopted;
mod connect;
mod consent;
mod database;
mod doctor;
mod google;
mod pokes;
mod webhook;
