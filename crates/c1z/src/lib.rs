//! The c1z file format, both directions.

mod ddl;
mod sqlite_file;
