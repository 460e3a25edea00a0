//! Comparison of the previous sync with the current data by id: rows that are kept, missing, or missing without being
//! denied.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::model::{EntitlementId, ResourceTypeId, RowKind, SyncId, resource_type_of};

use super::current::{CurrentSync, EntitlementHolders};

/// Maximum number of missing rows listed per type.
const MAX_EXAMPLES: usize = 5;

/// Compares the ids of an earlier full sync with the current one. A sink feeds it from its own thread.
#[derive(Debug)]
pub struct Comparer {
    current: Arc<CurrentSync>,
    comparison: Comparison,
    entitlements: HashMap<EntitlementId, HolderCount>,
    open: OpenEntitlement,
    principals: PrincipalType,
}

/// The type of the last principal, and its position in the index of resources: nearly all grants have the same.
#[derive(Debug, Default)]
struct PrincipalType {
    id: String,
    position: Option<usize>,
}

/// Counts of consecutive grants of one entitlement, not yet added to the totals.
#[derive(Debug, Default)]
struct OpenEntitlement {
    entitlement: String,
    /// The entitlement in the current sync.
    state: Option<Arc<EntitlementHolders>>,
    /// Type of the entitlement's resource; `None` before the first grant.
    resource_type: Option<ResourceTypeId>,
    before: u64,
    kept: u64,
    /// Grants whose principal and entitlement still exist.
    holders: HolderCount,
}

/// Grants of an entitlement to principals that still exist.
#[derive(Debug, Default)]
struct HolderCount {
    before: u64,
    kept: u64,
}

/// Emptied entitlements that are named in JSON; the others are counted.
const MAX_EMPTIED_IN_JSON: usize = 1_000;

/// The result of a comparison with an earlier sync.
///
/// As JSON it names at most 1,000 emptied entitlements, in the order of their ids; `emptied_not_named` counts the others, if
/// there are any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The earlier sync.
    pub sync_id: Option<SyncId>,
    /// By type; for grants, the type of their entitlement's resource.
    pub types: BTreeMap<ResourceTypeId, TypeComparison>,
    /// Entitlements that lost all grants to principals that still exist, with the number of these grants.
    pub emptied: BTreeMap<EntitlementId, u64>,
}

impl Serialize for Comparison {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named: BTreeMap<_, _> = self.emptied.iter().take(MAX_EMPTIED_IN_JSON).collect();
        let not_named = self.emptied.len() - named.len();
        let mut object = serializer.serialize_struct("Comparison", 3 + usize::from(not_named > 0))?;
        object.serialize_field("sync_id", &self.sync_id)?;
        object.serialize_field("types", &self.types)?;
        object.serialize_field("emptied", &named)?;
        if not_named > 0 {
            object.serialize_field("emptied_not_named", &not_named)?;
        }
        object.end()
    }
}

/// The comparison of one type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TypeComparison {
    /// Resources of the type.
    pub resources: TypeTally,
    /// Grants on resources of the type.
    pub grants: TypeTally,
}

/// Row counts of an earlier sync.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TypeTally {
    /// Rows in the earlier sync.
    pub before: u64,
    /// Rows that still exist, by id.
    pub kept: u64,
    /// Missing rows that the tenant does not deny.
    pub unstated: u64,
    /// Examples of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<LostRow>,
}

/// A row of the earlier sync that is missing now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum LostRow {
    /// A resource, as `<type>:<id>`.
    Resource(String),
    /// A grant.
    Grant {
        /// The entitlement.
        entitlement: String,
        /// The principal, as `<type>:<id>`.
        principal: String,
    },
}

impl fmt::Display for LostRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource(id) => f.write_str(id),
            Self::Grant {
                entitlement,
                principal,
            } => write!(f, "{entitlement} held by {principal}"),
        }
    }
}

impl TypeTally {
    /// Number of missing rows.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.before - self.kept
    }

    fn count(&mut self, kept: bool, unstated: bool, row: impl FnOnce() -> LostRow) {
        self.before += 1;
        self.kept += u64::from(kept);
        if !kept && unstated {
            self.unstated(row);
        }
    }

    fn unstated(&mut self, row: impl FnOnce() -> LostRow) {
        self.unstated += 1;
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(row());
        }
    }
}

impl TypeComparison {
    /// The counts of resources or grants; other rows are not compared.
    #[must_use]
    pub fn tally(&self, kind: RowKind) -> Option<&TypeTally> {
        match kind {
            RowKind::Resource => Some(&self.resources),
            RowKind::Grant => Some(&self.grants),
            RowKind::ResourceType | RowKind::Entitlement => None,
        }
    }
}

impl Comparison {
    fn of_type(&mut self, resource_type: &str) -> &mut TypeComparison {
        let unknown = || ResourceTypeId::from_static("unknown");
        let id = ResourceTypeId::new(resource_type).unwrap_or_else(|_| unknown());
        self.types.entry(id).or_default()
    }
}

impl OpenEntitlement {
    /// Adds the counts to the totals.
    fn count(self, comparison: &mut Comparison, entitlements: &mut HashMap<EntitlementId, HolderCount>) {
        let Some(resource_type) = self.resource_type else {
            return;
        };
        let tally = &mut comparison.types.entry(resource_type).or_default().grants;
        tally.before += self.before;
        tally.kept += self.kept;
        if self.holders.before > 0
            && let Ok(id) = EntitlementId::new(&self.entitlement)
        {
            let all = entitlements.entry(id).or_default();
            all.before += self.holders.before;
            all.kept += self.holders.kept;
        }
    }
}

impl Comparer {
    /// Creates a comparer for the current sync.
    #[must_use]
    pub fn new(current: Arc<CurrentSync>, sync_id: Option<SyncId>) -> Self {
        Self {
            current,
            comparison: Comparison {
                sync_id,
                ..Comparison::default()
            },
            entitlements: HashMap::new(),
            open: OpenEntitlement::default(),
            principals: PrincipalType::default(),
        }
    }

    /// Adds a resource of the earlier sync.
    pub fn add_resource(&mut self, resource_type: &str, id: &str) {
        let kept = self.current.resources.find(resource_type, id).is_some();
        let unstated = !kept && self.current.unstated.covers_resource(resource_type);
        let row = || LostRow::Resource(format!("{resource_type}:{id}"));
        let tally = &mut self.comparison.of_type(resource_type).resources;
        tally.count(kept, unstated, row);
    }

    /// Adds a grant of the earlier sync. Grants of an entitlement need not be consecutive.
    pub fn add_grant(&mut self, entitlement: &str, principal_type: &str, principal: &str) {
        if self.principals.id != principal_type {
            principal_type.clone_into(&mut self.principals.id);
            self.principals.position = self.current.resources.position(principal_type);
        }
        let position = self.principals.position;
        let ordinal = position.and_then(|position| self.current.resources.find_in(position, principal));
        if self.open.resource_type.is_none() || self.open.entitlement != entitlement {
            let closed = std::mem::take(&mut self.open);
            closed.count(&mut self.comparison, &mut self.entitlements);
            let state = self.current.entitlements.get(entitlement).cloned();
            self.open.resource_type = Some(match &state {
                Some(state) => state.resource_type.clone(),
                None => resource_type_of(entitlement),
            });
            self.open.state = state;
            entitlement.clone_into(&mut self.open.entitlement);
        }
        let open = &mut self.open;
        let state = open.state.as_deref();
        let kept = match (state, ordinal) {
            (Some(state), Some(ordinal)) => state.contains(ordinal),
            _ => false,
        };
        open.before += 1;
        open.kept += u64::from(kept);
        if state.is_some() && ordinal.is_some() {
            open.holders.before += 1;
            open.holders.kept += u64::from(kept);
        }
        let Some(resource_type) = open.resource_type.as_ref().filter(|_| !kept) else {
            return;
        };
        let principal_is = (ordinal, principal_type, principal);
        let unstated = &self.current.unstated;
        if unstated.covers_grant(entitlement, resource_type.as_str(), state.is_some(), principal_is) {
            let types = &mut self.comparison.types;
            let tally = &mut types.entry(resource_type.clone()).or_default().grants;
            tally.unstated(|| LostRow::Grant {
                entitlement: entitlement.to_owned(),
                principal: format!("{principal_type}:{principal}"),
            });
        }
    }

    /// Adds all resources and grants of an earlier sync, for sinks that keep the last delivery in memory.
    pub fn add_sync(&mut self, earlier: &CurrentSync) {
        let resources = earlier.resources.in_order();
        for (resource_type, id) in &resources {
            self.add_resource(resource_type.as_str(), id);
        }
        for (entitlement, holders) in earlier.holders() {
            for ordinal in holders {
                if let Some((principal_type, id)) = resources.get(*ordinal as usize) {
                    self.add_grant(entitlement.as_str(), principal_type.as_str(), id);
                }
            }
        }
    }

    /// Finishes the comparison.
    #[must_use]
    pub fn finish(mut self) -> Comparison {
        self.open.count(&mut self.comparison, &mut self.entitlements);
        let emptied = self
            .entitlements
            .into_iter()
            .filter(|(_, holders)| holders.kept == 0)
            .map(|(entitlement, holders)| (entitlement, holders.before))
            .collect();
        Comparison {
            emptied,
            ..self.comparison
        }
    }
}
