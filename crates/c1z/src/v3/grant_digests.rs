//! Digests of grants, by which two files can be compared without reading all grants (docs/reference/c1z.md §3.5).

use std::mem::take;

use super::envelope::xxh64;
use super::key;

/// Maximum number of grants of an average leaf.
const MAX_LEAF_GRANTS: u64 = 512;
const MAX_BITS: u32 = 16;

/// Number of grants, and the XOR of their hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) count: u64,
    pub(super) xor: [u8; 8],
}

impl Sum {
    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        for (byte, with) in self.xor.iter_mut().zip(other.xor) {
            *byte ^= with;
        }
    }

    pub(super) fn bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.count.to_be_bytes());
        bytes[8..].copy_from_slice(&self.xor);
        bytes
    }
}

/// The hash of a grant, over its key without the family and over its source entitlements.
pub(super) fn content_hash(key: &[u8]) -> [u8; 8] {
    xxh64(key).to_be_bytes()
}

/// The first bits of a principal's hash, by which the grants of an entitlement are divided.
pub(super) fn bucket(principal: &[u8]) -> [u8; 2] {
    let [high, low, ..] = xxh64(principal).to_be_bytes();
    [high, low]
}

/// Builds the nodes of the digest, in the order of their keys, from grants ordered by entitlement and bucket.
#[derive(Debug, Default)]
pub(super) struct Digests {
    nodes: Vec<(Vec<u8>, Vec<u8>)>,
    partition: Option<Vec<u8>>,
    /// The buckets of the current entitlement.
    buckets: Vec<(u16, Sum)>,
}

impl Digests {
    /// Starts an entitlement, whether or not it has grants.
    pub(super) fn begin(&mut self, partition: &[u8]) {
        if self.partition.as_deref() != Some(partition) {
            self.end();
            self.partition = Some(partition.to_owned());
        }
    }

    /// Adds a grant of the current entitlement.
    pub(super) fn add(&mut self, bucket: [u8; 2], hash: [u8; 8]) {
        let bucket = u16::from_be_bytes(bucket);
        let sum = Sum { count: 1, xor: hash };
        match self.buckets.last_mut() {
            Some((last, known)) if *last == bucket => known.add(sum),
            _ => self.buckets.push((bucket, sum)),
        }
    }

    fn end(&mut self) {
        let Some(partition) = self.partition.take() else {
            return;
        };
        let buckets = take(&mut self.buckets);
        let mut root = Sum::default();
        for (_, sum) in &buckets {
            root.add(*sum);
        }
        let enough = |bits: &u32| MAX_LEAF_GRANTS << *bits >= root.count;
        let bits = (0..MAX_BITS).find(enough).unwrap_or(MAX_BITS);
        let mut node = key::DIGEST.to_vec();
        key::push(&partition, &mut node);
        node.push(0);
        let key = |level: u8, bucket: &[u8]| [&node[..], &[level], bucket].concat();
        let width = u8::try_from(bits).unwrap_or_default();
        self.nodes
            .push((key(0, &[]), [&[width][..], &root.bytes()].concat()));
        if bits == 0 {
            return;
        }
        let leaf_of = |bucket: u16| bucket >> (MAX_BITS - bits) << (MAX_BITS - bits);
        for leaf in buckets.chunk_by(|(a, _), (b, _)| leaf_of(*a) == leaf_of(*b)) {
            let mut sum = Sum::default();
            for (_, part) in leaf {
                sum.add(*part);
            }
            let bucket = leaf_of(leaf[0].0).to_be_bytes();
            self.nodes.push((key(1, &bucket), sum.bytes().to_vec()));
        }
    }

    /// All nodes.
    pub(super) fn finish(mut self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.end();
        self.nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_leaves_grow_with_grants() {
        for (grants, width) in [(0_u32, 0), (512, 0), (513, 1), (1024, 1), (1025, 2), (5000, 4)] {
            let mut digests = Digests::default();
            digests.begin(b"role\x007");
            let mut hashes: Vec<[u8; 8]> = (0..grants)
                .map(|n| xxh64(&n.to_le_bytes()).to_be_bytes())
                .collect();
            hashes.sort_unstable();
            for hash in &hashes {
                digests.add([hash[0], hash[1]], *hash);
            }
            let nodes = digests.finish();
            assert_eq!(
                nodes.len(),
                if width == 0 { 1 } else { 1 + (1 << width) },
                "{grants}"
            );
            assert!(nodes.is_sorted());
            assert_eq!(nodes[0].0, b"\x03\x0A\x08\x00role\x01\x017\x00\x00");
            assert_eq!(nodes[0].1[0], width);
            let mut sum = Sum::default();
            for (_, value) in &nodes[1..] {
                let (mut count, mut xor) = ([0; 8], [0; 8]);
                count.copy_from_slice(&value[..8]);
                xor.copy_from_slice(&value[8..]);
                sum.add(Sum {
                    count: u64::from_be_bytes(count),
                    xor,
                });
            }
            if width > 0 {
                assert_eq!(nodes[0].1[1..], sum.bytes(), "{grants}");
            }
        }
    }
}
