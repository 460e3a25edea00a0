//! The container of a v3 file (docs/reference/c1z.md §1.2): magic, manifest, one zstd frame a file, index of the frames, footer.
//! Older files have an archive after the manifest; those can only be read.

mod archive;
mod folder;
mod frame;
mod header;
mod index;
mod one_pass;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use frame::Frame;
pub(crate) use header::xxh64;
pub(crate) use index::Entry;
#[cfg(any(test, fuzzing))]
pub(crate) use index::footed;
pub(crate) use reader::Envelope;
pub(crate) use writer::EnvelopeWriter;
