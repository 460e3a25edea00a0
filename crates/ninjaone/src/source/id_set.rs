//! A set of ids that is looked up millions of times.

use std::ops::Deref;

/// Sorted ids. Dense ones, as most instances have, are also bits, so that a lookup reads one word instead of halving a
/// long list.
#[derive(Debug, Default)]
pub(super) struct IdSet {
    ids: Vec<u64>,
    /// Bit `id % 64` of word `id / 64`; empty if that takes more memory than the ids.
    bits: Vec<u64>,
}

impl IdSet {
    /// A set of ids that ascend.
    pub(super) fn from_sorted(ids: Vec<u64>) -> Self {
        let words = ids.last().and_then(|last| usize::try_from(last / 64 + 1).ok());
        let mut bits = Vec::new();
        if let Some(words) = words.filter(|words| *words <= ids.len()) {
            bits.resize(words, 0);
            for id in &ids {
                if let Some((word, bit)) = position(*id)
                    && let Some(word) = bits.get_mut(word)
                {
                    *word |= bit;
                }
            }
        }
        Self { ids, bits }
    }

    /// Whether the set has an id.
    pub(super) fn contains(&self, id: u64) -> bool {
        if self.bits.is_empty() {
            return self.ids.binary_search(&id).is_ok();
        }
        let word = position(id).and_then(|(word, bit)| Some(self.bits.get(word)? & bit));
        word.is_some_and(|bit| bit != 0)
    }
}

impl Deref for IdSet {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.ids
    }
}

/// The word of an id and its bit.
fn position(id: u64) -> Option<(usize, u64)> {
    Some((usize::try_from(id / 64).ok()?, 1 << (id % 64)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bits_are_used_for_dense_ids() {
        assert_eq!(IdSet::from_sorted((1..=128).collect()).bits.len(), 3);
        assert_eq!(IdSet::from_sorted(vec![3, 127]).bits.len(), 2);
        assert_eq!(IdSet::from_sorted(vec![3, 128]).bits.len(), 0);
        assert_eq!(IdSet::from_sorted(vec![3, u64::MAX]).bits.len(), 0);
        assert_eq!(IdSet::from_sorted(Vec::new()).bits.len(), 0);
    }

    proptest! {
        #[test]
        fn dense_and_sparse_ids_are_found(mut ids in prop::collection::vec(0_u64..600, 0..40), far in any::<bool>()) {
            ids.extend(far.then_some(u64::MAX));
            ids.sort_unstable();
            ids.dedup();
            let set = IdSet::from_sorted(ids.clone());
            for id in (0..700).chain([u64::MAX]) {
                prop_assert_eq!(set.contains(id), ids.contains(&id), "{}", id);
            }
        }
    }
}
