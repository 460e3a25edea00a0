//! The c1z file format, both directions.
//!
//! A v1 c1z is five bytes of magic and a zstd frame around a SQLite database, a v3 an envelope around the files of a
//! key-value store. [`Target`] classifies and locks the file,
//! [`Writer`] takes one sync, [`PreparedFile::publish`] makes it visible; [`Reader`] streams what a file holds. All calls
//! block; they belong on threads of their own.

mod convert;
mod error;
mod existing_file;
mod format;
#[cfg(any(test, fuzzing))]
#[path = "../../../tests/fuzz/bodies/c1z.rs"]
pub mod fuzzing;
mod io;
mod note;
mod options;
mod previous_ids;
mod reader;
mod retention;
mod stats;
mod sync_row;
mod tenant_address;
mod v1;
mod v3;
mod writer;

pub use convert::{Converted, convert};
pub use error::C1zError;
pub use existing_file::Contents;
pub use format::Container;
pub use io::atomic_file::ExistingFilePolicy;
pub use io::atomic_file::Target;
pub use note::SyncNote;
pub use options::{Compression, Limits, Retention, StorageEngine, WriterOptions};
pub use previous_ids::PreviousId;
pub use reader::grants::ExpandableGrant;
pub use reader::grants::GrantRow;
pub use reader::{Interrupt, Reader};
pub use stats::SyncStats;
pub use sync_row::{SyncHeader, SyncRow};
pub use v1::grant_template::GrantTemplate;
pub use v1::timestamp::format as format_timestamp;
pub use v1::timestamp::parse as parse_timestamp;
pub use writer::{PreparedFile, Published, Writer};
