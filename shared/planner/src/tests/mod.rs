mod decisions;
mod document;
mod fixture;
mod page;
mod words;
