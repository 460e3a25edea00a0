//! Opens the store of a location.

use std::sync::Arc;

use super::Store;
use super::local::Folder;
use super::location::Location;
use super::object_store::Bucket;
use crate::error::DatasetError;

/// Opens a store for reading. A folder must exist, and is not locked.
pub(crate) async fn open_to_read(location: &Location) -> Result<Arc<dyn Store>, DatasetError> {
    Ok(match location {
        Location::Folder(path) => Arc::new(Folder::open_to_read(path.clone()).await?),
        Location::Bucket(url) => Arc::new(Bucket::open_dataset(url).await?),
    })
}

/// Opens a store. A folder is created if it is missing, and locked.
pub(crate) async fn open(location: &Location) -> Result<Arc<dyn Store>, DatasetError> {
    Ok(match location {
        Location::Folder(path) => Arc::new(Folder::open(path.clone()).await?),
        Location::Bucket(url) => Arc::new(Bucket::open_dataset(url).await?),
    })
}
