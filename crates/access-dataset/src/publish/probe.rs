//! Claims a sync in a bucket, and finds out on the way whether the store honours conditional writes: without them two runs at
//! once could each replace the pointer, and one of the two syncs would be lost.

use std::fmt::Display;

use time::OffsetDateTime;

use crate::error::DatasetError;
use crate::store::{Store, SwapOutcome};

/// Tries for failures that may pass, beside the retries of the store's client.
const MAX_TRIES: u32 = 2;

/// A claim that was written.
pub(super) struct Claim {
    /// Whether one of the same sync was there before.
    pub(super) was_there: bool,
    /// When it was written, by the store's own clock.
    pub(super) at: Option<OffsetDateTime>,
}

/// Writes a claim with conditional writes: the store must refuse a second create and the replacement of an old version. `text` gives
/// different bytes for each number.
pub(super) async fn claim(
    store: &dyn Store,
    path: &str,
    text: impl Fn(u8) -> Vec<u8>,
) -> Result<Claim, DatasetError> {
    let was_there = match write(store, path, text(1), None).await {
        Ok(written) => written == SwapOutcome::Changed,
        Err(error) => {
            // It may exist all the same. The claim of an earlier run, which names that run's files, stays.
            if let Ok(Some(found)) = store.get(path).await
                && found.bytes == text(1)
            {
                remove_claim(store, path).await;
            }
            return Err(error);
        }
    };
    let probed = probe(store, path, &text).await;
    match probed {
        Ok(at) => Ok(Claim { was_there, at }),
        Err(error) => {
            // The claim of an earlier run names that run's files, and stays.
            if !was_there {
                remove_claim(store, path).await;
            }
            Err(error)
        }
    }
}

/// Writes a claim as [`claim`] does, and removes it again.
pub(crate) async fn claim_once(store: &dyn Store, path: &str) -> Result<(), DatasetError> {
    // Unlike the claim of an earlier run: stores tell versions apart by their bytes.
    let claimed_at = OffsetDateTime::now_utc().unix_timestamp_nanos();
    claim(store, path, |number| claim_text(claimed_at, number)).await?;
    store.delete(path).await
}

async fn probe(
    store: &dyn Store,
    path: &str,
    text: &impl Fn(u8) -> Vec<u8>,
) -> Result<Option<OffsetDateTime>, DatasetError> {
    let unsupported = |reason: &str| DatasetError::Unsupported {
        location: store.describe(path),
        reason: reason.to_owned(),
    };
    if write(store, path, text(2), None).await? == SwapOutcome::Done {
        return Err(unsupported(
            "it ignores If-None-Match and creates an object that is there",
        ));
    }
    let lost = || DatasetError::Unavailable {
        location: store.describe(path),
        reason: "it is missing right after it was written".to_owned(),
    };
    let first = store.get(path).await?.ok_or_else(lost)?;
    let replacement = text(3);
    let replaced = write(store, path, replacement.clone(), Some(&first.version)).await?;
    let now = store.get(path).await?.ok_or_else(lost)?;
    // The answer to a write that was carried out may have been lost, and its repetition refused.
    if replaced == SwapOutcome::Changed && now.bytes != replacement {
        return Err(DatasetError::Locked {
            location: store.describe(""),
        });
    }
    if write(store, path, text(4), Some(&first.version)).await? == SwapOutcome::Done {
        return Err(unsupported(
            "it ignores If-Match and replaces an object that has changed since",
        ));
    }
    Ok(now.modified)
}

async fn write(
    store: &dyn Store,
    path: &str,
    bytes: Vec<u8>,
    was: Option<&crate::store::Version>,
) -> Result<SwapOutcome, DatasetError> {
    let mut tries = 1;
    loop {
        match store.swap(path, bytes.clone(), was).await {
            Err(DatasetError::Unavailable { .. }) if tries < MAX_TRIES => tries += 1,
            Err(DatasetError::Refused { location, reason }) => {
                return Err(DatasetError::Unsupported { location, reason });
            }
            written => return written,
        }
    }
}

/// The text of a claim.
pub(super) fn claim_text(claimed_at: impl Display, number: u8) -> Vec<u8> {
    format!("{{\"claimed_at\":{claimed_at},\"number\":{number}}}\n").into_bytes()
}

/// Removes a claim. If that fails, a later run does it.
pub(super) async fn remove_claim(store: &dyn Store, path: &str) {
    if let Err(error) = store.delete(path).await {
        tracing::warn!(path = store.describe(path), %error, "a later run removes this");
    }
}
