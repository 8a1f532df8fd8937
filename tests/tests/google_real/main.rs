//! The Google simulator against those who know Google: its own schema, its own clients, a browser.

mod bodies;
mod gcal_sync;
mod google_api;
mod node;
mod page;
mod requests;
mod rows;
mod schema;
mod served;
