//! The c1z file format, both directions.
//!
//! A v1 c1z is five bytes of magic and a zstd frame around a SQLite database, a v3 an envelope around the files of a
//! key-value store. [`Target`] classifies and locks the file,
//! [`Writer`] takes one sync, [`PreparedFile::publish`] makes it visible; [`Reader`] streams what a file holds. All calls
//! block; they belong on threads of their own.

mod convert;
mod earlier;
mod error;
mod format;
#[cfg(any(test, fuzzing))]
#[path = "../../../tests/fuzz/bodies/c1z.rs"]
pub mod fuzzing;
mod io;
mod note;
mod previous_ids;
mod reader;
mod retention;
mod stats;
mod v1;
mod v3;
mod writer;

pub use convert::{Converted, convert};
pub use earlier::{Contents, EarlierId};
pub use error::C1zError;
pub use format::Container;
pub use io::atomic_file::ExistingFilePolicy;
pub use io::atomic_file::Target;
pub use note::SyncNote;
pub use reader::grants::ExpandableGrant;
pub use reader::grants::GrantRow;
pub use reader::{Interrupt, Reader, SyncRow};
pub use retention::Retention;
pub use stats::SyncStats;
pub use v1::compress::Compression;
pub use v1::decompress::Limits;
pub use v1::grant_template::GrantTemplate;
pub use v1::timestamp::format as format_timestamp;
pub use v1::timestamp::parse as parse_timestamp;
pub use writer::{PreparedFile, Published, StorageEngine, SyncHeader, Writer, WriterOptions};
