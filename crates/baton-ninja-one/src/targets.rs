//! Parses targets for all settings, sinks and commands, and rejects texts that cannot be intended.

use std::path::PathBuf;

use access_dataset::{BucketUrl, Location, LocationError};

/// The suffix of a c1z in a bucket, which distinguishes it from a dataset.
pub(crate) const C1Z_ENDING: &str = ".c1z";

/// The target of a c1z file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum C1zTarget {
    /// A local file.
    File(PathBuf),
    /// An object in a bucket.
    Bucket(BucketUrl),
}

/// Parses the path of a local file; `what` names its contents in errors.
pub(crate) fn local_file(text: &str, what: &str) -> Result<PathBuf, String> {
    match text.parse() {
        Ok(Location::Folder(path)) => Ok(path),
        Ok(Location::Bucket(_)) => Err(format!(
            "{what} is a file of this machine and not of a bucket; only a c1z and datasets can be in a bucket"
        )),
        Err(LocationError::Empty) => Err(format!("{what} needs the name of a file")),
        Err(error) => Err(error.to_string()),
    }
}

/// Parses the target of a c1z file.
pub(crate) fn c1z(text: &str) -> Result<C1zTarget, String> {
    match text.parse() {
        Ok(Location::Folder(path)) => Ok(C1zTarget::File(path)),
        Ok(Location::Bucket(url)) if url.prefix().ends_with(C1Z_ENDING) => Ok(C1zTarget::Bucket(url)),
        Ok(Location::Bucket(url)) => Err(format!(
            "`{url}` does not name a c1z file in the bucket; its name ends in {C1Z_ENDING}, e.g. {url}/sync.c1z"
        )),
        Err(LocationError::Empty) => Err("a c1z needs the name of a file".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_buckets() {
        for mistyped in [
            "s3:/x.c1z",
            "s3//x.c1z",
            "gs:x.c1z",
            "C:\\x.c1z",
            "file:x.c1z",
            "http://x/y.c1z",
            " ",
        ] {
            assert!(local_file(mistyped, "a report").is_err(), "{mistyped}");
            assert!(c1z(mistyped).is_err(), "{mistyped}");
        }
        assert!(local_file("s3://lake/x.html", "a report").is_err());
        assert_eq!(local_file("out/x.html", "a report"), Ok("out/x.html".into()));
        assert!(
            matches!(c1z("S3://lake/a b/x.c1z"), Ok(C1zTarget::Bucket(url)) if url.prefix() == "a b/x.c1z")
        );
        assert!(c1z("s3://lake").is_err());
        assert!(c1z("s3://lake/access").is_err());
    }
}
