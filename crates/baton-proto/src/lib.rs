//! Protobuf messages of the baton ecosystem, wire-compatible with what C1's SDK reads and writes.
//!
//! The `.proto` files are our own. A test compares every field, number, type, enum value and method with the wire
//! format of the reference. Encoding is deterministic: fields by number, map entries by key.

mod annotation;
mod generated;

/// Package `c1.c1z.v3`: the envelope of a c1z v3 file.
pub use generated::c1::c1z::v3 as c1z_v3;
/// Package `c1.config.v1`: form fields, used for arguments and results of actions.
pub use generated::c1::config::v1 as config_v1;
/// Package `c1.connector.v2`: the data of connectors.
pub use generated::c1::connector::v2 as connector_v2;
/// Package `c1.connectorapi.baton.v1`: tasks, and the service that assigns them (docs/reference/conductorone.md §3.5).
pub use generated::c1::connectorapi::baton::v1 as connectorapi_baton_v1;
/// Package `c1.ratelimit.v1`: rate limit state in error details.
pub use generated::c1::ratelimit::v1 as ratelimit_v1;
/// Package `c1.reader.v2`: sync metadata.
pub use generated::c1::reader::v2 as reader_v2;
/// Package `c1.storage.v3`: the records of a c1z v3 file.
pub use generated::c1::storage::v3 as storage_v3;
/// Package `google.rpc`: the status of a call inside other messages.
pub use generated::google::rpc;

pub use annotation::{find_annotation, pack};
pub use prost;
pub use prost_types;
pub use tonic;

/// All descriptors as a serialized `FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The descriptors of [`storage_v3`] and its imports, sorted by path, as a serialized `FileDescriptorSet`.
pub const STORAGE_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/storage.bin"));

#[cfg(test)]
mod compat_test;
