//! The database's functions, by subject.

mod adoption;
mod calls;
mod contract;
mod due;
mod privileges;
mod writes;
