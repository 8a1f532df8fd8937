//! What surrounds a store: the CRM's transactions, what people do, and all that can be seen of it.

mod crm;
mod people;
mod picture;

pub use crm::*;
pub use people::*;
pub use picture::*;
