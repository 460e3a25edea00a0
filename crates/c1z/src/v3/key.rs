//! Keys of the store (docs/reference/c1z.md §3.3): a family, then the parts of a tuple, encoded so that keys sort as the tuples
//! do.

use std::borrow::Cow;

/// The first byte of every key.
const VERSION: u8 = 0x03;

/// Bytes that a row counts against a reader's limit besides its key and value, so that empty rows are not free.
pub(crate) const ROW_OVERHEAD: u64 = 16;

pub(crate) const RESOURCE_TYPE: [u8; 3] = [VERSION, 0x01, 0];
pub(crate) const RESOURCE: [u8; 3] = [VERSION, 0x02, 0];
pub(crate) const ENTITLEMENT: [u8; 3] = [VERSION, 0x03, 0];
pub(crate) const GRANT: [u8; 3] = [VERSION, 0x04, 0];
pub(crate) const ASSET: [u8; 3] = [VERSION, 0x05, 0];
pub(crate) const SYNC_RUN: [u8; 2] = [VERSION, 0x06];
pub(crate) const BY_PARENT: [u8; 4] = [VERSION, 0x07, 0x01, 0];
pub(crate) const BY_PRINCIPAL: [u8; 4] = [VERSION, 0x07, 0x04, 0];
pub(crate) const NEEDS_EXPANSION: [u8; 4] = [VERSION, 0x07, 0x05, 0];
pub(crate) const BY_PRINCIPAL_HASH: [u8; 4] = [VERSION, 0x07, 0x08, 0];
pub(crate) const DIGEST: [u8; 4] = [VERSION, 0x0A, 0x08, 0];
/// The digest of all grants.
pub(crate) const ALL_GRANTS_DIGEST: [u8; 6] = [VERSION, 0x0A, 0x08, 0, 0, 0x02];
/// Stamps. A store without them has an older layout.
pub(crate) const ID_FORMAT: &[u8] = b"\x03\xFFgrant_entitlement_id_format";
pub(crate) const KEYSPACE: &[u8] = b"\x03\xFFkeyspace_version";
/// The value of both: the version of the layout of keys, and of the ids in them.
pub(crate) const LAYOUT: [u8; 4] = [0, 0, 0, 2];
pub(crate) const STATS: &[u8] = b"\x03\xFFstats\0";

/// Appends a part of a tuple.
pub(crate) fn push(part: &[u8], out: &mut Vec<u8>) {
    for byte in part {
        match byte {
            0 => out.extend_from_slice(&[1, 1]),
            1 => out.extend_from_slice(&[1, 2]),
            _ => out.push(*byte),
        }
    }
}

/// Appends the parts of a tuple, one after another.
pub(crate) fn push_all(parts: &[&str], out: &mut Vec<u8>) {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push(0);
        }
        push(part.as_bytes(), out);
    }
}

/// The parts that identify an entitlement: the ids of its resource, whether its own id starts with them, and the rest of its id.
pub(crate) fn entitlement<'a>(resource_type: &'a str, resource: &'a str, id: &'a str) -> [&'a str; 4] {
    let tail = id
        .strip_prefix(resource_type)
        .and_then(|rest| rest.strip_prefix(':'))
        .and_then(|rest| rest.strip_prefix(resource))
        .and_then(|rest| rest.strip_prefix(':'));
    match tail {
        Some(tail) => [resource_type, resource, "1", tail],
        None => [resource_type, resource, "0", id],
    }
}

/// The id of the entitlement with these parts: the reverse of [`entitlement`].
pub(crate) fn entitlement_id([resource_type, resource, is_tail, rest]: &[String; 4], out: &mut String) {
    out.clear();
    if is_tail == "1" {
        for part in [resource_type, resource] {
            out.push_str(part);
            out.push(':');
        }
    }
    out.push_str(rest);
}

/// Decodes the next part. Returns it with what follows.
pub(crate) fn next(bytes: &[u8]) -> (Cow<'_, [u8]>, Option<&[u8]>) {
    let end = bytes.iter().position(|byte| *byte == 0);
    let (part, rest) = match end {
        Some(end) => (&bytes[..end], Some(&bytes[end + 1..])),
        None => (bytes, None),
    };
    if !part.contains(&1) {
        return (Cow::Borrowed(part), rest);
    }
    let mut out = Vec::with_capacity(part.len());
    let mut escaped = false;
    for byte in part {
        match (escaped, byte) {
            (true, byte) => {
                out.push(byte.saturating_sub(1));
                escaped = false;
            }
            (false, 1) => escaped = true,
            (false, byte) => out.push(*byte),
        }
    }
    (Cow::Owned(out), rest)
}

/// The parts of keys that are decoded one after another. Consecutive keys often differ in their last part only.
#[derive(Debug)]
pub(crate) struct KeyParts<const N: usize> {
    parts: [String; N],
    /// The bytes of the key before its last part.
    before_last: Vec<u8>,
}

impl<const N: usize> KeyParts<N> {
    pub(crate) fn new() -> Self {
        Self {
            parts: std::array::from_fn(|_| String::new()),
            before_last: Vec::new(),
        }
    }

    pub(crate) fn get(&self) -> &[String; N] {
        &self.parts
    }

    /// Decodes a key. Returns whether more than its last part may differ from the previous key; `None` if it has too few parts.
    pub(crate) fn decode(&mut self, key: &[u8]) -> Option<bool> {
        if !self.before_last.is_empty()
            && let (Some(bytes), Some(part)) = (
                key.strip_prefix(self.before_last.as_slice()),
                self.parts.last_mut(),
            )
        {
            decode_into(bytes, part);
            return Some(false);
        }
        self.before_last.clear();
        let mut rest = Some(key);
        let mut last_at = 0;
        for part in &mut self.parts {
            let bytes = rest?;
            last_at = key.len() - bytes.len();
            rest = decode_into(bytes, part);
        }
        self.before_last.extend_from_slice(&key[..last_at]);
        Some(true)
    }
}

/// Decodes the next part into a text. Returns what follows.
fn decode_into<'k>(bytes: &'k [u8], text: &mut String) -> Option<&'k [u8]> {
    let (part, rest) = next(bytes);
    text.clear();
    text.push_str(&String::from_utf8_lossy(&part));
    rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entitlement_ids_with_the_resource_as_prefix() {
        assert_eq!(
            entitlement("role", "7", "role:7:assigned"),
            ["role", "7", "1", "assigned"]
        );
        assert_eq!(entitlement("role", "7", "role:7:"), ["role", "7", "1", ""]);
        for other in ["role:7", "role:70:assigned", "assigned", ""] {
            assert_eq!(entitlement("role", "7", other), ["role", "7", "0", other]);
        }
        let mut id = String::new();
        for expected in ["role:7:assigned", "role:7:", "role:7", "role:70:assigned", ""] {
            let parts = entitlement("role", "7", expected).map(str::to_owned);
            entitlement_id(&parts, &mut id);
            assert_eq!(id, expected);
        }
    }

    proptest! {
        #[test]
        fn keys_sort_as_tuples_and_decode(
            a in prop::collection::vec("[\0-\u{3}a]{0,4}", 3), b in prop::collection::vec("[\0-\u{3}a]{0,4}", 3)
        ) {
            let encode = |parts: &[String]| {
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                let mut key = Vec::new();
                push_all(&parts, &mut key);
                key
            };
            prop_assert_eq!(a.cmp(&b), encode(&a).cmp(&encode(&b)));
            let key = encode(&a);
            let (mut rest, mut parts) = (Some(key.as_slice()), Vec::new());
            while let Some(bytes) = rest {
                let (part, after) = next(bytes);
                parts.push(String::from_utf8(part.into_owned()).unwrap());
                rest = after;
            }
            prop_assert_eq!(parts, a);
        }

        #[test]
        fn parts_do_not_depend_on_the_previous_key(
            keys in prop::collection::vec(prop::collection::vec("[\0-\u{1}a]{0,2}", 2..4), 1..8)
        ) {
            let mut parts = KeyParts::<3>::new();
            for texts in keys {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let mut key = Vec::new();
                push_all(&texts, &mut key);
                let decoded = parts.decode(&key);
                prop_assert_eq!(decoded, KeyParts::<3>::new().decode(&key).and(decoded));
                prop_assert_eq!(decoded.is_some(), texts.len() == 3);
                if decoded.is_some() {
                    prop_assert_eq!(parts.get().as_slice(), texts);
                }
            }
        }
    }
}
