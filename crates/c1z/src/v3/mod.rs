//! The c1z v3 format (docs/reference/c1z.md §1.2, §3): an envelope around the files of a key-value store, which holds one sync.
//!
//! `envelope/` is the container: manifest, frames, index, footer. `pebble/` is the store within it: tables, manifest of
//! tables, markers. `key.rs`, `record.rs` and `grant.rs` are keys and values; `rows.rs` sorts them, `digest.rs` sums grants
//! up, `store.rs` makes tables and frames of them.
//! `as_v1.rs` reads.

mod as_v1;
mod digest;
mod envelope;
mod grant;
mod ids;
mod key;
mod manifest;
mod pebble;
mod record;
mod rows;
mod store;

pub(crate) use as_v1::{as_v1, insert_asset, insert_grant};
#[cfg(any(test, fuzzing))]
pub(crate) use envelope::{EnvelopeWriter, Frame, footed};
pub(crate) use grant::GrantRecordTemplate;
pub(crate) use ids::StoreIds;
pub(crate) use manifest::{Summary, syncs};
pub(crate) use record::timestamp;
pub(crate) use rows::{Rows, RowsError};
pub(crate) use store::{seal, verify};
