//! One finished sync of a c1z file, written by any connector: the access source behind `export`, and the snapshot
//! behind `inspect`.
//!
//! [`C1zSource`] and [`C1zSnapshot`] are the ports; `decode` converts messages to domain rows; `expansion` computes effective
//! grants, as the reference does after a sync; all disk access is on a separate thread.

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
