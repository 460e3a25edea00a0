//! Protobuf messages of the baton ecosystem, wire-compatible with what C1's SDK reads and writes.
//!
//! The `.proto` files are our own; a test holds every field, number, type and enum value of theirs against the table of
//! the reference's wire format. Encoding is deterministic: fields by number, map entries by key.

/// Package `c1.connector.v2`: what connectors give.
pub mod connector_v2 {
    #![expect(
        missing_docs,
        clippy::pedantic,
        reason = "generated from the .proto files, which document themselves"
    )]
    include!(concat!(env!("OUT_DIR"), "/c1.connector.v2.rs"));
}

/// Package `c1.reader.v2`: what readers tell about syncs.
pub mod reader_v2 {
    #![expect(
        missing_docs,
        reason = "generated from the .proto files, which document themselves"
    )]
    include!(concat!(env!("OUT_DIR"), "/c1.reader.v2.rs"));
}

mod annotation;

pub use annotation::{find_annotation, pack};
pub use prost;
pub use prost_types;

/// The compiled descriptors of everything in this crate, as a serialised `FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

#[cfg(test)]
mod wire_table;
