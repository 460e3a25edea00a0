//! The access sink behind `kind = "html"`: one sync as a review report, one HTML file that needs nothing else.
//!
//! [`HtmlSink`] is the port. Rows are gathered in memory (`collector`), put in an order of their own (`model`), counted
//! (`figures`, `charts`), compared with the report before (`predecessor`, `changes`), and written as compressed `sections` into
//! a `page` whose style and code are the files in `src/page`. The `seal` at its end has the hashes that [`verify`] checks.

mod access;
mod changes;
mod charts;
mod collector;
mod error;
mod evidence;
mod figures;
mod model;
mod page;
mod people;
mod predecessor;
mod report_file;
mod review;
mod seal;
mod sections;
mod sink;
mod target;
mod thread;
mod varint;
mod verify;
mod words;

pub use error::ReportError;
pub use page::{escape_html, source_hash};
pub use review::{
    ReportGrant, ReviewReviewer, ReviewRole, ReviewScope, ReviewedReport, read_reviewed, write_review_file,
};
pub use seal::{Previous, Seal, SealedSection};
pub use sink::{HtmlSink, HtmlSinkConfig};
pub use target::refuse_target;
pub use verify::{Verification, verify};
