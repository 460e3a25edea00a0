//! One published sync of a dataset, whatever its format and location: as an access source, and as a snapshot for point queries.
//!
//! [`DatasetSource`] and [`DatasetSnapshot`] are the ports; `batch_columns` gives the values of columns, `decode` turns rows
//! into the domain's types. Rows come in the order of the files, which is that of their keys, a batch at a time.
//!
//! A dataset has less data than a tenant: of several addresses only the primary one, and of devices only their names.

mod batch_columns;
mod decode;
mod error;
mod open_sync;
mod snapshot;
mod source;

pub use error::DatasetSourceError;
pub use open_sync::DatasetConfig;
pub use open_sync::OpenSync;
pub use snapshot::DatasetSnapshot;
pub use source::DatasetSource;
