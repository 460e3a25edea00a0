//! A compact set of resources.

use std::collections::HashMap;

use crate::model::{NativeId, ResourceTypeId, canonical_number};

/// Index of a resource; dense, from 0.
pub(super) type Ordinal = u32;

/// Looks up resources for every grant. Ids that are decimal numbers, which is nearly all of them, take 4 to 32 bytes
/// instead of a heap allocation.
#[derive(Debug, Default)]
pub(super) struct ResourceIndex {
    /// Positions in `tables`.
    types: HashMap<ResourceTypeId, usize>,
    tables: Vec<IdTable>,
    len: Ordinal,
}

#[derive(Debug, Default)]
struct IdTable {
    numbers: NumberTable,
    texts: HashMap<NativeId, Ordinal>,
}

/// Ordinals by number. Most ids are small numbers without large gaps, for which a list is smaller than a hash table, and a
/// lookup several times as fast.
#[derive(Debug, Default)]
struct NumberTable {
    /// By number; [`ABSENT`] in gaps.
    dense: Vec<Ordinal>,
    /// Numbers that were too far ahead when they came.
    sparse: HashMap<u64, Ordinal>,
    len: usize,
}

/// No resource has this ordinal.
const ABSENT: Ordinal = Ordinal::MAX;
/// Maximum length of the list per number, which bounds its memory.
const MAX_DENSE_RATIO: usize = 4;
/// Numbers below it are always in the list.
const MIN_DENSE: usize = 1 << 10;

impl ResourceIndex {
    /// Adds a resource; `Some(false)` if it exists, `None` if all ordinals are in use.
    pub(super) fn insert(&mut self, resource_type: &ResourceTypeId, id: &NativeId) -> Option<bool> {
        if self.len == Ordinal::MAX {
            return None;
        }
        let position = if let Some(position) = self.types.get(resource_type) {
            *position
        } else {
            self.types.insert(resource_type.clone(), self.tables.len());
            self.tables.push(IdTable::default());
            self.tables.len() - 1
        };
        let table = self.tables.get_mut(position)?;
        let ordinal = self.len;
        let found = match id.as_number() {
            Some(number) => table.numbers.get_or_insert(number, ordinal),
            None => *table.texts.entry(id.clone()).or_insert(ordinal),
        };
        let new = found == ordinal;
        self.len += Ordinal::from(new);
        Some(new)
    }

    /// The resources of one type, for repeated lookups.
    pub(super) fn of_type(&self, resource_type: &ResourceTypeId) -> TypeView<'_> {
        let position = self.types.get(resource_type);
        TypeView(position.and_then(|position| self.tables.get(*position)))
    }

    /// The position of a type, for [`find_in`](Self::find_in).
    pub(super) fn position(&self, resource_type: &str) -> Option<usize> {
        self.types.get(resource_type).copied()
    }

    /// The ordinal of a resource, if it exists.
    pub(super) fn find(&self, resource_type: &str, id: &str) -> Option<Ordinal> {
        self.find_in(self.position(resource_type)?, id)
    }

    /// The ordinal of a resource of the type at a position, if it exists.
    pub(super) fn find_in(&self, position: usize, id: &str) -> Option<Ordinal> {
        self.tables.get(position)?.find(id)
    }

    /// All resources with their ids, sorted by ordinal.
    pub(super) fn in_order(&self) -> Vec<(&ResourceTypeId, String)> {
        let mut entries: Vec<(Ordinal, &ResourceTypeId, String)> = Vec::with_capacity(self.len());
        for (resource_type, position) in &self.types {
            let Some(table) = self.tables.get(*position) else {
                continue;
            };
            let numbers = table
                .numbers
                .iter()
                .map(|(number, ordinal)| (ordinal, number.to_string()));
            let texts = table
                .texts
                .iter()
                .map(|(text, ordinal)| (*ordinal, text.to_string()));
            entries.extend(
                numbers
                    .chain(texts)
                    .map(|(ordinal, id)| (ordinal, resource_type, id)),
            );
        }
        entries.sort_unstable_by_key(|(ordinal, _, _)| *ordinal);
        entries
            .into_iter()
            .map(|(_, resource_type, id)| (resource_type, id))
            .collect()
    }

    /// Number of resources.
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }
}

/// The resources of one type.
#[derive(Debug, Clone, Copy)]
pub(super) struct TypeView<'a>(Option<&'a IdTable>);

impl TypeView<'_> {
    /// The ordinal of a resource, if it exists.
    pub(super) fn find(self, id: &NativeId) -> Option<Ordinal> {
        self.0?.find(id.as_str())
    }
}

impl IdTable {
    fn find(&self, id: &str) -> Option<Ordinal> {
        match canonical_number(id) {
            Some(number) => self.numbers.get(number),
            None => self.texts.get(id).copied(),
        }
    }
}

impl NumberTable {
    fn get(&self, number: u64) -> Option<Ordinal> {
        let position = usize::try_from(number).ok();
        match position.and_then(|position| self.dense.get(position)) {
            Some(ordinal) if *ordinal != ABSENT => Some(*ordinal),
            _ if self.sparse.is_empty() => None,
            _ => self.sparse.get(&number).copied(),
        }
    }

    /// The ordinal of a number, which gets this one if it has none.
    fn get_or_insert(&mut self, number: u64, ordinal: Ordinal) -> Ordinal {
        if let Some(found) = self.get(number) {
            return found;
        }
        self.len += 1;
        let limit = MIN_DENSE.max(self.len.saturating_mul(MAX_DENSE_RATIO));
        match usize::try_from(number) {
            Ok(position) if position < limit => {
                if position >= self.dense.len() {
                    self.dense.resize(position + 1, ABSENT);
                }
                if let Some(entry) = self.dense.get_mut(position) {
                    *entry = ordinal;
                }
            }
            _ => {
                self.sparse.insert(number, ordinal);
            }
        }
        ordinal
    }

    fn iter(&self) -> impl Iterator<Item = (u64, Ordinal)> {
        let dense = (0_u64..).zip(self.dense.iter().copied());
        let sparse = self.sparse.iter().map(|(number, ordinal)| (*number, *ordinal));
        dense.filter(|(_, ordinal)| *ordinal != ABSENT).chain(sparse)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(numbers: impl IntoIterator<Item = u64>) -> NumberTable {
        let mut table = NumberTable::default();
        for (ordinal, number) in (0..).zip(numbers) {
            table.get_or_insert(number, ordinal);
        }
        table
    }

    /// Numbers of a hostile tenant must not allocate the gaps between them.
    #[test]
    fn gaps_take_no_memory() {
        let hostile = table((0..64).map(|shift| 1 << shift));
        assert_eq!((hostile.dense.len(), hostile.sparse.len()), (513, 54));
        let usual = table(1..=5_000);
        assert_eq!((usual.dense.len(), usual.sparse.len()), (5_001, 0));
        let far = table((1..=5_000).map(|number| number * 10));
        assert!(far.dense.len() <= 4 * 5_000, "{}", far.dense.len());
    }

    proptest! {
        #[test]
        fn numbers_keep_their_first_ordinal(
            numbers in prop::collection::vec(prop_oneof![0_u64..60, 900_u64..1_200, any::<u64>()], 0..60)
        ) {
            let table = table(numbers.iter().copied());
            let mut expected: HashMap<u64, Ordinal> = HashMap::new();
            for (ordinal, number) in (0..).zip(&numbers) {
                expected.entry(*number).or_insert(ordinal);
            }
            for number in numbers.iter().copied().chain([0, 1_000, u64::MAX]) {
                prop_assert_eq!(table.get(number), expected.get(&number).copied());
            }
            prop_assert_eq!(table.iter().collect::<HashMap<_, _>>(), expected);
        }
    }
}
