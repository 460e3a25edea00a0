use std::fmt;

/// The configuration of a simulated S3.
#[derive(Clone)]
pub struct S3SimConfig {
    /// The only bucket there is.
    pub bucket: String,
    /// The only access key there is.
    pub access_key: String,
    /// The secret that requests must be signed with.
    pub secret_key: String,
    /// Keys that begin with this can be read but not written; empty means every key.
    pub read_only_prefix: Option<String>,
}

/// Leaves the secret out: tests look for secrets in logs.
impl fmt::Debug for S3SimConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("S3SimConfig")
            .field("bucket", &self.bucket)
            .field("access_key", &self.access_key)
            .field("read_only_prefix", &self.read_only_prefix)
            .finish_non_exhaustive()
    }
}
