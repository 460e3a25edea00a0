//! One pass over the sync, in the order that the port requires.

use std::collections::HashMap;

use access_core::model::{
    AccessBatch, Entitlement, Resource, ResourceType, ResourceTypeId, RowKind, SyncId, SyncScope, TraitKind,
};
use access_core::ports::SkipReason;
use c1z::Reader;

use crate::channel::BatchBuffer;
use crate::channel::EventSender;
use crate::channel::SkipCounts;
use crate::decode;
use crate::error::C1zSourceError;
use crate::expansion::{Expansion, ExpansionInput};
use crate::grants::{self, GrantBatches};
use crate::sync_selection::SelectedSync;

/// The resource types of the sync. Decoding any other row needs them.
#[derive(Debug)]
pub(crate) struct Types {
    listed: Vec<ResourceType>,
    kinds: HashMap<ResourceTypeId, TraitKind>,
    unusable: Vec<String>,
}

impl Types {
    pub(crate) fn of(reader: &Reader, sync: &SelectedSync) -> Result<Self, C1zSourceError> {
        // Some connectors mark a type as having no entitlements and list some nevertheless. The entitlements are kept, the mark is
        // not, because everything downstream relies on it.
        let with_entitlements = reader.types_with_entitlements(sync.id.as_str())?;
        let mut types = Self {
            listed: Vec::new(),
            kinds: HashMap::new(),
            unusable: Vec::new(),
        };
        reader.resource_types(sync.id.as_str(), |message| {
            match decode::resource_type(&message) {
                Ok(mut row) => {
                    row.skip_entitlements_and_grants &=
                        !with_entitlements.iter().any(|id| id == row.id.as_str());
                    types.kinds.insert(row.id.clone(), row.trait_kind);
                    types.listed.push(row);
                }
                Err(_) => types.unusable.push(message.id),
            }
            Ok::<(), C1zSourceError>(())
        })?;
        Ok(types)
    }

    pub(crate) fn listed(&self) -> &[ResourceType] {
        &self.listed
    }

    /// The trait of a type's resources; `Other` for a type that is not listed.
    pub(crate) fn kind(&self, resource_type: &ResourceTypeId) -> TraitKind {
        self.kinds.get(resource_type).copied().unwrap_or(TraitKind::Other)
    }
}

/// Reads everything in scope.
pub(crate) fn read(
    reader: &Reader,
    sync: SyncId,
    types: &Types,
    scope: &SyncScope,
    outlet: &EventSender,
) -> Result<(), C1zSourceError> {
    if scope.targets.is_some() {
        return Err(C1zSourceError::TargetsUnsupported);
    }
    let sync = sync.as_str();
    read_types(types, scope, outlet)?;
    read_resources(reader, sync, types, scope, outlet)?;
    if !scope.includes_entitlements() {
        return Ok(());
    }
    let mut expansion = Expansion::load(reader, sync)?;
    read_entitlements(reader, sync, scope, outlet, |row| expansion.listed(row))?;
    let network = expansion.network()?;
    network.warn(outlet)?;
    let mut skips = SkipCounts::new(RowKind::Grant);
    let mut batches = GrantBatches::new(outlet, scope);
    network.run(reader, sync, ExpansionInput::All, &mut skips, &mut batches)?;
    grants::read_the_rest(reader, sync, scope, &network.ids(), &mut skips, &mut batches)?;
    batches.flush()?;
    skips.hand_over(outlet)
}

fn read_types(types: &Types, scope: &SyncScope, outlet: &EventSender) -> Result<(), C1zSourceError> {
    let mut rows = BatchBuffer::new(outlet, AccessBatch::ResourceTypes);
    for row in types.listed.iter().filter(|row| scope.includes_type(&row.id)) {
        rows.push(row.clone())?;
    }
    rows.flush()?;
    let mut skips = SkipCounts::new(RowKind::ResourceType);
    for id in &types.unusable {
        skips.add(id, SkipReason::UnusableId);
    }
    skips.hand_over(outlet)
}

fn read_resources(
    reader: &Reader,
    sync: &str,
    types: &Types,
    scope: &SyncScope,
    outlet: &EventSender,
) -> Result<(), C1zSourceError> {
    let mut rows = BatchBuffer::<Resource>::new(outlet, AccessBatch::Resources);
    let mut skips = SkipCounts::new(RowKind::Resource);
    reader.resources(sync, |message| {
        match decode::resource(&message, |resource_type| types.kind(resource_type)) {
            Ok(row) if scope.includes_type(&row.id.resource_type) => rows.push(row)?,
            Ok(_) => {}
            Err(reason) => {
                let resource_type = message.id.as_ref().map(|id| id.resource_type.as_str());
                skips.add(resource_type.unwrap_or_default(), reason);
            }
        }
        Ok::<(), C1zSourceError>(())
    })?;
    rows.flush()?;
    skips.hand_over(outlet)
}

fn read_entitlements(
    reader: &Reader,
    sync: &str,
    scope: &SyncScope,
    outlet: &EventSender,
    mut note: impl FnMut(&Entitlement),
) -> Result<(), C1zSourceError> {
    let mut rows = BatchBuffer::<Entitlement>::new(outlet, AccessBatch::Entitlements);
    let mut skips = SkipCounts::new(RowKind::Entitlement);
    reader.entitlements(sync, |message| {
        match decode::entitlement(&message) {
            Ok(row) => {
                note(&row);
                if scope.includes_type(&row.resource.resource_type) {
                    rows.push(row)?;
                }
            }
            Err(reason) => {
                let id = message
                    .resource
                    .as_ref()
                    .and_then(|resource| resource.id.as_ref());
                skips.add(id.map_or("", |id| &id.resource_type), reason);
            }
        }
        Ok::<(), C1zSourceError>(())
    })?;
    rows.flush()?;
    skips.hand_over(outlet)
}
