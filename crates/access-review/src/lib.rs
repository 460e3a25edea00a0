//! Access reviews as plain rules: what a review is, who decides which line, what a returned sheet may say, how several sheets
//! become one result, and the chain of hashes that ties decisions to the sealed report. No input or output: callers hand in
//! records and take records.
//!
//! - [`Review`] is the scope: every [`Line`] with a stable [`LineId`], who reviews it, and until when.
//! - [`Sheet`] is what a reviewer returned: a header and one row a line, open ones too.
//! - [`assess`] believes nothing: it compares sheets with the review and gives one [`LineState`] a line and every
//!   [`Finding`] that speaks against carrying the sheets out.
//! - [`decision_log`] chains the decisions to the report's seal.

mod assess;
mod decision_log;
mod hash;
mod line;
mod plan;
mod review;
mod reviewer;
mod scope;
mod sheet;
mod statement;

pub use assess::{
    Assessment, Conditions, Decided, Finding, LineState, OpenMeans, Problem, Progress, Revocation, SheetFile,
    Waiver, assess,
};
pub use decision_log::{ChainError, DecisionEntry, DecisionLog, decision_log, verify_decision_log};
pub use hash::sha256_hex;
pub use line::{Line, LineId, PersonNames, Subject};
pub use plan::{Plan, PlanError, PlanRow};
pub use review::{Assignee, FORMAT, Review, ReviewError, ReviewFile, VERSION, parse_due};
pub use reviewer::is_same_person;
pub use scope::{Scope, ScopeError};
pub use sheet::{COLUMNS, Header, Record, Row, SHEET_FORMAT, Sheet, SheetError, render};
pub use statement::{Decision, Statement};
