//! Called by a clock: due pushes, listings and channels.

pub use shared::handler::scheduler::handle;

#[cfg(target_family = "wasm")]
shared::component!(async |request| shared::spin::function(request, handle).await);
