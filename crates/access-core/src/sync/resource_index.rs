//! A compact set of resources.

use std::collections::HashMap;

use crate::model::{NativeId, ResourceTypeId, canonical_number};

/// Index of a resource; dense, from 0.
pub(super) type Ordinal = u32;

/// Looks up resources for every grant. Ids that are decimal numbers, which is nearly all of them, take 16 bytes instead
/// of a heap allocation.
#[derive(Debug, Default)]
pub(super) struct ResourceIndex {
    /// Positions in `tables`.
    types: HashMap<ResourceTypeId, usize>,
    tables: Vec<IdTable>,
    len: Ordinal,
}

#[derive(Debug, Default)]
struct IdTable {
    numbers: HashMap<u64, Ordinal>,
    texts: HashMap<NativeId, Ordinal>,
}

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
            Some(number) => *table.numbers.entry(number).or_insert(ordinal),
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
                .map(|(number, ordinal)| (*ordinal, number.to_string()));
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
            Some(number) => self.numbers.get(&number).copied(),
            None => self.texts.get(id).copied(),
        }
    }
}
