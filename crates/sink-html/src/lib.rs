//! The access sink behind `kind = "html"`: one sync as a review report, one self-contained HTML file.
//!
//! [`HtmlSink`] is the sink. Rows are collected in memory (`collector`), sorted (`model`), counted (`metrics`, `charts`), compared with
//! the previous report (`previous_report`, `changes`), encoded as sections (`payload`) and rendered into a page (`render`) whose style
//! and code are the files in `src/page`. The `seal` at its end has the hashes that [`verify`] checks. `schema` hands the page what the
//! adapter declares.

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
mod review_scope;
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
pub use review::{ReportGrant, ReviewFileSpec, ReviewedReport, read_reviewed, write_review_file};
pub use review_scope::{ReviewReviewer, ReviewRole, ReviewScope};
pub use seal::{Previous, Seal, SealedSection};
pub use sink::{HtmlSink, HtmlSinkConfig};
pub use target::refuse_target;
pub use verify::{Verification, verify};
