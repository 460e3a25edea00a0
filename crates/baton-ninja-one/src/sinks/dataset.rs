//! What the sinks that write datasets share.

use std::path::Path;
use std::sync::Arc;

use access_core::ports::AccessSink;
use access_dataset::{DatasetSink, DatasetSinkConfig, FileFormat, Location};

use super::kind::SinkOptions;
use crate::wiring::formats;

/// Parses the location of a dataset.
pub(super) fn dataset_location(text: &str) -> Result<Location, String> {
    text.parse()
        .map_err(|error: access_dataset::LocationError| error.to_string())
}

/// The folder of a location, if it is local.
pub(super) fn local_folder(location: &Location) -> Option<&Path> {
    match location {
        Location::Folder(path) => Some(path),
        Location::Bucket(_) => None,
    }
}

/// Builds the sink of a dataset in a format.
pub(super) fn dataset_sink(
    options: &SinkOptions,
    location: &Location,
    format: impl FileFormat + 'static,
) -> Arc<dyn AccessSink> {
    let config = DatasetSinkConfig {
        location: location.clone(),
        temp_folder: options.temp_folder.clone(),
        history: options.history,
        replace_existing: options.replace_existing,
    };
    Arc::new(DatasetSink::new(config, format).reading(formats()))
}
