//! Executes a plan and verifies the result.

use super::Account;
use super::Certainty;
use super::ChangeId;
use super::ChangeResult;
use super::Membership;
use super::NamedRef;
use super::Observation;
use super::Outcome;
use super::Plan;
use super::ProvisioningError;
use super::ResolvedChange;
use super::Role;
use super::Selector;
use super::Step;
use super::StepReport;
use super::VerificationMethod;
use super::warnings::{missing_role_warnings, not_verifiable_warning, role_renamed_warning};
use crate::model::ResourceId;
use crate::ports::{ApplyError, Provisioner, ProvisionerError, WriteEffect};
use crate::{Diagnostic, StatusCode};

/// Maximum number of attempts of a step while reading back shows no effect, and of reads until an accepted step is
/// visible.
const MAX_TRIES: u32 = 3;

/// The execution of a plan.
pub(super) struct Execution<'a> {
    pub(super) tenant: &'a dyn Provisioner,
    /// Reports of the completed steps.
    pub(super) reports: Vec<StepReport>,
}

impl Execution<'_> {
    /// Executes the plan.
    pub(super) async fn run(
        &mut self,
        change_id: ChangeId,
        plan: &Plan,
    ) -> Result<Outcome, ProvisioningError> {
        let mut outcome = Self::unchanged_outcome(change_id, plan);
        let Some(step) = &plan.step else {
            return Ok(outcome);
        };
        let report = match self.run_step(step).await {
            Err(ProvisioningError::VerifiedNotApplied { cause, step: label }) => {
                return Err(self.explain_conflict(step, label, cause).await);
            }
            other => other?,
        };
        outcome.result = match report.verified {
            _ if report.already => ChangeResult::AlreadyApplied,
            VerificationMethod::NotVerifiable => ChangeResult::Accepted,
            VerificationMethod::ByAnswer | VerificationMethod::ByReadingBack => ChangeResult::Changed,
        };
        outcome.warnings.extend(role_renamed_warning(step, &report.seen));
        let account = match &report.seen {
            Observation::Account(Some(account)) => Some(account.clone()),
            _ => None,
        };
        if let Some(account) = account {
            outcome.account = Some(NamedRef::from(&account.resource));
            outcome.resource = Some(Box::new(account.resource.clone()));
            if let ResolvedChange::CreateAccount { roles, .. } = &plan.change {
                if report.already {
                    outcome.warnings.extend(missing_role_warnings(&account, roles));
                } else {
                    outcome.roles = self.assign_roles(&account, roles).await?;
                }
            }
        }
        outcome
            .warnings
            .extend(self.reports.iter().filter_map(not_verifiable_warning));
        outcome.steps.clone_from(&self.reports);
        Ok(outcome)
    }

    /// The outcome of a plan without steps.
    fn unchanged_outcome(change_id: ChangeId, plan: &Plan) -> Outcome {
        let principal = |id: &ResourceId, account: Option<&Account>| {
            let without_name = || NamedRef {
                id: id.clone(),
                name: None,
            };
            Some(account.map_or_else(without_name, |account| NamedRef::from(&account.resource)))
        };
        let (role, account, resource) = match &plan.change {
            ResolvedChange::Grant { role, account } => (
                Some(NamedRef::from(&role.resource)),
                principal(&account.id, account.account.as_deref()),
                None,
            ),
            ResolvedChange::Revoke {
                role,
                requested,
                account,
            } => {
                let role = role.as_ref().map_or_else(
                    || NamedRef {
                        id: requested.clone(),
                        name: None,
                    },
                    |role| NamedRef::from(&role.resource),
                );
                (
                    Some(role),
                    principal(&account.id, account.account.as_deref()),
                    None,
                )
            }
            ResolvedChange::CreateAccount {
                existing: Some(account),
                ..
            }
            | ResolvedChange::UpdateAccount { account, .. } => (
                None,
                Some(NamedRef::from(&account.resource)),
                Some(Box::new(account.resource.clone())),
            ),
            ResolvedChange::CreateAccount { existing: None, .. } => (None, None, None),
            ResolvedChange::DeleteAccount { id, account } => (None, principal(id, account.as_deref()), None),
        };
        Outcome {
            change_id,
            change: plan.kind(),
            request: plan.label(),
            result: ChangeResult::AlreadyApplied,
            role,
            account,
            grant_id: plan.grant_id().ok().flatten(),
            resource,
            roles: Vec::new(),
            steps: Vec::new(),
            warnings: plan.warnings.clone(),
        }
    }

    /// Assigns roles to a new account and returns those that are verified. A failure does not prevent the other
    /// assignments.
    async fn assign_roles(
        &mut self,
        account: &Account,
        roles: &[Role],
    ) -> Result<Vec<NamedRef>, ProvisioningError> {
        let (mut granted, mut missing, mut first) = (Vec::new(), Vec::new(), None);
        for role in roles {
            match self
                .run_step(&Step::AddMember(Membership::new(role, &account.id().id)))
                .await
            {
                Ok(report) if report.verified == VerificationMethod::NotVerifiable => {
                    missing.push(role.label());
                }
                Ok(_) => granted.push(role),
                Err(error) => {
                    missing.push(role.label());
                    first.get_or_insert(error);
                }
            }
        }
        match first {
            None => Ok(granted
                .into_iter()
                .map(|role| NamedRef::from(&role.resource))
                .collect()),
            Some(cause) => Err(ProvisioningError::PartiallyApplied {
                account: Box::new(account.resource.clone()),
                granted: granted.into_iter().map(Role::label).collect(),
                missing,
                cause: Box::new(cause),
            }),
        }
    }

    /// Sends a write and verifies it. If the response is lost, the state is read first, and the write is repeated only
    /// if it is not seen to have had an effect. A write that is accepted, and whose effect the tenant does not report,
    /// is reported as not verifiable.
    async fn run_step(&mut self, step: &Step) -> Result<StepReport, ProvisioningError> {
        let mut tries = 1;
        // Why the effect of an earlier attempt is unknown.
        let mut doubt: Option<String> = None;
        loop {
            let (request_id, failure, answer) = match self.tenant.apply(step).await {
                Ok(acted) => {
                    let answer = acted.seen.as_ref().map(|seen| step.is_satisfied_by(seen));
                    if let (Some(Certainty::Yes), Some(seen)) = (&answer, acted.seen) {
                        return Ok(self.record_step(
                            step,
                            acted.request_id,
                            tries,
                            VerificationMethod::ByAnswer,
                            seen,
                        ));
                    }
                    (acted.request_id, None, answer)
                }
                Err(ApplyError {
                    effect: WriteEffect::None,
                    error,
                    ..
                }) => return Err(not_applied_error(step, error, doubt)),
                Err(failure) => (failure.request_id.clone(), Some(failure), None),
            };
            let seen = match self.read_until_applied(step, failure.is_none()).await {
                Ok(seen) => seen,
                Err(reading) => return Err(verification_error(step, failure, reading, doubt.is_some())),
            };
            let holds = step.is_satisfied_by(&seen);
            let Some(failure) = failure else {
                return match holds {
                    Certainty::Yes => Ok(self.record_step(
                        step,
                        request_id,
                        tries,
                        VerificationMethod::ByReadingBack,
                        seen,
                    )),
                    Certainty::Unknown(reason) if answer != Some(Certainty::No) => {
                        let report = self.record_step(
                            step,
                            request_id,
                            tries,
                            VerificationMethod::NotVerifiable,
                            seen,
                        );
                        Ok(self.replace_last_report(StepReport {
                            reason: Some(reason),
                            ..report
                        }))
                    }
                    Certainty::No | Certainty::Unknown(_) => {
                        Err(ProvisioningError::AcceptedNotApplied { step: step.label() })
                    }
                };
            };
            let refused = failure.effect == WriteEffect::Rejected;
            // The rejection reports that the role does not exist, and it is not listed either.
            let void = refused
                && failure.error.status() == StatusCode::NotFound
                && step.is_removal_from_unlisted_role(&seen);
            match holds {
                _ if void || holds == Certainty::Yes => {
                    // A rejection after a lost response may be caused by the lost write.
                    let already = void || refused && tries == 1;
                    if already {
                        self.verify_absence(step).await?;
                    }
                    let report =
                        self.record_step(step, request_id, tries, VerificationMethod::ByReadingBack, seen);
                    return Ok(self.replace_last_report(StepReport { already, ..report }));
                }
                Certainty::Unknown(_) if refused => {
                    return Err(not_applied_error(step, failure.error, doubt));
                }
                Certainty::Unknown(reason) if tries == MAX_TRIES => {
                    return Err(not_applied_error(step, failure.error, Some(reason)));
                }
                _ if refused => {
                    return Err(ProvisioningError::VerifiedNotApplied {
                        step: step.label(),
                        cause: failure.error,
                    });
                }
                // Without an answer the effect may still come.
                _ if tries == MAX_TRIES => {
                    let reason = "no change so far".to_owned();
                    return Err(not_applied_error(step, failure.error, Some(reason)));
                }
                holds => {
                    doubt = match holds {
                        Certainty::Unknown(reason) => Some(reason),
                        Certainty::Yes | Certainty::No => None,
                    };
                    tries += 1;
                    self.tenant.wait_before_retry(tries).await;
                }
            }
        }
    }

    /// Reports a deletion as already applied only if every source agrees.
    async fn verify_absence(&self, step: &Step) -> Result<(), ProvisioningError> {
        let Step::DeleteAccount { account, .. } = step else {
            return Ok(());
        };
        let account_views = self.tenant.account_views(&account.id).await;
        let account_views = account_views.map_err(ProvisioningError::ReadFailed)?;
        match account_views.reconcile(account)? {
            None => Ok(()),
            Some(account) => Err(ProvisioningError::Contradiction {
                what: account.label(),
                says: format!("{} first did not find it, then found it", self.tenant.tenant()),
            }),
        }
    }

    fn record_step(
        &mut self,
        step: &Step,
        request_id: Option<String>,
        tries: u32,
        verified: VerificationMethod,
        seen: Observation,
    ) -> StepReport {
        let preview = self.tenant.preview(step);
        let report = StepReport {
            step: step.label(),
            request: format!("{} {}", preview.method, preview.url),
            request_id,
            tries,
            verified,
            reason: None,
            already: false,
            seen,
        };
        self.reports.push(report.clone());
        report
    }

    /// Replaces the last report.
    fn replace_last_report(&mut self, report: StepReport) -> StepReport {
        self.reports.pop();
        self.reports.push(report.clone());
        report
    }

    /// Reads the state that a step changes. If the tenant accepted the step, it gets some time to show the effect.
    async fn read_until_applied(&self, step: &Step, expected: bool) -> Result<Observation, ProvisionerError> {
        let mut reads = 1;
        loop {
            let seen = self.read_state(step).await?;
            // An unknown state is not expected to become known soon.
            if !expected || reads == MAX_TRIES || step.is_satisfied_by(&seen) != Certainty::No {
                return Ok(seen);
            }
            reads += 1;
            self.tenant.wait_before_retry(reads).await;
        }
    }

    async fn read_state(&self, step: &Step) -> Result<Observation, ProvisionerError> {
        Ok(match step {
            Step::AddMember(membership) | Step::RemoveMember(membership) => {
                let roles = self
                    .tenant
                    .roles(&Selector::Id(membership.role.id.clone()))
                    .await?;
                Observation::Role(roles.into_iter().next().map(Box::new))
            }
            Step::CreateAccount(requested) => {
                let found = self.tenant.accounts_with_email(&requested.person.email).await?;
                let same_kind = found.into_iter().find(|account| account.kind == requested.kind);
                Observation::Account(same_kind.map(Box::new))
            }
            Step::UpdateAccount { account, .. } | Step::DeleteAccount { account, .. } => {
                Observation::Account(self.tenant.account(&account.id).await?.map(Box::new))
            }
        })
    }

    /// Explains the rejection of a new account whose address is in use.
    async fn explain_conflict(
        &self,
        step: &Step,
        label: String,
        cause: ProvisionerError,
    ) -> ProvisioningError {
        match step {
            Step::CreateAccount(requested) if cause.status() == StatusCode::AlreadyExists => {
                let email = &requested.person.email;
                let holders = self.tenant.accounts_with_email(email).await.unwrap_or_default();
                let by = holders
                    .first()
                    .map(|other| format!("the {} {}", other.kind, other.label()));
                ProvisioningError::EmailTaken {
                    email: email.to_string(),
                    by,
                }
            }
            _ => ProvisioningError::VerifiedNotApplied { step: label, cause },
        }
    }
}

/// The error of an attempt without effect, or with an unknown effect of an earlier attempt.
fn not_applied_error(step: &Step, cause: ProvisionerError, doubt: Option<String>) -> ProvisioningError {
    let step = step.label();
    match doubt {
        None => ProvisioningError::NotApplied { step, cause },
        Some(reason) => ProvisioningError::OutcomeNotVisible { step, cause, reason },
    }
}

fn verification_error(
    step: &Step,
    failure: Option<ApplyError>,
    reading: ProvisionerError,
    in_doubt: bool,
) -> ProvisioningError {
    let label = step.label();
    match failure {
        None => ProvisioningError::Unverified {
            step: label,
            cause: reading,
        },
        Some(ApplyError { effect, error, .. }) if in_doubt || effect == WriteEffect::Unknown => {
            ProvisioningError::OutcomeUnknown {
                step: label,
                cause: error,
                reading,
            }
        }
        Some(ApplyError { error, .. }) => not_applied_error(step, error, None),
    }
}
