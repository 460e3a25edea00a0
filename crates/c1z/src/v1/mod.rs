//! The first format: a compressed SQLite database.

pub(crate) mod compress;
pub(crate) mod decompress;
pub(crate) mod disk_error;
pub(crate) mod grant_template;
pub(crate) mod query_limits;
pub(crate) mod record_rows;
pub(crate) mod rows;
pub(crate) mod sqlite;
pub(crate) mod tables;
pub(crate) mod timestamp;
