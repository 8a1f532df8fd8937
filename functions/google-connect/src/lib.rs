//! Connects a Google account: consent page and callback.

pub use shared::handler::connect::handle;

#[cfg(target_family = "wasm")]
shared::component!(async |request| shared::spin::function(request, handle).await);
