//! The stored objects: a map under a mutex, so that a precondition and its write are one step.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3s::dto::{CompletedPart, ETag};
use s3s::{S3Result, s3_error};

use crate::object::Object;
use crate::precondition::Precondition;
use crate::upload::Upload;

/// The one bucket.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bucket(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, Upload>,
    uploads_begun: u64,
}

impl Bucket {
    /// Locks the bucket.
    pub(crate) fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    /// A copy of an object, which shares its bytes.
    pub(crate) fn object(&self, key: &str) -> S3Result<Object> {
        let object = self.objects.get(key).cloned();
        object.ok_or_else(|| s3_error!(NoSuchKey, "The specified key does not exist."))
    }

    /// Stores an object where the precondition holds.
    pub(crate) fn put(&mut self, key: &str, object: Object, precondition: &Precondition) -> S3Result<()> {
        precondition.check_write(self.objects.get(key).map(|current| &current.e_tag))?;
        self.objects.insert(key.to_owned(), object);
        Ok(())
    }

    /// Begins a multipart upload and returns its id.
    pub(crate) fn begin_upload(&mut self, key: String) -> String {
        self.uploads_begun += 1;
        let id = format!("upload-{}", self.uploads_begun);
        self.uploads.insert(id.clone(), Upload::new(key));
        id
    }

    /// An unfinished upload, which belongs to one key.
    pub(crate) fn upload(&mut self, id: &str, key: &str) -> S3Result<&mut Upload> {
        let upload = self.uploads.get_mut(id).filter(|upload| upload.key == key);
        upload.ok_or_else(|| s3_error!(NoSuchUpload, "The specified multipart upload does not exist."))
    }

    /// Makes an object of an upload; one that is refused can still be completed or aborted.
    pub(crate) fn complete_upload(
        &mut self,
        id: &str,
        key: &str,
        listed: &[CompletedPart],
        precondition: &Precondition,
    ) -> S3Result<ETag> {
        let object = self.upload(id, key)?.join(listed)?;
        let e_tag = object.e_tag.clone();
        self.put(key, object, precondition)?;
        self.uploads.remove(id);
        Ok(e_tag)
    }

    pub(crate) fn abort_upload(&mut self, id: &str, key: &str) -> S3Result<()> {
        self.upload(id, key)?;
        self.uploads.remove(id);
        Ok(())
    }

    /// The keys of the uploads that are neither completed nor aborted.
    pub(crate) fn unfinished_uploads(&self) -> Vec<String> {
        self.uploads.values().map(|upload| upload.key.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use s3s::S3ErrorCode;
    use s3s::dto::ETagCondition;

    use super::*;

    /// Our client cannot complete an upload conditionally, so this is a unit test.
    #[test]
    fn an_upload_can_be_completed_conditionally() {
        let bucket = Bucket::default();
        let mut contents = bucket.contents();
        let current = Object::from_bytes(Bytes::from_static(b"there"));
        let absent = Precondition {
            if_match: None,
            if_none_match: Some(ETagCondition::Any),
        };
        let same = Precondition {
            if_match: Some(ETagCondition::ETag(current.e_tag.clone())),
            if_none_match: None,
        };
        contents.objects.insert("k".to_owned(), current);
        let id = contents.begin_upload("k".to_owned());
        let e_tag = contents
            .upload(&id, "k")
            .unwrap()
            .put(1, Bytes::from_static(b"new"));
        let parts = [CompletedPart {
            part_number: Some(1),
            e_tag: e_tag.ok(),
            ..Default::default()
        }];
        let refused = contents.complete_upload(&id, "k", &parts, &absent).unwrap_err();
        assert_eq!(*refused.code(), S3ErrorCode::PreconditionFailed);
        assert_eq!(contents.unfinished_uploads(), ["k"]);
        contents.complete_upload(&id, "k", &parts, &same).unwrap();
        assert_eq!(contents.object("k").unwrap().bytes, "new");
        let again = contents.complete_upload(&id, "k", &parts, &absent).unwrap_err();
        assert_eq!(*again.code(), S3ErrorCode::NoSuchUpload);
    }
}
