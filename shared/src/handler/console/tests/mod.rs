//! How the page is served, and which bodies are refused.

mod bodies;
mod files;
