//! Tables in the shapes of real CRMs, each adopted as it is, synced in full fidelity and given back as it was.

#[path = "../database/calls.rs"]
#[expect(dead_code, reason = "short ways that other programs use more of")]
mod calls;
mod crm;

mod atomic;
mod cal;
mod check;
mod clinic;
mod django;
mod doc;
mod fields;
mod mission;
mod odoo;
mod rails;
mod shapes;
mod undo;
