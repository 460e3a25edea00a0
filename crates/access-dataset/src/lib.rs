//! The analytics data contract: tables of access data with documented columns, written sorted and resolved, published so
//! that a reader who follows the pointer never sees half a sync.
//!
//! A sink is a [`DatasetSink`] with a [`FileFormat`]; formats have crates of their own.

mod collecting;
mod comparison;
mod document;
mod error;
mod format;
#[cfg(any(test, fuzzing))]
#[path = "../../../tests/fuzz/bodies/access_dataset.rs"]
pub mod fuzzing;
mod history;
mod manifest;
mod publish;
mod published;
mod read_back;
mod rows;
mod schema;
mod sink;
mod store;
mod verify;

pub use comparison::{PublishedSnapshot, Snapshot, SortedSink, SortedSync, TableRecords, differences};
pub use document::columns as document;
pub use error::DatasetError;
pub use format::{Batches, FileFormat, FileWriter, FormatError, FormatOptions, FormatTooLarge, Formats};
pub use history::{Rebuilt, rebuild};
pub use manifest::{
    FileEntry, Manifest, ManifestHistory, ManifestLeftOut, ManifestLink, ManifestReplaces, ManifestSync,
    POINTER, Pointer,
};
pub use published::{Hashes, ListedSync, Published, Rows, Standing};
pub use read_back::ReadBack;
pub use schema::{Column, ColumnKind, Dataset, SCHEMA_VERSION, WordBuilder};
pub use sink::{DatasetSink, DatasetSinkConfig};
pub use store::{
    BucketFile, BucketUrl, Location, LocationError, ObjectVersion, StoreKind, document_cloud_variables,
};
pub use verify::{Finding, Verification, verify};
