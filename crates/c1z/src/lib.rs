//! Reads and writes `.c1z` files, in which connectors deliver access data to ConductorOne: resource types, resources, entitlements and
//! grants. Both formats are supported in both directions: **v1**, a SQLite database in a zstd frame, and **v3**, a Pebble store in a
//! container. Neither SQLite nor Pebble is needed to write. The formats are described in `docs/reference/c1z.md`.
//!
//! # Writing
//!
//! 1. [`Target::open`] detects what is at the path and locks it.
//! 2. [`Writer::begin`] starts a sync, after copying the syncs of an existing file that [`Retention`] keeps. Rows are added in any order.
//! 3. [`Writer::prepare`] completes a file beside the target and reads it back.
//! 4. [`PreparedFile::publish`] replaces the target atomically.
//!
//! Until then the target is unchanged, whatever happens. Memory is bounded: rows are sorted on disk, in
//! [`WriterOptions::temp_folder`].
//!
//! # Reading
//!
//! [`Reader::open`] unpacks a file to a private temporary folder, within [`Limits`], so that files of others can be opened. Rows are
//! streamed to closures ([`Reader::resources`] …), or looked up by id ([`Reader::resource`] …). A sync is identified by its id:
//! [`Reader::syncs`] lists them, [`Reader::latest_finished`] is the one that other readers use.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::AtomicBool;
//!
//! use baton_proto::connector_v2::{Resource, ResourceId, ResourceType};
//! use c1z::{
//!     C1zError, Compression, ExistingFilePolicy, Limits, Reader, Retention, SyncHeader, Target, Writer,
//!     WriterOptions,
//! };
//! use time::OffsetDateTime;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("sync.c1z");
//! let stop = Arc::new(AtomicBool::new(false));
//!
//! // Write a sync with one user.
//! let options = WriterOptions {
//!     temp_folder: folder.path().to_owned(),
//!     engine: None,
//!     retention: Retention::default(),
//!     compression: Compression::default(),
//!     limits: Limits::default(),
//!     stop: Arc::clone(&stop),
//! };
//! let header = SyncHeader {
//!     sync_id: "2vU7QmBvvjK3kdYyV0000000001".to_owned(),
//!     sync_type: "full",
//!     started_at: OffsetDateTime::now_utc(),
//! };
//! let target = Target::open(&path, ExistingFilePolicy::Refuse)?;
//! let mut writer = Writer::begin(target, header, options)?;
//! writer.put_resource_type(&ResourceType {
//!     id: "user".to_owned(),
//!     display_name: "User".to_owned(),
//!     ..ResourceType::default()
//! })?;
//! writer.put_resource(Resource {
//!     id: Some(ResourceId {
//!         resource_type: "user".to_owned(),
//!         resource: "1".to_owned(),
//!         baton_resource: false,
//!     }),
//!     display_name: "Zoë".to_owned(),
//!     ..Resource::default()
//! })?;
//! writer.prepare(OffsetDateTime::now_utc())?.publish()?;
//!
//! // Read it back.
//! let reader = Reader::open(&path, folder.path(), Limits::default(), &stop)?;
//! let sync = reader.latest_finished()?;
//! let mut names = Vec::new();
//! reader.resources(&sync.sync_id, |resource| {
//!     names.push(resource.display_name);
//!     Ok::<(), C1zError>(())
//! })?;
//! assert_eq!(names, ["Zoë"]);
//! # Ok(())
//! # }
//! ```
//!
//! All calls block. In async code they belong on threads of their own; `stop` flags and [`Interrupt`] cancel them.

mod convert;
mod error;
mod existing_file;
mod format;
#[cfg(any(test, fuzzing))]
#[path = "../../../tests/fuzz/bodies/c1z.rs"]
pub mod fuzzing;
mod io;
mod message;
mod note;
mod options;
mod previous_ids;
mod previous_sync;
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

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
