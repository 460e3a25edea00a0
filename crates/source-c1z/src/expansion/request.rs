//! The input of an expansion, and the visitor of its grants.

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

/// Receives the computed grants by entitlement, then by principal.
pub(crate) trait GrantVisitor {
    /// Whether grants on resources of a type are requested.
    fn accepts(&self, resource_type: &ResourceTypeId) -> bool;

    /// Receives a grant. An `origin` of `None` is a direct grant with the frozen id.
    fn visit(
        &mut self,
        entitlement: &EntitlementId,
        principal: &ResourceId,
        origin: Option<GrantOrigin>,
    ) -> Result<(), C1zSourceError>;
}
