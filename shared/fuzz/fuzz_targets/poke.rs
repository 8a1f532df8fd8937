//! Bodies of pokes. Run it with `cargo fuzz run poke -s none fuzz/corpus/poke fuzz/seeds/poke`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| shared_fuzz::poke(input));
