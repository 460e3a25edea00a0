//! `grant` and `revoke`.

use access_core::StatusCode;
use access_core::provisioning::{Change, ChangeResult, Selector};
use baton_proto::connector_v2 as v2;
use baton_proto::connectorapi_baton_v1::task::{GrantTask, RevokeTask};
use baton_proto::pack;
use baton_proto::prost_types::Any;

use super::handler::TaskHandler;
use super::response::{TaskResponse, malformed};
use crate::TaskId;
use crate::connector::{CancelToken, TaskFailure};

impl TaskHandler {
    pub(super) async fn grant(
        &self,
        id: &TaskId,
        request: GrantTask,
        stop: CancelToken,
    ) -> Result<TaskResponse, TaskFailure> {
        let (Some(entitlement), Some(principal)) = (request.entitlement, request.principal) else {
            return Err(malformed("grant"));
        };
        let change = Change::Grant {
            role: self.role(&entitlement)?,
            principal: self.principal(&principal)?,
        };
        let outcome = self.connector.change(id, change, stop).await?;
        // Only a grant that the tenant shows as existing. A change that it accepted without showing it is a plain success.
        let annotations: Vec<Any> = (outcome.result == ChangeResult::AlreadyApplied)
            .then(|| pack(&v2::GrantAlreadyExists {}))
            .into_iter()
            .collect();
        let grant = v2::Grant {
            id: outcome.grant_id.map(|id| id.to_string()).unwrap_or_default(),
            entitlement: Some(entitlement),
            principal: Some(principal),
            ..v2::Grant::default()
        };
        let response = v2::GrantManagerServiceGrantResponse {
            annotations: annotations.clone(),
            grants: vec![grant],
        };
        Ok(TaskResponse::new(&response, annotations))
    }

    pub(super) async fn revoke(
        &self,
        id: &TaskId,
        request: RevokeTask,
        stop: CancelToken,
    ) -> Result<TaskResponse, TaskFailure> {
        let grant = request.grant.ok_or_else(|| malformed("revoke"))?;
        let (Some(entitlement), Some(principal)) = (&grant.entitlement, &grant.principal) else {
            return Err(malformed("revoke"));
        };
        let (role, principal) = (self.role(entitlement)?, self.principal(principal)?);
        // Ids of another form say nothing; one of ours must be about the same grant.
        if let Ok(named) = Selector::parse_grant(&grant.id, &self.terms)
            && named != (role.clone(), principal.clone())
        {
            return Err(contradictory("grant.id", &grant.id, &entitlement.id));
        }
        let change = Change::Revoke { role, principal };
        let outcome = self.connector.change(id, change, stop).await?;
        // As above: only a known state is reported as already revoked.
        let annotations: Vec<Any> = (outcome.result == ChangeResult::AlreadyApplied)
            .then(|| pack(&v2::GrantAlreadyRevoked {}))
            .into_iter()
            .collect();
        let response = v2::GrantManagerServiceRevokeResponse {
            annotations: annotations.clone(),
        };
        Ok(TaskResponse::new(&response, annotations))
    }

    fn role(&self, entitlement: &v2::Entitlement) -> Result<Selector, TaskFailure> {
        let role = Selector::parse_entitlement(&entitlement.id, &self.terms)?;
        let resource = entitlement
            .resource
            .as_ref()
            .and_then(|resource| resource.id.as_ref());
        if let Some(resource) = resource.filter(|id| !id.resource.is_empty()) {
            let stated = format!("{}:{}", resource.resource_type, resource.resource);
            if Selector::parse_role(&stated, &self.terms).ok().as_ref() != Some(&role) {
                return Err(contradictory("entitlement.resource", &stated, &entitlement.id));
            }
        }
        Ok(role)
    }

    fn principal(&self, principal: &v2::Resource) -> Result<Selector, TaskFailure> {
        let id = principal.id.as_ref().ok_or_else(|| malformed("grant"))?;
        Ok(Selector::parse_principal(
            &id.resource_type,
            &id.resource,
            &self.terms,
        )?)
    }
}

/// The failure of a task that names two different things.
fn contradictory(field: &str, stated: &str, entitlement: &str) -> TaskFailure {
    let message =
        format!("the task contradicts itself: {field} is `{stated}`, and the entitlement is `{entitlement}`");
    TaskFailure::new(StatusCode::InvalidArgument, message)
}
