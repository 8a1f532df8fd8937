//! The database's functions answer the same through PostgREST and through Neon's `/sql`.

mod errors;
mod fixtures;
mod functions;
mod locks;
mod manage;
mod own;
mod served;
mod tickets;
