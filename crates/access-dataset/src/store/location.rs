//! The address of a dataset, or of a file in a bucket.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use url::Url;

/// Schemes of other stores and programs, with their replacement here.
const OTHER_SCHEMES: [(&str, &str); 14] = [
    ("s3a", "s3://BUCKET/PREFIX"),
    ("s3n", "s3://BUCKET/PREFIX"),
    ("gcs", "gs://BUCKET/PREFIX"),
    ("azure", "az://CONTAINER/PREFIX"),
    ("abfs", "az://CONTAINER/PREFIX"),
    ("abfss", "az://CONTAINER/PREFIX"),
    ("wasb", "az://CONTAINER/PREFIX"),
    ("wasbs", "az://CONTAINER/PREFIX"),
    ("adl", "az://CONTAINER/PREFIX"),
    ("file", "the path alone"),
    (
        "http",
        "s3://BUCKET/PREFIX, with the store's address in AWS_ENDPOINT_URL",
    ),
    (
        "https",
        "s3://BUCKET/PREFIX, with the store's address in AWS_ENDPOINT_URL",
    ),
    ("ftp", "a folder, s3://, gs:// or az://"),
    ("hdfs", "a folder, s3://, gs:// or az://"),
];

/// Types of object stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// Amazon S3 and compatible stores.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
}

impl StoreKind {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::S3, Self::Gcs, Self::Azure];

    /// The scheme of its URLs.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gcs => "gs",
            Self::Azure => "az",
        }
    }

    fn from_scheme(scheme: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.scheme().eq_ignore_ascii_case(scheme))
    }
}

/// A prefix in a bucket, exactly as it was typed: `s3://lake/access data` means the keys `access data/…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketUrl {
    kind: StoreKind,
    bucket: String,
    prefix: String,
    ca_file: Option<Arc<Path>>,
}

impl BucketUrl {
    /// Adds the certificate authorities of a PEM file to the trusted ones.
    #[must_use]
    pub fn with_ca_file(self, ca_file: Option<&Path>) -> Self {
        Self {
            ca_file: ca_file.map(Arc::from),
            ..self
        }
    }

    /// The type of the store.
    #[must_use]
    pub fn kind(&self) -> StoreKind {
        self.kind
    }

    /// The bucket or container.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The beginning of all keys, without a slash at its end.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The prefix that versions before this one wrote to for the same text, which percent-encoded it. `None` if it is the same.
    pub(super) fn encoded_prefix(&self) -> Option<String> {
        let encoded = Url::parse(&self.to_string()).ok()?;
        let encoded = encoded.path().trim_matches('/');
        (encoded != self.prefix).then(|| encoded.to_owned())
    }

    pub(super) fn with_prefix(&self, prefix: String) -> Self {
        Self {
            prefix,
            ..self.clone()
        }
    }

    /// The PEM file with additional certificate authorities.
    pub(super) fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// The parent location, and the last part of the prefix.
    pub(super) fn split_last(&self) -> (Self, &str) {
        let (parent, name) = self.prefix.rsplit_once('/').unwrap_or(("", &self.prefix));
        (self.with_prefix(parent.to_owned()), name)
    }

    fn parse(kind: StoreKind, text: &str, rest: &str) -> Result<Self, LocationError> {
        let scheme = kind.scheme();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.contains('@') || rest.contains('?') {
            return Err(LocationError::Credentials);
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.$".contains(c);
        if bucket.is_empty() || !bucket.chars().all(is_name) {
            return Err(LocationError::Bucket {
                url: text.to_owned(),
                scheme: scheme.to_owned(),
            });
        }
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let refused = |reason| LocationError::Prefix {
            url: text.to_owned(),
            reason,
        };
        if !prefix.is_empty() {
            for part in prefix.split('/') {
                if let Some(reason) = refuse_part(part) {
                    return Err(refused(reason));
                }
            }
        }
        Ok(Self {
            kind,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            ca_file: None,
        })
    }
}

/// Why a part of a prefix is refused.
fn refuse_part(part: &str) -> Option<&'static str> {
    match part {
        "" => Some("two slashes in a row make a part without a name"),
        "." | ".." => Some("`.` and `..` are not folders in a bucket"),
        _ if part != part.trim() => Some("a part of it begins or ends with a space"),
        _ if part.contains('\\') => Some("it holds a backslash; parts are separated by `/`"),
        _ if part.chars().any(char::is_control) => Some("it holds a control character"),
        _ => None,
    }
}

impl fmt::Display for BucketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.kind.scheme(), self.bucket)?;
        if !self.prefix.is_empty() {
            write!(f, "/{}", self.prefix)?;
        }
        Ok(())
    }
}

/// The root of a dataset, or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A prefix in a bucket: `s3://`, `gs://` or `az://`.
    Bucket(BucketUrl),
}

/// Why a text is not the address of a dataset or a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Nothing is named.
    #[error("a folder or a URL is required, e.g. out/access or s3://bucket/access")]
    Empty,
    /// The scheme is not one of an object store.
    #[error("`{scheme}://` is not a supported store; use a folder, s3://, gs:// or az://")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// The scheme is another name of a supported one.
    #[error("`{scheme}:` is not a supported scheme; write {instead}")]
    OtherScheme {
        /// The scheme.
        scheme: String,
        /// The supported form.
        instead: &'static str,
    },
    /// It looks like a URL and is none.
    #[error("`{text}` looks like a URL but is not one; write {instead}")]
    Mistyped {
        /// The text.
        text: String,
        /// The probable intention, and how to name such a path.
        instead: String,
    },
    /// A path of Windows, on another system.
    #[error("`{text}` is a Windows path; write a path of this system, or ./{text} for a file of that name")]
    WindowsPath {
        /// The text.
        text: String,
    },
    /// The URL has no bucket, or is not a URL.
    #[error("`{url}` does not name a bucket; write {scheme}://BUCKET/PREFIX")]
    Bucket {
        /// The text.
        url: String,
        /// Its scheme.
        scheme: String,
    },
    /// The prefix cannot be meant as it is written.
    #[error("`{url}` is not a prefix in a bucket: {reason}")]
    Prefix {
        /// The text.
        url: String,
        /// Why not.
        reason: &'static str,
    },
    /// The URL has credentials or a query.
    #[error(
        "the URL of a bucket must not contain a user, password or query; credentials come from the environment"
    )]
    Credentials,
}

impl Location {
    /// Adds the certificate authorities of a PEM file to the trusted ones, for buckets.
    #[must_use]
    pub fn with_ca_file(self, ca_file: Option<&Path>) -> Self {
        match self {
            Self::Bucket(url) => Self::Bucket(url.with_ca_file(ca_file)),
            folder @ Self::Folder(_) => folder,
        }
    }
}

impl FromStr for Location {
    type Err = LocationError;

    /// A text without a scheme is a path. One that looks like a URL and is none is refused: it would become a folder of that name.
    fn from_str(text: &str) -> Result<Self, LocationError> {
        if text.trim().is_empty() {
            return Err(LocationError::Empty);
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            if let Some(kind) = StoreKind::from_scheme(scheme) {
                return BucketUrl::parse(kind, text, rest).map(Self::Bucket);
            }
            if is_scheme(scheme) {
                let scheme = scheme.to_ascii_lowercase();
                return Err(match other_scheme(&scheme) {
                    Some(instead) => LocationError::OtherScheme { scheme, instead },
                    None => LocationError::Scheme { scheme },
                });
            }
        }
        refuse_mistyped(text)?;
        Ok(Self::Folder(PathBuf::from(text)))
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn other_scheme(scheme: &str) -> Option<&'static str> {
    let found = OTHER_SCHEMES.iter().find(|(other, _)| *other == scheme);
    found.map(|(_, instead)| *instead)
}

/// A text without what may be a password in it.
fn without_secrets(text: &str) -> String {
    let text = text.split_once('?').map_or(text, |(text, _)| text);
    match text.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => text.to_owned(),
    }
}

/// Refuses texts that are formally a path but are probably a mistyped URL.
fn refuse_mistyped(text: &str) -> Result<(), LocationError> {
    let shown = without_secrets(text);
    let instead = |scheme: &str| format!("{scheme}://BUCKET/PREFIX, or ./{shown} for a path");
    let mistyped = |instead: String| LocationError::Mistyped {
        text: shown.clone(),
        instead,
    };
    // `s3//lake/access`
    if let Some((scheme, _)) = text.split_once("//")
        && let Some(kind) = StoreKind::from_scheme(scheme)
    {
        return Err(mistyped(instead(kind.scheme())));
    }
    let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        return Ok(());
    };
    if scheme.len() == 1 && rest.starts_with(['\\', '/']) && !cfg!(windows) {
        return Err(LocationError::WindowsPath { text: shown });
    }
    if let Some(kind) = StoreKind::from_scheme(scheme) {
        return Err(mistyped(instead(kind.scheme())));
    }
    let scheme = scheme.to_ascii_lowercase();
    if let Some(instead) = other_scheme(&scheme) {
        return Err(LocationError::OtherScheme { scheme, instead });
    }
    if scheme.len() > 1 && rest.starts_with(['/', '\\']) {
        return Err(mistyped(format!("./{shown} for a path")));
    }
    Ok(())
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Bucket(url) => url.fmt(f),
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
            "S3://lake/access",
            "gs://lake",
            "az://container/a/b",
            "s3://lake/access data",
            "s3://lake/zugänge",
            "s3://lake/access%20data",
            "s3://lake/a#b",
            "s3://lake/access ",
            "s3://lake//access",
            "s3://lake/a//b",
            "s3://lake/../b",
            "s3://lake/a\\b",
            "s3://lake/a\nb",
            "",
            "http://lake/access",
            "HTTPS://lake/access",
            "s3://",
            "s3:///access",
            "s3://la ke/access",
            "s3://key:secret@lake/access",
            "s3://lake/access?region=x",
            "s3:/lake/access",
            "s3:lake",
            "s3:/key:secret@lake/access?token=secret",
            "s3//lake/access",
            "gs:x",
            "az:\\x",
            "s3a://lake/access",
            "file:x",
            "file:///x",
            "foo:/x",
            "foo://x",
            "C:\\x",
            "c:/x",
            "./s3:/x",
            "2026-11-30T10:00",
            "sync:new",
        ]
        .iter()
        .map(|text| match text.parse::<Location>() {
            Ok(Location::Folder(path)) => format!("{text:28?} folder {}", path.display()),
            Ok(Location::Bucket(url)) => format!("{text:28?} {url} (keys {:?})", url.prefix()),
            Err(error) => format!("{text:28?} error: {error}"),
        })
        .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn the_prefix_of_earlier_versions_is_known() {
        let encoded = |text: &str| match text.parse::<Location>() {
            Ok(Location::Bucket(url)) => url.encoded_prefix(),
            other => panic!("{other:?}"),
        };
        assert_eq!(encoded("s3://lake/access data").as_deref(), Some("access%20data"));
        assert_eq!(encoded("gs://lake/zugänge").as_deref(), Some("zug%C3%A4nge"));
        assert_eq!(encoded("s3://lake/access"), None);
        assert_eq!(encoded("s3://lake/access%20data"), None);
        assert_eq!(encoded("s3://lake"), None);
    }
}
