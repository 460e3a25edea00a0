//! The address of a dataset.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

/// Schemes of object stores, with the words of their URLs.
const SCHEMES: [&str; 3] = ["s3", "gs", "az"];

/// The root of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A prefix in a bucket: `s3://`, `gs://` or `az://`.
    Bucket(Url),
}

/// Why a text is not the root of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Nothing is named.
    #[error("a folder or a URL is needed, e.g. out/access or s3://bucket/access")]
    Empty,
    /// The scheme is not one of an object store.
    #[error("`{scheme}://` is not a kind of store; use a folder, s3://, gs:// or az://")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// The URL has no bucket, or is no URL.
    #[error("`{url}` does not name a bucket; write {scheme}://BUCKET/PREFIX")]
    Bucket {
        /// The text.
        url: String,
        /// Its scheme.
        scheme: String,
    },
    /// The URL holds credentials or a query.
    #[error("a dataset's URL must hold no user, password or query; credentials come from the environment")]
    Credentials,
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        if text.trim().is_empty() {
            return Err(LocationError::Empty);
        }
        let Some((scheme, _)) = text.split_once("://") else {
            return Ok(Self::Folder(PathBuf::from(text)));
        };
        if !SCHEMES.contains(&scheme) {
            return Err(LocationError::Scheme {
                scheme: scheme.to_owned(),
            });
        }
        let bucket = || LocationError::Bucket {
            url: text.to_owned(),
            scheme: scheme.to_owned(),
        };
        let url = Url::parse(text).map_err(|_| bucket())?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(LocationError::Credentials);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(bucket());
        }
        Ok(Self::Bucket(url))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Bucket(url) => f.write_str(url.as_str().trim_end_matches('/')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let shown: Vec<String> = [
            "out/access",
            "s3://lake/access/",
            "gs://lake",
            "az://container/a/b",
            "",
            "http://lake/access",
            "s3://",
            "s3:///access",
            "s3://key:secret@lake/access",
            "s3://lake/access?region=x",
        ]
        .iter()
        .map(|text| match text.parse::<Location>() {
            Ok(location) => format!("{text:28} {location}"),
            Err(error) => format!("{text:28} error: {error}"),
        })
        .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }
}
