//! What users do with their connections, in one process and on virtual time.

mod channels;
mod clocks;
mod codes;
mod directions;
mod disconnect;
mod grants;
mod headers;
mod imports;
mod lab;
mod leavers;
mod logins;
mod logs;
mod operator;
mod pokes;
mod questions;
mod quota;
mod refused;
mod schedulers;
mod seals;
mod several;
mod strangers;
mod tickets;
mod tokens;
mod trail;
mod turns;
