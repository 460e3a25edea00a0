//! One finished sync of a c1z file, written by any connector: the access source behind `export`, and the snapshot
//! that `inspect` asks.
//!
//! [`C1zSource`] and [`C1zSnapshot`] are the ports; `decode` turns the ecosystem's messages into domain rows; `expansion` works out who holds
//! what through something else, as the reference does after a sync; a thread of its own does everything that touches
//! the disk.

mod channel;
mod decode;
mod error;
mod events;
mod expansion;
mod grants;
mod snapshot;
mod source;
mod sync_pass;
mod sync_selection;

pub use c1z::Limits;
pub use error::{C1zSourceError, KnownSync};
pub use snapshot::C1zSnapshot;
pub use source::{C1zSource, C1zSourceConfig, UnknownTenant};
