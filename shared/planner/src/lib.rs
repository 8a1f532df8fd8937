//! What to do about a family of events: pure.
