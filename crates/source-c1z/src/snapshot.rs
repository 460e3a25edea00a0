//! Point queries over a sync, answered through the file's indexes.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use access_core::model::{
    Completeness, DisplayName, EntitlementId, GrantOrigin, ResourceId, ResourceTrait, ResourceTypeId,
    RowKind, SyncRun,
};
use access_core::model::{GrantId, Resource, ResourceType};
use access_core::ports::{
    AccessSnapshot, EffectiveGrant, EntitlementInfo, EntitlementQuery, EntitlementSummary, FinishedSync,
    GrantQuery, ResourceQuery, ResourceTypeStats, RowVisitor, SourceError,
};
use c1z::{C1zError, GrantRow, Reader};

use crate::channel::SkipCounts;
use crate::decode;
use crate::error::C1zSourceError;
use crate::expansion::{Expansion, ExpansionInput, ExpansionPlan, GrantVisitor};
use crate::grants;
use crate::sync_pass::Types;

/// A finished sync of a c1z file, for queries.
pub struct C1zSnapshot {
    reader: Reader,
    sync: FinishedSync,
    types: Arc<Types>,
    network: OnceCell<ExpansionPlan>,
    names: RefCell<Names>,
    /// The entitlement of the previous grant: grants of an entitlement are consecutive.
    last_held: RefCell<Option<(EntitlementId, Option<EntitlementSummary>)>>,
}

/// What grants show of their principal.
#[derive(Clone)]
struct Name {
    display_name: DisplayName,
    login: Option<Box<str>>,
}

/// Cache of the names that were looked up; about a hundred bytes each.
#[derive(Default)]
struct Names {
    known: HashMap<ResourceId, Option<Name>>,
    /// Types whose resources are all in `known`.
    complete: BTreeSet<ResourceTypeId>,
    looked_up: BTreeMap<ResourceTypeId, usize>,
}

/// Number of names of a type that are looked up one by one before all of them are read.
const SINGLE_LOOKUPS: usize = 10_000;

/// Why reading rows ended.
enum Ended {
    Enough,
    Failed(C1zSourceError),
}

impl From<C1zError> for Ended {
    fn from(error: C1zError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<C1zSourceError> for Ended {
    fn from(error: C1zSourceError) -> Self {
        Self::Failed(error)
    }
}

/// A visitor that has enough is not an error.
fn answered(ended: Result<(), Ended>) -> Result<(), SourceError> {
    match ended {
        Ok(()) | Err(Ended::Enough) => Ok(()),
        Err(Ended::Failed(error)) => Err(SourceError::new(error)),
    }
}

fn go_on(flow: ControlFlow<()>) -> Result<(), Ended> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Ended::Enough),
    }
}

impl C1zSnapshot {
    pub(crate) fn new(
        reader: Reader,
        run: SyncRun,
        ended_at: time::OffsetDateTime,
        types: Arc<Types>,
    ) -> Self {
        Self {
            reader,
            sync: FinishedSync { run, ended_at },
            types,
            network: OnceCell::new(),
            names: RefCell::default(),
            last_held: RefCell::default(),
        }
    }

    fn sync_id(&self) -> &str {
        self.sync.run.id.as_str()
    }

    /// The expansions of the sync, read on first use.
    fn network(&self) -> Result<&ExpansionPlan, C1zSourceError> {
        if let Some(network) = self.network.get() {
            return Ok(network);
        }
        let mut expansion = Expansion::load(&self.reader, self.sync_id())?;
        let named: Vec<EntitlementId> = expansion.named().cloned().collect();
        for id in named {
            let message = self.reader.entitlement(self.sync_id(), id.as_str())?;
            if let Some(Ok(row)) = message.map(|message| decode::entitlement(&message)) {
                expansion.listed(&row);
            }
        }
        let network = expansion.network()?;
        Ok(self.network.get_or_init(|| network))
    }

    fn decoded(&self, message: &baton_proto::connector_v2::Resource) -> Option<Resource> {
        decode::resource(message, |resource_type| self.types.kind(resource_type)).ok()
    }

    fn name(&self, id: &ResourceId) -> Result<Option<Name>, C1zSourceError> {
        let mut names = self.names.borrow_mut();
        if let Some(known) = names.known.get(id) {
            return Ok(known.clone());
        }
        if names.complete.contains(&id.resource_type) {
            return Ok(None);
        }
        let looked_up = names.looked_up.entry(id.resource_type.clone()).or_default();
        *looked_up += 1;
        if *looked_up > SINGLE_LOOKUPS {
            let resource_type = Some(id.resource_type.as_str());
            self.reader
                .resources_in_order(self.sync_id(), resource_type, |message| {
                    if let Some(row) = self.decoded(&message) {
                        let name = Name::of(&row);
                        names.known.insert(row.id, Some(name));
                    }
                    Ok::<(), C1zSourceError>(())
                })?;
            names.complete.insert(id.resource_type.clone());
            return Ok(names.known.get(id).cloned().flatten());
        }
        let message = self
            .reader
            .resource(self.sync_id(), id.resource_type.as_str(), id.id.as_str())?;
        let name = message
            .and_then(|message| self.decoded(&message))
            .map(|row| Name::of(&row));
        names.known.insert(id.clone(), name.clone());
        Ok(name)
    }

    fn display_name(&self, id: &ResourceId) -> Result<Option<DisplayName>, C1zSourceError> {
        Ok(self.name(id)?.map(|name| name.display_name))
    }

    fn held(&self, id: &EntitlementId) -> Result<Option<EntitlementSummary>, C1zSourceError> {
        if let Some((last, held)) = self.last_held.borrow().as_ref()
            && last == id
        {
            return Ok(held.clone());
        }
        let message = self.reader.entitlement(self.sync_id(), id.as_str())?;
        let held = match message.map(|message| decode::entitlement(&message)) {
            Some(Ok(row)) => Some(EntitlementSummary {
                resource_name: self.display_name(&row.resource)?,
                slug: row.slug,
                display_name: row.display_name,
                resource: row.resource,
                immutable: row.immutable,
            }),
            Some(Err(_)) | None => None,
        };
        *self.last_held.borrow_mut() = Some((id.clone(), held.clone()));
        Ok(held)
    }

    fn holding(
        &self,
        entitlement: &EntitlementId,
        principal: &ResourceId,
        origin: Option<GrantOrigin>,
    ) -> Result<Option<EffectiveGrant>, C1zSourceError> {
        let origin = origin.unwrap_or(GrantOrigin {
            id: None,
            direct: true,
            sources: Vec::new(),
        });
        let frozen = || entitlement.grant_to(&principal.resource_type, &principal.id);
        let Ok(id) = origin.id.map_or_else(frozen, Ok::<GrantId, _>) else {
            return Ok(None);
        };
        let name = self.name(principal)?;
        let (principal_name, principal_login) =
            name.map_or((None, None), |name| (Some(name.display_name), name.login));
        Ok(Some(EffectiveGrant {
            id,
            held: self.held(entitlement)?,
            entitlement: entitlement.clone(),
            principal: principal.clone(),
            principal_name,
            principal_login,
            direct: origin.direct,
            sources: origin.sources,
        }))
    }

    /// Decodes a row of the file; `None` if it is unusable.
    fn stored(&self, row: &GrantRow<'_>) -> Result<Option<EffectiveGrant>, C1zSourceError> {
        let ids = EntitlementId::new(row.entitlement)
            .ok()
            .zip(decode::resource_id(row.principal_type, row.principal).ok())
            .zip(grants::origin(row).ok());
        match ids {
            Some(((entitlement, principal), origin)) => self.holding(&entitlement, &principal, origin),
            None => Ok(None),
        }
    }

    /// The grants of a principal, in order.
    fn held_by(&self, principal: &ResourceId) -> Result<Vec<EffectiveGrant>, C1zSourceError> {
        let network = self.network()?;
        let mut gathered = BatchBuffer::default();
        let mut skips = SkipCounts::new(RowKind::Grant);
        let input = ExpansionInput::OfPrincipal(principal);
        network.run(&self.reader, self.sync_id(), input, &mut skips, &mut gathered)?;
        let mut holdings = Vec::new();
        for (entitlement, principal, origin) in gathered.0 {
            holdings.extend(self.holding(&entitlement, &principal, origin)?);
        }
        let (kind, id) = (principal.resource_type.as_str(), principal.id.as_str());
        self.reader.grants_of_principal(self.sync_id(), kind, id, |row| {
            let worked_out = EntitlementId::new(row.entitlement).is_ok_and(|id| network.has(&id));
            if !worked_out {
                holdings.extend(self.stored(&row)?);
            }
            Ok::<(), C1zSourceError>(())
        })?;
        holdings.sort_by(|a, b| a.entitlement.cmp(&b.entitlement));
        holdings.dedup_by(|b, a| a.entitlement == b.entitlement);
        Ok(holdings)
    }

    /// The holders of an entitlement by type and id, without duplicates.
    fn of(&self, entitlement: &EntitlementId, take: RowVisitor<'_, EffectiveGrant>) -> Result<(), Ended> {
        let network = self.network()?;
        let mut last: Option<ResourceId> = None;
        let mut hand_over = |holding: Option<EffectiveGrant>| match holding {
            Some(holding) if last.as_ref() != Some(&holding.principal) => {
                last = Some(holding.principal.clone());
                go_on(take(holding))
            }
            Some(_) | None => Ok(()),
        };
        if !network.has(entitlement) {
            let id = entitlement.as_str();
            return self
                .reader
                .grants_of_entitlement(self.sync_id(), id, |row| hand_over(self.stored(&row)?));
        }
        let mut gathered = BatchBuffer::default();
        let mut skips = SkipCounts::new(RowKind::Grant);
        let input = ExpansionInput::OfEntitlement(entitlement);
        network.run(&self.reader, self.sync_id(), input, &mut skips, &mut gathered)?;
        for (entitlement, principal, origin) in gathered.0 {
            hand_over(self.holding(&entitlement, &principal, origin)?)?;
        }
        Ok(())
    }

    /// Number of holders by entitlement, including effective grants.
    fn counts(&self) -> Result<BTreeMap<EntitlementId, u64>, C1zSourceError> {
        let network = self.network()?;
        let mut counts = Counts::default();
        let mut skips = SkipCounts::new(RowKind::Grant);
        network.run(
            &self.reader,
            self.sync_id(),
            ExpansionInput::All,
            &mut skips,
            &mut counts,
        )?;
        for (id, count) in self.reader.grant_counts(self.sync_id())? {
            if let Ok(id) = EntitlementId::new(&id) {
                counts.0.entry(id).or_insert(count);
            }
        }
        Ok(counts.0)
    }

    fn sorted_types(&self) -> Vec<ResourceType> {
        let mut types = self.types.listed().to_vec();
        types.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        types
    }

    fn type_facts(&self) -> Result<Vec<ResourceTypeStats>, C1zSourceError> {
        let counts = self.reader.count(self.sync_id())?;
        let mut grants: BTreeMap<ResourceTypeId, u64> = BTreeMap::new();
        let held = self.counts()?;
        self.reader
            .entitlements_in_order(self.sync_id(), None, |message| {
                if let Ok(row) = decode::entitlement(&message) {
                    let count = held.get(&row.id).copied().unwrap_or_default();
                    *grants.entry(row.resource.resource_type).or_default() += count;
                }
                Ok::<(), C1zSourceError>(())
            })?;
        let facts = self.sorted_types().into_iter().map(|resource_type| {
            let id = resource_type.id.as_str();
            ResourceTypeStats {
                completeness: None::<Completeness>,
                resources: counts
                    .resources_by_resource_type
                    .get(id)
                    .copied()
                    .unwrap_or_default(),
                entitlements: counts
                    .entitlements_by_resource_type
                    .get(id)
                    .copied()
                    .unwrap_or_default(),
                grants: grants.get(&resource_type.id).copied().unwrap_or_default(),
                resource_type,
            }
        });
        Ok(facts.collect())
    }
}

impl Name {
    fn of(row: &Resource) -> Self {
        Self {
            display_name: row.display_name.clone(),
            login: match &row.resource_trait {
                ResourceTrait::User(user) => user.login.clone(),
                _ => None,
            },
        }
    }
}

/// Collects grants of few entitlements or of one principal.
#[derive(Default)]
struct BatchBuffer(Vec<(EntitlementId, ResourceId, Option<GrantOrigin>)>);

impl GrantVisitor for BatchBuffer {
    fn accepts(&self, _resource_type: &ResourceTypeId) -> bool {
        true
    }

    fn visit(
        &mut self,
        entitlement: &EntitlementId,
        principal: &ResourceId,
        origin: Option<GrantOrigin>,
    ) -> Result<(), C1zSourceError> {
        self.0.push((entitlement.clone(), principal.clone(), origin));
        Ok(())
    }
}

/// Counts grants.
#[derive(Default)]
struct Counts(BTreeMap<EntitlementId, u64>);

impl GrantVisitor for Counts {
    fn accepts(&self, _resource_type: &ResourceTypeId) -> bool {
        true
    }

    fn visit(
        &mut self,
        entitlement: &EntitlementId,
        _principal: &ResourceId,
        _origin: Option<GrantOrigin>,
    ) -> Result<(), C1zSourceError> {
        *self.0.entry(entitlement.clone()).or_default() += 1;
        Ok(())
    }
}

impl AccessSnapshot for C1zSnapshot {
    fn sync(&self) -> &FinishedSync {
        &self.sync
    }

    fn resource_types(&self) -> Result<Vec<ResourceType>, SourceError> {
        Ok(self.sorted_types())
    }

    fn holder_counts(&self) -> Result<BTreeMap<EntitlementId, u64>, SourceError> {
        self.counts().map_err(SourceError::new)
    }

    fn resource_type_stats(&self) -> Result<Vec<ResourceTypeStats>, SourceError> {
        self.type_facts().map_err(SourceError::new)
    }

    fn resources(&self, which: ResourceQuery<'_>, take: RowVisitor<'_, Resource>) -> Result<(), SourceError> {
        let mut hand_over = |message: baton_proto::connector_v2::Resource| match self.decoded(&message) {
            Some(row) => go_on(take(row)),
            None => Ok(()),
        };
        let of_type = match which {
            ResourceQuery::All => None,
            ResourceQuery::OfType(id) => Some(id.as_str()),
            ResourceQuery::MatchingText(id, text) => {
                let (sync, id) = (self.sync_id(), id.as_str());
                return answered(self.reader.resources_matching(sync, id, text, &mut hand_over));
            }
            ResourceQuery::ById(id) => {
                let found = self
                    .reader
                    .resource(self.sync_id(), id.resource_type.as_str(), id.id.as_str());
                let found = found.map_err(|error| SourceError::new(C1zSourceError::from(error)))?;
                return answered(found.map_or(Ok(()), hand_over));
            }
        };
        answered(
            self.reader
                .resources_in_order(self.sync_id(), of_type, &mut hand_over),
        )
    }

    fn entitlements(
        &self,
        which: EntitlementQuery<'_>,
        take: RowVisitor<'_, EntitlementInfo>,
    ) -> Result<(), SourceError> {
        let mut hand_over = |message: baton_proto::connector_v2::Entitlement| {
            let Ok(entitlement) = decode::entitlement(&message) else {
                return Ok(());
            };
            go_on(take(EntitlementInfo {
                resource_name: self.display_name(&entitlement.resource)?,
                entitlement,
            }))
        };
        let sync = self.sync_id();
        answered(match which {
            EntitlementQuery::All => self.reader.entitlements_in_order(sync, None, hand_over),
            EntitlementQuery::OnResource(id) => {
                let on = Some((id.resource_type.as_str(), id.id.as_str()));
                self.reader.entitlements_in_order(sync, on, hand_over)
            }
            EntitlementQuery::ById(id) => match self.reader.entitlement(sync, id.as_str()) {
                Ok(found) => found.map_or(Ok(()), &mut hand_over),
                Err(error) => Err(error.into()),
            },
        })
    }

    fn grants(&self, which: GrantQuery<'_>, take: RowVisitor<'_, EffectiveGrant>) -> Result<(), SourceError> {
        match which {
            GrantQuery::OfEntitlement(entitlement) => answered(self.of(entitlement, take)),
            GrantQuery::OfPrincipal(principal) => {
                for holding in self.held_by(principal).map_err(SourceError::new)? {
                    if take(holding).is_break() {
                        break;
                    }
                }
                Ok(())
            }
            GrantQuery::All => {
                let held = self.reader.grant_counts(self.sync_id());
                let held = held.map_err(|error| SourceError::new(C1zSourceError::from(error)))?;
                let network = self.network().map_err(SourceError::new)?;
                let mut ids: BTreeSet<EntitlementId> = network.ordered_ids().cloned().collect();
                ids.extend(held.iter().filter_map(|(id, _)| EntitlementId::new(id).ok()));
                for id in &ids {
                    match self.of(id, take) {
                        Ok(()) => {}
                        ended => return answered(ended),
                    }
                }
                Ok(())
            }
        }
    }
}
