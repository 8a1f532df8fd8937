//! Stories on the whole stack: real components, a real database, a Google that behaves.

mod budget;
mod crashes;
mod races;
mod strangers;
