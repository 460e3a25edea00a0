//! The access sink behind `kind = "c1z"`: one sync into one c1z file.
//!
//! [`C1zSink`] is the port; `access-wire` converts domain rows to messages; a separate thread does everything that costs
//! processor time or touches the disk.

mod earlier;
mod error;
mod note;
mod sink;
mod worker;

pub use c1z::{Compression, ExistingFilePolicy, Limits, Retention, StorageEngine};
pub use error::C1zSinkError;
pub use sink::{C1zSink, C1zSinkConfig};
