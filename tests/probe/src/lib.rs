//! A component whose only purpose is to be run by tests of the host: what it does is the last
//! segments of the path.
//!
//! | path | answer |
//! |---|---|
//! | `/hello` | `hello` |
//! | `/busy/MS` | empty, after so many milliseconds of computing |
//! | `/bytes/LENGTH` | as many bytes |
//! | `/echo` | the request's body, and each of its headers as `x-<name>` |
//! | `/variable/NAME` | the variable, or 404 |
//! | `/log` | empty; writes a line to each of stdout and stderr |
//! | `/trap` | none: it traps |
//! | `/fetch` | what the URL in the header `url` answers to the request's body, sent with the request's method; a header `repeat` multiplies the body; 502 and the error when there is no answer |
//! | `/clock` | the time, RFC 3339 |
//! | `/random` | 32 bytes |

#[cfg(target_family = "wasm")]
mod answers;

#[cfg(target_family = "wasm")]
shared::component!(answers::answer);
