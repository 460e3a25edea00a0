//! The v3 format (docs/reference/c1z.md §1.2, §3): an envelope around the files of a key-value store with one sync.
//!
//! `envelope/` is the container: manifest, frames, index, footer. `pebble/` is the store in it: tables, manifest of tables,
//! markers. `key.rs`, `record.rs` and `grant.rs` encode keys and values, `row_sorter.rs` sorts them, `grant_digests.rs` computes
//! digests, `file_writer.rs` writes tables and frames. `unpacked_store.rs`, `packed_tables.rs`, `ids.rs`,
//! `grant_index.rs` and `reader/v3_to_v1.rs` read.

pub(crate) mod envelope;
pub(crate) mod file_writer;
pub(crate) mod grant;
mod grant_digests;
mod grant_index;
pub(crate) mod ids;
pub(crate) mod key;
pub(crate) mod manifest;
mod packed_tables;
pub(crate) mod pebble;
pub(crate) mod record;
pub(crate) mod row_sorter;
mod store_read_error;
pub(crate) mod unpacked_store;

#[cfg(any(test, fuzzing))]
pub(crate) use envelope::{EnvelopeWriter, Frame, footed};
pub(crate) use file_writer::{verify, write_file};
pub(crate) use grant::GrantRecordTemplate;
pub(crate) use ids::StoreIds;
pub(crate) use manifest::{Summary, syncs};
pub(crate) use record::proto_timestamp;
pub(crate) use row_sorter::Rows;
pub(crate) use row_sorter::RowsError;
pub(crate) use store_read_error::StoreReadError;
