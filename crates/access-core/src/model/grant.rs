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
    /// How each came to hold it, in the order of the principals. `None`: all hold it directly, and their grants have
    /// the frozen ids.
    pub origins: Option<Vec<GrantOrigin>>,
}

/// How a principal came to hold an entitlement (docs/reference/c1z.md §5.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantOrigin {
    /// The grant's id where it is not the frozen one.
    pub id: Option<GrantId>,
    /// Whether it was given to the principal itself. An effective grant that came through others only is not.
    pub direct: bool,
    /// The entitlements through which it is held, the direct way included where there are others.
    pub sources: Vec<EntitlementId>,
}

impl GrantGroup {
    /// The ids of the grants, in the order of the principals.
    pub fn ids(&self) -> impl Iterator<Item = Result<GrantId, IdError>> {
        self.principals.iter().enumerate().map(|(n, principal)| {
            let origin = self.origins.as_ref().and_then(|origins| origins.get(n));
            match origin.and_then(|origin| origin.id.clone()) {
                Some(id) => Ok(id),
                None => self.entitlement.grant_to(&self.principal_type, principal),
            }
        })
    }

    /// Keeps the principals that `keep` wants, with their origins.
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
