//! Reads the ids of grants from the index of their hashes, which is smaller than the grants and in the order of the entitlements. It is complete if its hashes add up to the digest of all grants (docs/reference/c1z.md §3.5).

use super::grant_digests::Sum;
use super::key::{self, KeyParts};
use super::packed_tables::StoreTables;
use super::pebble::{StoreError, StoreReader};
use super::store_read_error::StoreReadError;

/// Marks of an index that is not built yet.
const PENDING: [&[u8]; 2] = [
    b"\x03\xFFdeferred_grant_idx_pending",
    b"\x03\xFFgrant_digest_build_pending",
];
/// Separator and bucket, before the principal.
const BUCKET_BYTES: usize = 3;

/// The ids of a grant.
#[derive(Debug, Clone, Copy)]
pub(super) struct GrantIds<'a> {
    pub(super) entitlement: &'a str,
    pub(super) principal_type: &'a str,
    pub(super) principal: &'a str,
}

/// Calls `visit` with the grants in the index. Returns whether these are all grants; if not, or if the store has no digest, the
/// grants themselves have to be read.
pub(super) fn each(
    store: &StoreReader<StoreTables>,
    mut visit: impl FnMut(GrantIds<'_>) -> Result<(), StoreReadError>,
) -> Result<bool, StoreReadError> {
    let Some(all) = digest_of_all(store)? else {
        return Ok(false);
    };
    let mut sum = Sum::default();
    let mut entitlement = EntitlementOfKey::default();
    let mut principals = KeyParts::<2>::new();
    store.each(&key::BY_PRINCIPAL_HASH, |key, hash| {
        let key = &key[key::BY_PRINCIPAL_HASH.len()..];
        let behind = entitlement
            .read(key)
            .and_then(|behind| behind.get(BUCKET_BYTES..));
        let decoded = behind.and_then(|principal| principals.decode(principal));
        let (Some(_), Ok(hash)) = (decoded, hash.try_into()) else {
            return Err(StoreError::Damaged("a key of its store is too short".to_owned()).into());
        };
        sum.add(Sum { count: 1, xor: hash });
        let [principal_type, principal] = principals.get();
        visit(GrantIds {
            entitlement: &entitlement.id,
            principal_type,
            principal,
        })
    })?;
    Ok(sum.bytes() == all)
}

/// The digest of all grants, if it is there and not about to be built.
fn digest_of_all(store: &StoreReader<StoreTables>) -> Result<Option<[u8; 16]>, StoreReadError> {
    for mark in PENDING {
        if store.first_from(mark, mark)?.is_some() {
            return Ok(None);
        }
    }
    let mut digest = None;
    store.each(&key::ALL_GRANTS_DIGEST, |_, value| {
        digest = value.try_into().ok();
        Ok::<(), StoreReadError>(())
    })?;
    Ok(digest)
}

/// The entitlement at the beginning of a key. Consecutive keys often have the same.
#[derive(Debug, Default)]
struct EntitlementOfKey {
    /// Its four parts, as they are encoded.
    encoded: Vec<u8>,
    id: String,
}

impl EntitlementOfKey {
    /// Returns what follows the entitlement, separator included.
    fn read<'k>(&mut self, key: &'k [u8]) -> Option<&'k [u8]> {
        let same = key.strip_prefix(self.encoded.as_slice());
        if let Some(behind) = same.filter(|behind| !self.encoded.is_empty() && behind.first() == Some(&0)) {
            return Some(behind);
        }
        let mut parts = KeyParts::<4>::new();
        parts.decode(key)?;
        key::entitlement_id(parts.get(), &mut self.id);
        let end = key.iter().enumerate().filter(|(_, byte)| **byte == 0).nth(3)?.0;
        self.encoded.clear();
        self.encoded.extend_from_slice(&key[..end]);
        Some(&key[end..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entitlements_of_keys() {
        let mut entitlement = EntitlementOfKey::default();
        // Bytes of a bucket may be zero, and the part of one entitlement may begin with that of another.
        for (key, id, behind) in [
            (
                &b"role\x007\x001\x00a\x00\x00\x00user\x001"[..],
                "role:7:a",
                &b"\x00\x00\x00user\x001"[..],
            ),
            (
                b"role\x007\x001\x00a\x00\x01\x00user\x002",
                "role:7:a",
                b"\x00\x01\x00user\x002",
            ),
            (
                b"role\x007\x001\x00ab\x00\x01\x00user\x002",
                "role:7:ab",
                b"\x00\x01\x00user\x002",
            ),
            (b"role\x007\x000\x00\x01\x02a\x00xyz", "\u{1}a", b"\x00xyz"),
        ] {
            assert_eq!(entitlement.read(key), Some(behind), "{id}");
            assert_eq!(entitlement.id, id);
        }
        assert_eq!(entitlement.read(b"role\x007\x001\x00a"), None);
    }
}
