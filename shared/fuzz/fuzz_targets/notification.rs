//! Headers of notifications. Run it with `cargo fuzz run notification -s none fuzz/corpus/notification fuzz/seeds/notification`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| shared_fuzz::notification(input));
