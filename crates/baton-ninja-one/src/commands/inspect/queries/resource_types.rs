//! The resource types that a query covers.

use access_core::model::{ResourceTypeId, TraitKind};
use access_core::ports::{AccessSnapshot, SourceError};

/// The named resource types, sorted; without names all types with a trait.
pub(super) fn types_with_trait(
    snapshot: &dyn AccessSnapshot,
    trait_kind: TraitKind,
    named: &[ResourceTypeId],
) -> Result<Vec<ResourceTypeId>, SourceError> {
    if !named.is_empty() {
        let mut named = named.to_vec();
        named.sort_unstable();
        named.dedup();
        return Ok(named);
    }
    let types = snapshot.resource_types()?.into_iter();
    Ok(types
        .filter(|row| row.trait_kind == trait_kind)
        .map(|row| row.id)
        .collect())
}
