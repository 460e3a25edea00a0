//! The access sink behind `kind = "html"`: one sync as a review report, one HTML file that needs nothing else.
//!
//! [`HtmlSink`] is the port. Rows are gathered in memory (`collector`), put in an order of their own (`model`), counted
//! (`figures`, `charts`), compared with the report before (`predecessor`, `changes`), and written as compressed `sections` into
//! a `page` whose style and code are the files in `src/page`. The `seal` at its end has the hashes that [`verify`] checks.

mod changes;
mod charts;
mod collector;
mod entitlements;
mod error;
mod evidence;
mod metrics;
mod model;
mod payload;
mod previous_report;
mod render;
mod report_reader;
mod review;
mod schema;
mod seal;
mod sink;
mod string_table;
mod target;
mod users;
mod varint;
mod verify;
mod worker;

pub use error::ReportError;
pub use render::escape_html;
pub use render::source_hash;
pub use review::{
    ReportGrant, ReviewFileSpec, ReviewReviewer, ReviewRole, ReviewScope, ReviewedReport, read_reviewed,
    write_review_file,
};
pub use seal::{Previous, Seal, SealedSection};
pub use sink::{HtmlSink, HtmlSinkConfig};
pub use target::refuse_target;
pub use verify::{Verification, verify};
