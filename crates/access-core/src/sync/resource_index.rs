//! Which resources exist, in little memory.

use std::collections::HashMap;

use crate::model::{NativeId, ResourceTypeId};

/// The place of a resource in the index; dense, from 0.
pub(super) type Ordinal = u32;

/// Answers "is there such a resource?" for every grant. Ids that are decimal numbers, which is nearly all of them, cost
/// 16 bytes of table instead of a text on the heap.
#[derive(Debug, Default)]
pub(super) struct ResourceIndex {
    types: HashMap<ResourceTypeId, IdTable>,
    len: Ordinal,
}

#[derive(Debug, Default)]
struct IdTable {
    numbers: HashMap<u64, Ordinal>,
    texts: HashMap<NativeId, Ordinal>,
}

impl ResourceIndex {
    /// Adds a resource; `Some(false)` if it is there already, `None` if all 2^32 places are taken.
    pub(super) fn insert(&mut self, resource_type: &ResourceTypeId, id: &NativeId) -> Option<bool> {
        if self.len == Ordinal::MAX {
            return None;
        }
        let table = self.types.entry(resource_type.clone()).or_default();
        let ordinal = self.len;
        let found = match id.as_number() {
            Some(number) => *table.numbers.entry(number).or_insert(ordinal),
            None => *table.texts.entry(id.clone()).or_insert(ordinal),
        };
        let new = found == ordinal;
        self.len += Ordinal::from(new);
        Some(new)
    }

    /// The resources of one type, for many look-ups in a row.
    pub(super) fn of_type(&self, resource_type: &ResourceTypeId) -> TypeView<'_> {
        TypeView(self.types.get(resource_type))
    }

    /// How many resources there are.
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }
}

/// The resources of one type.
#[derive(Debug, Clone, Copy)]
pub(super) struct TypeView<'a>(Option<&'a IdTable>);

impl TypeView<'_> {
    /// Where the resource is, if it exists.
    pub(super) fn find(self, id: &NativeId) -> Option<Ordinal> {
        let table = self.0?;
        match id.as_number() {
            Some(number) => table.numbers.get(&number).copied(),
            None => table.texts.get(id).copied(),
        }
    }
}
