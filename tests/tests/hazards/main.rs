//! The histories that break a calendar sync, each as a story. A test's number is that of the history.

mod deletions;
mod disconnect;
mod jobs;
mod late;
mod merge;
mod outside;
mod owners;
mod people;
mod series;
