//! Tandem's core.
