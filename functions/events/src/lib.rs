//! Called by the database when an event was created, changed or deleted: one component on three routes.

pub use shared::handler::poke::handle;

#[cfg(target_family = "wasm")]
shared::component!(async |request| shared::spin::function(request, handle).await);
