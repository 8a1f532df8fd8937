//! The histories that break a calendar sync, each as a story. A test's number is that of the history.

mod deletions;
mod jobs;
mod merge;
mod outside;
mod people;
mod series;
