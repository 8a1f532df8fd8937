//! Google event JSON, to a row and back. Run it with `cargo fuzz run event -s none fuzz/corpus/event fuzz/seeds/event`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| shared_fuzz::event(input));
