//! Who is let in: the holder of the one access key.

use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

/// s3s has its own list of keys, but answers an unknown one with `NotSignedUp`; S3 answers `InvalidAccessKeyId`.
pub(crate) struct StaticCredentials {
    pub(crate) access_key: String,
    pub(crate) secret_key: SecretKey,
}

#[async_trait::async_trait]
impl S3Auth for StaticCredentials {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.access_key {
            Ok(self.secret_key.clone())
        } else {
            Err(s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records."
            ))
        }
    }
}
