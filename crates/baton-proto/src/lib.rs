//! Protobuf messages of the baton ecosystem, wire-compatible with what C1's SDK reads and writes.
//!
//! The `.proto` files are our own; a test holds every field, number, type, enum value and method of theirs against the
//! table of the reference's wire format. Encoding is deterministic: fields by number, map entries by key.

mod annotation;
mod generated;

/// Package `c1.c1z.v3`: the envelope of a c1z v3 file.
pub use generated::c1::c1z::v3 as c1z_v3;
/// Package `c1.config.v1`: fields of forms, which are the arguments and results of actions.
pub use generated::c1::config::v1 as config_v1;
/// Package `c1.connector.v2`: what connectors give.
pub use generated::c1::connector::v2 as connector_v2;
/// Package `c1.connectorapi.baton.v1`: tasks, and the service that gives them out (docs/reference/conductorone.md §3.5).
pub use generated::c1::connectorapi::baton::v1 as connectorapi_baton_v1;
/// Package `c1.ratelimit.v1`: how far a rate limit is used up, a detail of errors.
pub use generated::c1::ratelimit::v1 as ratelimit_v1;
/// Package `c1.reader.v2`: what readers tell about syncs.
pub use generated::c1::reader::v2 as reader_v2;
/// Package `c1.storage.v3`: what a c1z v3 file holds.
pub use generated::c1::storage::v3 as storage_v3;
/// Package `google.rpc`: how a call ended, inside other messages.
pub use generated::google::rpc;

pub use annotation::{find_annotation, pack};
pub use prost;
pub use prost_types;
pub use tonic;

/// The compiled descriptors of everything in this crate, as a serialised `FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The descriptors of [`storage_v3`] and of what it imports, by path, as a serialised `FileDescriptorSet`.
pub const STORAGE_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/storage.bin"));

#[cfg(test)]
mod wire_table;
