//! Access reviews as pure rules: the scope of a review, who decides each line, validation and merging of returned
//! sheets, and the hash chain between decisions and the sealed report. No I/O: callers pass records and receive
//! records.
//!
//! - [`Review`] is the scope: every [`Line`] with a stable [`LineId`], who reviews it, and until when.
//! - [`Sheet`] is what a reviewer returns: a header and one row per line, including open ones.
//! - [`assess`] trusts nothing: it compares sheets with the review and returns a [`LineState`] per line and every
//!   [`Finding`] that prevents applying the sheets.
//! - [`decision_log`] chains the decisions to the seal of the report.

mod assess;
mod assessment;
mod decision_log;
mod hash;
mod line;
mod plan;
mod problem;
mod review;
mod reviewer;
mod scope;
mod sheet;
mod statement;

pub use assess::{Conditions, SheetFile, assess};
pub use assessment::{Assessment, Decided, LineState, OpenMeans, Progress, Revocation};
pub use decision_log::{ChainError, DecisionEntry, DecisionLog, decision_log, verify_decision_log};
pub use hash::sha256_hex;
pub use line::{Line, LineId, PersonNames, Subject};
pub use plan::{Plan, PlanError, PlanRow};
pub use problem::{Finding, Problem, Waiver};
pub use review::{Assignee, FORMAT, Review, ReviewError, ReviewFile, VERSION, parse_due};
pub use reviewer::is_same_person;
pub use scope::{Scope, ScopeError};
pub use sheet::{COLUMNS, Header, Record, Row, SHEET_FORMAT, Sheet, SheetError, render};
pub use statement::{Decision, Statement};
