//! S3's operations on the bucket, as requests and responses of the protocol.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CommonPrefix, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error,
    GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput,
    ListObjectsV2Input, ListObjectsV2Output, Object as ListedObject, PutObjectInput, PutObjectOutput,
    StreamingBlob, UploadPartInput, UploadPartOutput,
};
use s3s::{Body, S3, S3Error, S3Request, S3Response, S3Result, s3_error};

use crate::bucket::{Bucket, Contents};
use crate::listing::ListQuery;
use crate::object::Object;
use crate::precondition::Precondition;
use crate::switches::Switches;

/// The maximum and default number of names on a page.
const MAX_KEYS: i32 = 1000;

/// The bucket as the protocol sees it. Other operations are answered with `NotImplemented`, and so are conditions that our
/// code does not send, so that none is silently ignored.
pub(crate) struct Operations {
    pub(crate) name: String,
    pub(crate) read_only_prefix: Option<String>,
    pub(crate) bucket: Bucket,
    pub(crate) switches: Switches,
}

impl Operations {
    fn bucket(&self, name: &str) -> S3Result<&Bucket> {
        if name == self.name {
            Ok(&self.bucket)
        } else {
            Err(s3_error!(NoSuchBucket, "The specified bucket does not exist"))
        }
    }

    fn writable(&self, name: &str, key: &str) -> S3Result<&Bucket> {
        let bucket = self.bucket(name)?;
        match &self.read_only_prefix {
            Some(prefix) if key.starts_with(prefix.as_str()) => Err(s3_error!(AccessDenied, "Access Denied")),
            _ => Ok(bucket),
        }
    }

    fn delete(&self, name: &str, key: &str) -> S3Result<()> {
        // S3 does not report whether the key existed.
        self.writable(name, key)?.contents().objects.remove(key);
        Ok(())
    }
}

#[async_trait::async_trait]
impl S3 for Operations {
    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        if input.range.is_some() || input.if_modified_since.is_some() || input.if_unmodified_since.is_some() {
            return Err(s3_error!(NotImplemented));
        }
        let object = self.bucket(&input.bucket)?.contents().object(&input.key)?;
        let precondition = Precondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
        };
        precondition.check_read(&object.e_tag)?;
        Ok(S3Response::new(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(signed(object.bytes.len())?),
            e_tag: Some(object.e_tag),
            last_modified: Some(object.modified.into()),
            ..Default::default()
        }))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        if input.if_modified_since.is_some() || input.if_unmodified_since.is_some() {
            return Err(s3_error!(NotImplemented));
        }
        let object = self.bucket(&input.bucket)?.contents().object(&input.key)?;
        let precondition = Precondition {
            if_match: input.if_match,
            if_none_match: input.if_none_match,
        };
        precondition.check_read(&object.e_tag)?;
        let size = object.bytes.len();
        let range = input.range.map(|range| within(range, size)).transpose()?;
        let content_range = range
            .as_ref()
            .map(|range| format!("bytes {}-{}/{size}", range.start, range.end - 1));
        let bytes = object.bytes.slice(range.unwrap_or(0..size));
        Ok(S3Response::new(GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(signed(bytes.len())?),
            content_range,
            body: Some(StreamingBlob::from(Body::from(bytes))),
            e_tag: Some(object.e_tag),
            last_modified: Some(object.modified.into()),
            ..Default::default()
        }))
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let bucket = self.writable(&input.bucket, &input.key)?;
        let object = Object::from_bytes(read_body(input.body).await?);
        let precondition = self
            .switches
            .write_precondition(input.if_match, input.if_none_match)?;
        let e_tag = Some(object.e_tag.clone());
        bucket.contents().put(&input.key, object, &precondition)?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag,
            ..Default::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        if input.encoding_type.is_some() {
            return Err(s3_error!(NotImplemented));
        }
        let bucket = self.bucket(&input.bucket)?;
        let max_keys = input.max_keys.unwrap_or(MAX_KEYS).min(MAX_KEYS);
        let resume_after = input.continuation_token.as_deref().map(from_token).transpose()?;
        let query = ListQuery {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            start_after: input.start_after.as_deref(),
            resume_after: resume_after.as_deref(),
            max_names: usize::try_from(max_keys).map_err(|_| s3_error!(InvalidArgument))?,
        };
        let contents = bucket.contents();
        let page = query.page(&contents.objects);
        let listed = page.keys.into_iter().map(|key| listed(&contents, key));
        let listed: Vec<ListedObject> = listed.collect::<S3Result<_>>()?;
        let folders = page.common_prefixes.into_iter();
        let folders: Vec<CommonPrefix> = folders
            .map(|prefix| CommonPrefix { prefix: Some(prefix) })
            .collect();
        let key_count = i32::try_from(listed.len() + folders.len()).map_err(S3Error::internal_error)?;
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix,
            delimiter: input.delimiter,
            start_after: input.start_after,
            continuation_token: input.continuation_token,
            max_keys: Some(max_keys),
            key_count: Some(key_count),
            is_truncated: Some(page.last.is_some()),
            next_continuation_token: page.last.map(|name| URL_SAFE_NO_PAD.encode(name)),
            contents: Some(listed),
            common_prefixes: Some(folders),
            ..Default::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = request.input;
        if input.if_match.is_some() {
            return Err(s3_error!(NotImplemented));
        }
        self.delete(&input.bucket, &input.key)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = request.input;
        self.bucket(&input.bucket)?;
        let mut deleted = Vec::new();
        let mut errors = Vec::new();
        for object in input.delete.objects {
            let key = Some(object.key.clone());
            match self.delete(&input.bucket, &object.key) {
                Ok(()) => deleted.push(DeletedObject {
                    key,
                    ..Default::default()
                }),
                Err(error) => errors.push(Error {
                    key,
                    code: Some(error.code().as_str().to_owned()),
                    message: error.message().map(str::to_owned),
                    ..Default::default()
                }),
            }
        }
        if input.delete.quiet == Some(true) {
            deleted.clear();
        }
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: Some(deleted),
            errors: Some(errors),
            ..Default::default()
        }))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = request.input;
        let bucket = self.writable(&input.bucket, &input.key)?;
        let upload_id = bucket.contents().begin_upload(input.key.clone());
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(upload_id),
            ..Default::default()
        }))
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        let bucket = self.writable(&input.bucket, &input.key)?;
        let bytes = read_body(input.body).await?;
        let mut contents = bucket.contents();
        let upload = contents.upload(&input.upload_id, &input.key)?;
        let e_tag = upload.put(input.part_number, bytes)?;
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(e_tag),
            ..Default::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        let bucket = self.writable(&input.bucket, &input.key)?;
        let parts = input.multipart_upload.and_then(|upload| upload.parts);
        let precondition = self
            .switches
            .write_precondition(input.if_match, input.if_none_match)?;
        let e_tag = bucket.contents().complete_upload(
            &input.upload_id,
            &input.key,
            &parts.unwrap_or_default(),
            &precondition,
        )?;
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(e_tag),
            ..Default::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        let bucket = self.writable(&input.bucket, &input.key)?;
        bucket.contents().abort_upload(&input.upload_id, &input.key)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}

/// Reads a complete body. s3s checks the signature of the body while it is read.
async fn read_body(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let Some(body) = body else {
        return Ok(Bytes::new());
    };
    let joined = body.try_fold(BytesMut::new(), |mut joined, piece| async move {
        joined.extend_from_slice(&piece);
        Ok(joined)
    });
    let joined = joined.await;
    joined
        .map(BytesMut::freeze)
        .map_err(|error| s3_error!(IncompleteBody, "{error}"))
}

fn within(range: s3s::dto::Range, size: usize) -> S3Result<Range<usize>> {
    let range = range.check(size as u64)?;
    let start = usize::try_from(range.start).map_err(S3Error::internal_error)?;
    let end = usize::try_from(range.end).map_err(S3Error::internal_error)?;
    if start < end {
        Ok(start..end)
    } else {
        // The last bytes of an empty object.
        Err(s3_error!(InvalidRange))
    }
}

fn listed(contents: &Contents, key: String) -> S3Result<ListedObject> {
    let object = contents.object(&key)?;
    Ok(ListedObject {
        key: Some(key),
        e_tag: Some(object.e_tag),
        size: Some(signed(object.bytes.len())?),
        last_modified: Some(object.modified.into()),
        ..Default::default()
    })
}

fn from_token(token: &str) -> S3Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}

fn signed(length: usize) -> S3Result<i64> {
    i64::try_from(length).map_err(S3Error::internal_error)
}
