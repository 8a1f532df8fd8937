//! The fields of an event, and their three-way merge.
