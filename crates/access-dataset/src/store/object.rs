//! A single file in a bucket, which is replaced all at once or not at all.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use access_core::hex;
use sha2::{Digest, Sha256};

use super::location::BucketUrl;
use super::object_store::Bucket;
use super::{Store, SwapOutcome, Version};
use crate::error::DatasetError;
use crate::publish::claim_once;

/// The largest file that is uploaded. Only a single request can be conditional, and it needs the file in memory.
const MAX_UPLOAD_BYTES: u64 = 1 << 30;

/// The slowest upload that is waited for, in bytes a second.
const MIN_UPLOAD_RATE: u64 = 64 << 10;

/// A file in a bucket.
#[derive(Debug)]
pub struct BucketFile {
    url: BucketUrl,
    folder: BucketUrl,
    name: String,
    bucket: Bucket,
}

/// The version of a file in a bucket when it was read.
#[derive(Debug, Clone)]
pub struct ObjectVersion(Version);

impl BucketFile {
    /// Opens the bucket, without a request.
    ///
    /// # Errors
    /// [`DatasetError`] if the environment's settings cannot be used.
    pub fn open(url: &BucketUrl) -> Result<Self, DatasetError> {
        let (folder, name) = url.split_last();
        Ok(Self {
            bucket: Bucket::open(&folder)?,
            name: name.to_owned(),
            folder,
            url: url.clone(),
        })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &BucketUrl {
        &self.url
    }

    /// Checks that the store accepts files here and honours conditional writes, which [`Self::replace`] needs. The file of this check is
    /// removed again, by the next run at the latest.
    ///
    /// # Errors
    /// [`DatasetError`] if it does not.
    pub async fn probe(&self) -> Result<(), DatasetError> {
        claim_once(&self.bucket, &format!("{}.claim", self.name)).await
    }

    /// Copies the file into a local one. `None` if there is none.
    ///
    /// # Errors
    /// [`DatasetError::ObjectTooLarge`] if it has more than `max_bytes`; [`DatasetError`] if it cannot be read or written.
    pub async fn download(&self, to: &Path, max_bytes: u64) -> Result<Option<ObjectVersion>, DatasetError> {
        let unwritable = |error: io::Error| DatasetError::io(to, error);
        let mut options = std::fs::OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let Some(version) = self
            .bucket
            .download(&self.name, max_bytes, &mut || {
                options.open(to).map_err(unwritable)
            })
            .await?
        else {
            return Ok(None);
        };
        Ok(Some(ObjectVersion(version)))
    }

    /// Replaces the file by a local one if its version is unchanged, and reads it back. Gives its size.
    ///
    /// # Errors
    /// [`DatasetError::ObjectChanged`] if another writer replaced it meanwhile; [`DatasetError`] if the store fails, or returns other
    /// bytes than were written.
    pub async fn replace(&self, from: &Path, was: Option<&ObjectVersion>) -> Result<u64, DatasetError> {
        let bytes = self.contents(from)?;
        let (size, written) = (bytes.len() as u64, hex(&Sha256::digest(&bytes)));
        // While a request is sent its answer is waited for already.
        let silence = Duration::from_mins(1) + Duration::from_secs(size / MIN_UPLOAD_RATE);
        let uploading = Bucket::open_with_timeout(&self.folder, silence)?;
        let swapped = uploading
            .swap(&self.name, bytes, was.map(|version| &version.0))
            .await?;
        let found = self.hash(size).await?;
        match (swapped, found == written) {
            // The answer to a write that was carried out may have been lost, and its repetition refused.
            (_, true) => Ok(size),
            (SwapOutcome::Changed, false) => Err(DatasetError::ObjectChanged {
                location: self.url.to_string(),
            }),
            (SwapOutcome::Done, false) => Err(DatasetError::ReadBackMismatch {
                location: self.url.to_string(),
                found: format!("SHA-256 {found}"),
                written: format!("SHA-256 {written}"),
            }),
        }
    }

    /// Stores a local file beside this one, and replaces an existing file. Gives its URL.
    ///
    /// # Errors
    /// [`DatasetError`] if the store fails.
    pub async fn put_beside(&self, from: &Path, ending: &str) -> Result<String, DatasetError> {
        let name = format!("{}{ending}", self.name);
        self.bucket.put_file(&name, from).await?;
        Ok(self.bucket.describe(&name))
    }

    fn contents(&self, from: &Path) -> Result<Vec<u8>, DatasetError> {
        let unreadable = |error: io::Error| DatasetError::io(from, error);
        let mut file = File::open(from).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        if size > MAX_UPLOAD_BYTES {
            return Err(DatasetError::ObjectTooLarge {
                location: self.url.to_string(),
                bytes: size,
                limit: MAX_UPLOAD_BYTES,
            });
        }
        let mut bytes = Vec::new();
        // An allocation that fails would end the process.
        bytes
            .try_reserve_exact(usize::try_from(size).unwrap_or_default())
            .map_err(|_| unreadable(io::ErrorKind::OutOfMemory.into()))?;
        file.read_to_end(&mut bytes).map_err(unreadable)?;
        Ok(bytes)
    }

    /// The hash of the current file.
    async fn hash(&self, max_bytes: u64) -> Result<String, DatasetError> {
        let mut hash = Sha256::new();
        let read = self
            .bucket
            .stream(&self.name, max_bytes, &mut |chunk| {
                hash.update(chunk);
                Ok(())
            })
            .await;
        match read {
            Ok(Some(_)) => Ok(hex(&hash.finalize())),
            Ok(None) => Ok("of nothing".to_owned()),
            Err(DatasetError::ObjectTooLarge { .. }) => Ok("of a larger file".to_owned()),
            Err(error) => Err(error),
        }
    }
}

impl Bucket {
    /// Copies an object into a file, which is opened when there is one.
    async fn download(
        &self,
        path: &str,
        max_bytes: u64,
        open: &mut (dyn FnMut() -> Result<File, DatasetError> + Send),
    ) -> Result<Option<Version>, DatasetError> {
        let mut file = None;
        let location = self.describe(path);
        let version = self
            .stream(path, max_bytes, &mut |chunk| {
                let file = match &mut file {
                    Some(file) => file,
                    none => none.insert(open()?),
                };
                file.write_all(chunk)
                    .map_err(|error| DatasetError::io(Path::new(&location), error))
            })
            .await?;
        if version.is_some() {
            // An empty object has no chunks.
            let mut file = match file {
                Some(file) => file,
                None => open()?,
            };
            let rewound = file.flush().and_then(|()| file.seek(SeekFrom::Start(0)));
            rewound.map_err(|error| DatasetError::io(Path::new(&location), error))?;
        }
        Ok(version)
    }
}
