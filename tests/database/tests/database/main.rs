//! The database's functions, by subject.

mod adoption;
mod calls;
mod contract;
mod differential;
mod due;
mod install;
mod linter;
mod plans;
mod poke;
mod privileges;
mod restored;
mod stress;
mod triggers;
mod vault;
mod waiting;
mod writes;
mod years;
