//! What a caller wants of an expansion, and who takes it.

use access_core::model::{EntitlementId, GrantOrigin, ResourceId, ResourceTypeId};

use crate::error::C1zSourceError;

/// Which grants are computed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ExpansionInput<'a> {
    /// All of them.
    All,
    /// The grants of one entitlement.
    OfEntitlement(&'a EntitlementId),
    /// The grants to one principal.
    OfPrincipal(&'a ResourceId),
}

/// Takes the computed grants, entitlement by entitlement, each by principal.
pub(crate) trait GrantVisitor {
    /// Whether it takes grants of entitlements on resources of a type.
    fn accepts(&self, resource_type: &ResourceTypeId) -> bool;

    /// One grant. An `origin` of `None` is a direct grant with the usual id.
    fn visit(
        &mut self,
        entitlement: &EntitlementId,
        principal: &ResourceId,
        origin: Option<GrantOrigin>,
    ) -> Result<(), C1zSourceError>;
}
