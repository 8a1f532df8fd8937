//! The WebAssembly engine, set up as Spin's is: instances from a pool, and guests that yield to others.

use anyhow::Result;
use std::path::Path;
use std::time::Duration;
use wasmtime::{
    Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
};

/// How long a guest computes before others have their turn.
const SLICE: Duration = Duration::from_millis(10);

/// An engine that keeps what it compiles in `cache`.
///
/// # Errors
/// When the cache cannot be used.
pub fn new(cache: Option<&Path>) -> Result<Engine> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    if let Some(folder) = cache {
        let mut cache = CacheConfig::new();
        cache.with_directory(std::path::absolute(folder)?);
        config.cache(Some(Cache::new(cache)?));
    }
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(
        PoolingAllocationConfig::new(),
    ));
    // A pool reserves address space for all its instances, more than some machines grant.
    let engine = Engine::new(&config).or_else(|_| {
        config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        Engine::new(&config)
    })?;
    // A thread and no task: guests that never wait could keep every task from running.
    let weak = engine.weak();
    std::thread::spawn(move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(SLICE);
        }
    });
    Ok(engine)
}
