//! One published sync of a dataset, whatever its format and place: as an access source, and as a snapshot that can be asked.
//!
//! [`DatasetSource`] and [`DatasetSnapshot`] are the ports; `table` turns columns into values, `decode` rows into the domain's
//! things. Rows come as they lie in the files, in the order of their keys, a batch at a time.
//!
//! A dataset says less than a tenant: of several addresses it has the primary one, and of devices nothing but their names.

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
