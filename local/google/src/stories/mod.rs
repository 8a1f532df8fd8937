//! Histories over several people, clocks and copies that are not rows of the conformance table.

mod acl;
mod assumed;
mod calendar_list;
mod consent;
mod forged;
mod guests;
mod gzip;
mod lag;
mod odd_input;
mod page;
mod replay;
mod seed;
mod settings;
mod size;
mod web_interface;
mod world;
