//! Called by Google's push notifications.

pub use shared::handler::webhook::handle;

#[cfg(target_family = "wasm")]
shared::component!(async |request| shared::spin::function(request, handle).await);
