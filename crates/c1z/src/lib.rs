//! The c1z file format, both directions.
//!
//! A v1 c1z is five bytes of magic and a zstd frame around a SQLite database, a v3 an envelope around the files of a
//! key-value store. [`Target`] classifies and locks the file,
//! [`Writer`] takes one sync, [`PreparedFile::publish`] makes it visible; [`Reader`] streams what a file holds. All calls
//! block; they belong on threads of their own.

mod container;
mod convert;
mod ddl;
mod earlier;
mod error;
#[cfg(any(test, fuzzing))]
#[path = "../../../tests/fuzz/bodies/c1z.rs"]
pub mod fuzzing;
mod grant_reader;
mod grant_rows;
mod guard;
mod history;
mod note;
mod previous_ids;
mod questions;
mod reader;
mod scratch_folder;
mod seal;
mod second_look;
mod sorter;
mod sqlite_file;
mod stats;
mod target;
mod timestamp;
mod unpack;
mod v3;
mod writer;

pub use container::Container;
pub use convert::{Converted, convert};
pub use earlier::{Contents, EarlierId};
pub use error::C1zError;
pub use grant_reader::{ExpandableGrant, GrantRow};
pub use grant_rows::GrantTemplate;
pub use history::Retention;
pub use note::SyncNote;
pub use reader::{Interrupt, Reader, SyncRow};
pub use seal::Compression;
pub use stats::SyncStats;
pub use target::{OnForeign, Target};
pub use timestamp::{format as format_timestamp, parse as parse_timestamp};
pub use unpack::Limits;
pub use writer::{PreparedFile, Published, StorageEngine, SyncHeader, Writer, WriterOptions};
