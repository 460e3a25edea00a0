//! Provisioning: planning, applying and verifying a change in the tenant.
//!
//! [`Provisioning::prepare`] plans a [`Change`] and refuses what is not allowed; [`Provisioning::execute`] writes,
//! verifies, and returns an [`Outcome`], or a [`ProvisioningError`] whose [`extent`](ProvisioningError::extent) reports
//! what was changed. Both are recorded in the audit log.
//!
//! The rules:
//! 1. nothing is written if the tenant already is in the requested state;
//! 2. after a lost response, the state is read before the write is repeated;
//! 3. success means that the tenant shows the new state, not that it accepted the request;
//! 4. missing information decides nothing: if the state is unknown, the write is sent and its response evaluated, or
//!    the result is reported as unknown ([`Certainty`], [`RoleMembers`], [`ReportedFlag`]);
//! 5. no change without an audit entry.

mod account;
mod account_kind;
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
mod warnings;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::model::NativeId;
use crate::ports::{AuditLog, Clock, Provisioner, SyncIdGenerator};

pub use account::{Account, AccountChanges, AccountValue, AccountValues, NewAccount, Person};
pub use account_kind::{AccountKind, AccountKindSpec, Advice};
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

/// The provisioning use case with its ports.
pub struct Provisioning<'a> {
    /// The tenant.
    pub provisioner: &'a dyn Provisioner,
    /// The audit log.
    pub audit: &'a dyn AuditLog,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Generates ids of attempts.
    pub ids: &'a dyn SyncIdGenerator,
    /// Who requests the changes.
    pub requested_by: String,
}

impl Provisioning<'_> {
    /// Plans a change without audit entries: for a dry run.
    ///
    /// # Errors
    /// [`ProvisioningError`] if the change is not allowed or not possible.
    pub async fn plan(&self, change: &Change) -> Result<Plan, ProvisioningError> {
        planner::plan(self.provisioner, change).await
    }

    /// Plans a change that will be executed; a refusal is recorded in the audit log.
    ///
    /// # Errors
    /// [`ProvisioningError`] if the change is not allowed or not possible.
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

    /// Executes a plan. Do not drop the future before it completes: the last entry of the audit log would be missing.
    ///
    /// # Errors
    /// [`ProvisioningError`], whose [`extent`](ProvisioningError::extent) reports what was changed.
    pub async fn execute(&self, plan: &Plan) -> Result<Outcome, ProvisioningError> {
        self.execute_until(plan, std::future::pending()).await
    }

    /// Executes a plan unless `stop` completes first: then no more requests are sent or awaited, and the audit log records that the
    /// outcome is unknown.
    ///
    /// # Errors
    /// As [`execute`](Self::execute), and [`ProvisioningError::Stopped`].
    pub async fn execute_until(
        &self,
        plan: &Plan,
        stop: impl Future<Output = ()>,
    ) -> Result<Outcome, ProvisioningError> {
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
            reports: Vec::new(),
        };
        let ended = unless_stopped(execution.run(change_id, plan), stop).await;
        let ended = ended.unwrap_or_else(|| {
            Err(ProvisioningError::Stopped {
                request: plan.label(),
            })
        });
        let last = entry.finished(self.clock.now(), &ended, &execution.reports);
        match (ended, self.audit.append(&last).await) {
            (ended, Ok(())) => ended,
            (Ok(outcome), Err(source)) if outcome.result != ChangeResult::AlreadyApplied => {
                Err(ProvisioningError::AuditFailedAfterChange {
                    done: plan.label(),
                    source,
                })
            }
            (Ok(_), Err(source)) => Err(ProvisioningError::AuditFailed(source)),
            // The error of the change is more important; the log has the first entry.
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

/// The result of some work; `None` if it is stopped before its end.
async fn unless_stopped<T>(work: impl Future<Output = T>, stop: impl Future<Output = ()>) -> Option<T> {
    let (mut work, mut stop) = (pin!(work), pin!(stop));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => stop.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Placeholder for the id of an account that does not exist yet.
#[must_use]
pub fn placeholder() -> NativeId {
    NativeId::new("<new>").unwrap_or_else(|_| NativeId::from_number(0))
}
