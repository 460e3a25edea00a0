//! What a person or another program reads: text, tables, JSON, progress.

mod cell;
mod column;
pub(crate) mod console;
pub(crate) mod format;
pub(crate) mod outcome;
pub(crate) mod pager;
pub(crate) mod progress;
pub(crate) mod rows;
pub(crate) mod standard_output;
pub(crate) mod summary;
pub(crate) mod text_table;
pub(crate) mod wrap;
