//! Grants.

use serde::Serialize;

use super::{EntitlementId, GrantId, IdError, NativeId, ResourceTypeId};

/// Grants of one entitlement to principals of one type. Grants are grouped because a tenant can have millions, and
/// those of a group differ by principal only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantGroup {
    /// The entitlement.
    pub entitlement: EntitlementId,
    /// The type of all principals.
    pub principal_type: ResourceTypeId,
    /// The principals.
    pub principals: Vec<NativeId>,
    /// Origin of each grant, in the order of the principals. `None`: all grants are direct and have frozen ids.
    pub origins: Option<Vec<GrantOrigin>>,
}

/// How a principal got an entitlement (docs/reference/c1z.md §5.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantOrigin {
    /// The id of the grant, unless it has the frozen form.
    pub id: Option<GrantId>,
    /// Whether the grant is direct. Effective grants that are only inherited are not.
    pub direct: bool,
    /// The entitlements that the grant is inherited from; includes the granted entitlement if it is also direct.
    pub sources: Vec<EntitlementId>,
}

impl GrantGroup {
    /// Ids of the grants, in the order of the principals.
    pub fn ids(&self) -> impl Iterator<Item = Result<GrantId, IdError>> {
        self.principals.iter().enumerate().map(|(n, principal)| {
            let origin = self.origins.as_ref().and_then(|origins| origins.get(n));
            match origin.and_then(|origin| origin.id.clone()) {
                Some(id) => Ok(id),
                None => self.entitlement.grant_to(&self.principal_type, principal),
            }
        })
    }

    /// Keeps the principals, and their origins, for which `keep` returns true.
    pub fn retain(&mut self, mut keep: impl FnMut(&NativeId) -> bool) {
        let Some(origins) = self.origins.take() else {
            self.principals.retain(keep);
            return;
        };
        let principals = std::mem::take(&mut self.principals);
        let kept = principals
            .into_iter()
            .zip(origins)
            .filter(|(principal, _)| keep(principal));
        let (principals, origins) = kept.unzip();
        self.principals = principals;
        self.origins = Some(origins);
    }
}
