//! A tenant of any size, computed from a seed: every row follows from its position, so that five million role members
//! stream without ever being held.

mod collection;
mod directory;
mod generator;
mod json;
mod membership;
mod names;
mod person;
mod person_json;
mod rows;
mod size;

pub(crate) use collection::Collection;
pub(crate) use generator::Generated;
pub(crate) use rows::{Listing, Rows};
pub use size::GeneratedSize;
