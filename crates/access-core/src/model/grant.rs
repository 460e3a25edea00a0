//! Who holds what.

use serde::Serialize;

use super::{EntitlementId, GrantId, IdError, NativeId, ResourceTypeId};

/// Principals of one type that hold one entitlement. Grants travel in groups because a tenant has millions of them and
/// all of a group share everything but the principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantGroup {
    /// What is held.
    pub entitlement: EntitlementId,
    /// The type of all principals in the group.
    pub principal_type: ResourceTypeId,
    /// Who holds it.
    pub principals: Vec<NativeId>,
}

impl GrantGroup {
    /// The ids of the grants, in the order of the principals.
    pub fn ids(&self) -> impl Iterator<Item = Result<GrantId, IdError>> {
        self.principals
            .iter()
            .map(|principal| self.entitlement.grant_to(&self.principal_type, principal))
    }
}
