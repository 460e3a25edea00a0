//! One change to the tenant: planned, made, and seen to be made.
//!
//! [`Provisioning::prepare`] looks into a [`Change`] and refuses what must not be; [`Provisioning::execute`] writes,
//! verifies, and says what is true of the tenant afterwards: an [`Outcome`], or a [`ProvisioningError`] whose
//! [`extent`](ProvisioningError::extent) tells what is done. Everything is written to the audit log before and after.
//!
//! The rules:
//! 1. nothing is written that is so already;
//! 2. a write whose answer is lost is looked for before it is sent again;
//! 3. success is what the tenant shows, not what it says;
//! 4. silence decides nothing: where the tenant does not say whether something is so, the write is sent and its answer
//!    judged, or it is said that it is not known ([`Certainty`], [`RoleMembers`], [`ReportedFlag`]);
//! 5. no change without an audit.

mod account;
mod account_schema;
mod account_views;
mod attributes;
mod audit;
mod certainty;
mod change;
mod error;
mod executor;
mod outcome;
mod plan;
mod planner;
mod role;
mod selector;

mod step;
#[cfg(test)]
mod tests;

use crate::model::NativeId;
use crate::ports::{AuditLog, Clock, Provisioner, SyncIdGenerator};

pub use account::{
    Account, AccountChanges, AccountKind, AccountKindSpec, AccountValue, AccountValues, Advice, NewAccount,
    Person,
};
pub use account_schema::ACCOUNT_ARGUMENT;
pub use account_schema::AccountField;
pub use account_schema::AccountSchema;
pub use account_schema::FieldRule;
pub use account_schema::FieldType;
pub use account_schema::UPDATE_ACCOUNT;
pub use account_views::{AccountViews, ListEntry, ListView};
pub use attributes::AttributeValue;
pub use attributes::Attributes;
pub use attributes::EmailAddress;
pub use attributes::NamePart;
pub use attributes::ResourceRef;
pub use attributes::ValueError;
pub use audit::{AuditEntry, AuditEvent, AuditResult, DecisionReference};
pub use certainty::{Certainty, ReportedFlag};
pub use change::{AccountRequest, AccountUpdate, Change, ChangeOperation};
pub use error::{ChangeExtent, ProvisioningError};
pub use outcome::{ChangeId, ChangeResult, NamedRef, Outcome, StepReport, VerificationMethod};
pub use plan::{Plan, Principal, ResolvedChange};
pub use role::{ProvisioningTerms, Role, RoleMembers};
pub use selector::Selector;
pub use step::{Membership, Observation, RequestPreview, Step};

use audit::AuditContext;
use executor::Execution;

/// The use case, wired to a tenant and to somebody who asks.
pub struct Provisioning<'a> {
    /// The tenant.
    pub provisioner: &'a dyn Provisioner,
    /// Where it is written down.
    pub audit: &'a dyn AuditLog,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Makes ids for attempts.
    pub ids: &'a dyn SyncIdGenerator,
    /// Who asks.
    pub requested_by: String,
}

impl Provisioning<'_> {
    /// Looks into a change and leaves no trace: for a dry run.
    ///
    /// # Errors
    /// [`ProvisioningError`] if the change must not or cannot be made.
    pub async fn plan(&self, change: &Change) -> Result<Plan, ProvisioningError> {
        planner::plan(self.provisioner, change).await
    }

    /// Looks into a change that is going to be made; a refusal is written to the audit log.
    ///
    /// # Errors
    /// [`ProvisioningError`] if the change must not or cannot be made.
    pub async fn prepare(&self, change: &Change) -> Result<Plan, ProvisioningError> {
        let planned = self.plan(change).await;
        if let Err(error) = &planned {
            let entry = self.attempt().refused(change.kind(), change.label(), error);
            self.audit
                .append(&entry)
                .await
                .map_err(ProvisioningError::AuditFailed)?;
        }
        planned
    }

    /// Makes a planned change. It must not be dropped half-way: what it has written would be without its last line in
    /// the audit log.
    ///
    /// # Errors
    /// [`ProvisioningError`], whose [`extent`](ProvisioningError::extent) tells what is done.
    pub async fn execute(&self, plan: &Plan) -> Result<Outcome, ProvisioningError> {
        let attempt = self.attempt();
        let change_id = attempt.change_id;
        let entry = attempt.planned(plan, &placeholder());
        if plan.step.is_some() {
            self.audit
                .append(&entry)
                .await
                .map_err(ProvisioningError::AuditFailed)?;
        }
        let mut execution = Execution {
            tenant: self.provisioner,
            done: Vec::new(),
        };
        let ended = execution.run(change_id, plan).await;
        let last = entry.finished(self.clock.now(), &ended, &execution.done);
        match (ended, self.audit.append(&last).await) {
            (ended, Ok(())) => ended,
            (Ok(outcome), Err(source)) if outcome.result != ChangeResult::AlreadyApplied => {
                Err(ProvisioningError::AuditFailedAfterChange {
                    done: plan.label(),
                    source,
                })
            }
            (Ok(_), Err(source)) => Err(ProvisioningError::AuditFailed(source)),
            // What became of the change matters more; the log has its beginning.
            (Err(error), Err(_)) => Err(error),
        }
    }

    fn attempt(&self) -> AuditContext {
        let time = self.clock.now();
        AuditContext {
            time,
            change_id: ChangeId(self.ids.next_id(time)),
            requested_by: self.requested_by.clone(),
            tenant: self.provisioner.tenant(),
        }
    }
}

/// Stands for the id of an account that is not made yet.
#[must_use]
pub fn placeholder() -> NativeId {
    NativeId::new("<new>").unwrap_or_else(|_| NativeId::from_number(0))
}
