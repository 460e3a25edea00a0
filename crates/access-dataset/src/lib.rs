//! The analytics data contract: tables of access data with documented columns, written sorted and resolved, published so
//! that a reader who follows the pointer never sees half a sync.
//!
//! A sink is a [`DatasetSink`] with a [`FileFormat`]; formats have crates of their own.

mod collector_thread;
mod diff;
mod error;
mod format;
#[cfg(any(test, fuzzing))]
#[path = "../../../tests/fuzz/bodies/access_dataset.rs"]
pub mod fuzzing;
mod hashing_reader;
mod history;
mod manifest;
mod publish;
mod reader;
mod rows;
mod schema;
mod sink;
mod store;
mod verify;

pub use diff::PublishedSnapshot;
pub use diff::Snapshot;
pub use diff::SortedSink;
pub use diff::SortedSync;
pub use diff::TableRecords;
pub use diff::differences;
pub use error::{DatasetError, FormatError, FormatTooLarge};
pub use format::{Batches, FileFormat, FileWriter, FormatOptions, Formats};
pub use hashing_reader::HashingReader;
pub use history::{Rebuilt, rebuild};
pub use manifest::{
    FileEntry, Manifest, ManifestHistory, ManifestLeftOut, ManifestLink, ManifestReplaces, ManifestSync,
    POINTER, Pointer,
};
pub use reader::HashCheck;
pub use reader::ListedSync;
pub use reader::Published;
pub use reader::Rows;
pub use reader::Voucher;
pub use schema::docs::columns as document;
pub use schema::{Column, ColumnKind, Contract, DictionaryBuilder, SCHEMA_VERSION, Table};
pub use sink::{DatasetSink, DatasetSinkConfig};
pub use store::{
    BucketFile, BucketUrl, Location, LocationError, ObjectVersion, StoreKind, document_cloud_variables,
    secret_cloud_variables,
};
pub use verify::{Finding, Verification, verify};
