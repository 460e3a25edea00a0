//! Makes a planned change, and sees that it is made.

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
use crate::model::ResourceId;
use crate::ports::{ApplyError, Provisioner, ProvisionerError, Warning, WriteEffect};
use crate::{Diagnostic, StatusCode};

/// How often a step is sent, when reading back shows each time that it had no effect; and how often a tenant that says
/// it did is asked to show it.
const MOST_TRIES: u32 = 3;

/// Carries plans out.
pub(super) struct Execution<'a> {
    pub(super) tenant: &'a dyn Provisioner,
    /// Steps that are done.
    pub(super) done: Vec<StepReport>,
}

impl Execution<'_> {
    /// Makes the change.
    pub(super) async fn run(
        &mut self,
        change_id: ChangeId,
        plan: &Plan,
    ) -> Result<Outcome, ProvisioningError> {
        let mut outcome = Self::already(change_id, plan);
        let Some(step) = &plan.step else {
            return Ok(outcome);
        };
        let report = match self.step(step).await {
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
        outcome.warnings.extend(renamed(step, &report.seen));
        let account = match &report.seen {
            Observation::Account(Some(account)) => Some(account.clone()),
            _ => None,
        };
        if let Some(account) = account {
            outcome.account = Some(NamedRef::from(&account.resource));
            outcome.resource = Some(Box::new(account.resource.clone()));
            if let ResolvedChange::Create { roles, .. } = &plan.goal {
                if report.already {
                    outcome.warnings.extend(super::planner::lacking(&account, roles));
                } else {
                    outcome.roles = self.assign(&account, roles).await?;
                }
            }
        }
        outcome
            .warnings
            .extend(self.done.iter().filter_map(not_verifiable));
        outcome.steps.clone_from(&self.done);
        Ok(outcome)
    }

    /// What there is to say if nothing is left to do.
    fn already(change_id: ChangeId, plan: &Plan) -> Outcome {
        let principal = |id: &ResourceId, account: Option<&Account>| {
            let nameless = || NamedRef {
                id: id.clone(),
                name: None,
            };
            Some(account.map_or_else(nameless, |account| NamedRef::from(&account.resource)))
        };
        let (role, account, resource) = match &plan.goal {
            ResolvedChange::Grant { role, account } => (
                Some(NamedRef::from(&role.resource)),
                principal(&account.id, account.account.as_deref()),
                None,
            ),
            ResolvedChange::Revoke {
                role,
                wanted,
                account,
            } => {
                let role = role.as_ref().map_or_else(
                    || NamedRef {
                        id: wanted.clone(),
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
            ResolvedChange::Create {
                existing: Some(account),
                ..
            }
            | ResolvedChange::Update { account, .. } => (
                None,
                Some(NamedRef::from(&account.resource)),
                Some(Box::new(account.resource.clone())),
            ),
            ResolvedChange::Create { existing: None, .. } => (None, None, None),
            ResolvedChange::Delete { id, account } => (None, principal(id, account.as_deref()), None),
        };
        Outcome {
            change_id,
            change: plan.kind(),
            wanted: plan.label(),
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

    /// Assigns the roles of an account that was just made, and gives those that it is seen to have. What fails does not
    /// keep the others from being tried.
    async fn assign(
        &mut self,
        account: &Account,
        roles: &[Role],
    ) -> Result<Vec<NamedRef>, ProvisioningError> {
        let (mut granted, mut missing, mut first) = (Vec::new(), Vec::new(), None);
        for role in roles {
            match self
                .step(&Step::AddMember(Membership::of(role, &account.id().id)))
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

    /// Writes, and does not believe it before it is seen. A write whose answer is lost is looked for before anything
    /// else, and sent again only if it is not seen to have had an effect. A write that is accepted and of which nothing
    /// is said afterwards is done, and not verified.
    async fn step(&mut self, step: &Step) -> Result<StepReport, ProvisioningError> {
        let mut tries = 1;
        // Why it is not known whether an earlier try had an effect.
        let mut doubt: Option<String> = None;
        loop {
            let (request_id, failure, answer) = match self.tenant.apply(step).await {
                Ok(acted) => {
                    let answer = acted.seen.as_ref().map(|seen| step.is_satisfied_by(seen));
                    if let (Some(Certainty::Yes), Some(seen)) = (&answer, acted.seen) {
                        return Ok(self.book(
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
                }) => return Err(not_done(step, error, doubt)),
                Err(failure) => (failure.request_id.clone(), Some(failure), None),
            };
            let seen = match self.observe(step, failure.is_none()).await {
                Ok(seen) => seen,
                Err(reading) => return Err(unseen(step, failure, reading, doubt.is_some())),
            };
            let holds = step.is_satisfied_by(&seen);
            let Some(failure) = failure else {
                return match holds {
                    Certainty::Yes => {
                        Ok(self.book(step, request_id, tries, VerificationMethod::ByReadingBack, seen))
                    }
                    Certainty::Unknown(reason) if answer != Some(Certainty::No) => {
                        let report =
                            self.book(step, request_id, tries, VerificationMethod::NotVerifiable, seen);
                        Ok(self.amend(StepReport {
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
            // The refusal says that there is no such role, and the list does not have it either.
            let void = refused && failure.error.status() == StatusCode::NotFound && step.is_void_in(&seen);
            match holds {
                _ if void || holds == Certainty::Yes => {
                    // A refusal after a lost answer may be due to what the lost one did.
                    let already = void || refused && tries == 1;
                    if already {
                        self.confirm_absence(step).await?;
                    }
                    let report = self.book(step, request_id, tries, VerificationMethod::ByReadingBack, seen);
                    return Ok(self.amend(StepReport { already, ..report }));
                }
                Certainty::Unknown(_) if refused => return Err(not_done(step, failure.error, doubt)),
                Certainty::Unknown(reason) if tries == MOST_TRIES => {
                    return Err(not_done(step, failure.error, Some(reason)));
                }
                _ if refused || tries == MOST_TRIES => {
                    return Err(ProvisioningError::VerifiedNotApplied {
                        step: step.label(),
                        cause: failure.error,
                    });
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

    /// That an account was gone before a deletion is said only if every source agrees.
    async fn confirm_absence(&self, step: &Step) -> Result<(), ProvisioningError> {
        let Step::DeleteAccount { account, .. } = step else {
            return Ok(());
        };
        let account_views = self.tenant.account_views(&account.id).await;
        let account_views = account_views.map_err(ProvisioningError::ReadFailed)?;
        match account_views.judge(account)? {
            None => Ok(()),
            Some(account) => Err(ProvisioningError::Contradiction {
                what: account.label(),
                says: format!("{} did not find it, and then it did", self.tenant.tenant()),
            }),
        }
    }

    fn book(
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
        self.done.push(report.clone());
        report
    }

    /// Puts a report in the place of the last one.
    fn amend(&mut self, report: StepReport) -> StepReport {
        self.done.pop();
        self.done.push(report.clone());
        report
    }

    /// Looks at the tenant as far as a step is about it. Where the tenant says that it is done, it is given some time to
    /// show it.
    async fn observe(&self, step: &Step, expected: bool) -> Result<Observation, ProvisionerError> {
        let mut looks = 1;
        loop {
            let seen = self.look(step).await?;
            // Who is silent now is not expected to speak in a moment.
            if !expected || looks == MOST_TRIES || step.is_satisfied_by(&seen) != Certainty::No {
                return Ok(seen);
            }
            looks += 1;
            self.tenant.wait_before_retry(looks).await;
        }
    }

    async fn look(&self, step: &Step) -> Result<Observation, ProvisionerError> {
        Ok(match step {
            Step::AddMember(membership) | Step::RemoveMember(membership) => {
                let roles = self
                    .tenant
                    .roles(&Selector::Id(membership.role.id.clone()))
                    .await?;
                Observation::Role(roles.into_iter().next().map(Box::new))
            }
            Step::CreateAccount(wanted) => {
                let found = self.tenant.accounts_with_email(&wanted.person.email).await?;
                let same_kind = found.into_iter().find(|account| account.kind == wanted.kind);
                Observation::Account(same_kind.map(Box::new))
            }
            Step::UpdateAccount { account, .. } | Step::DeleteAccount { account, .. } => {
                Observation::Account(self.tenant.account(&account.id).await?.map(Box::new))
            }
        })
    }

    /// A new account that was refused because its address is taken, by whomever.
    async fn explain_conflict(
        &self,
        step: &Step,
        label: String,
        cause: ProvisionerError,
    ) -> ProvisioningError {
        match step {
            Step::CreateAccount(wanted) if cause.status() == StatusCode::AlreadyExists => {
                let email = &wanted.person.email;
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

/// A try that had no effect, or one that leaves it open whether an earlier one had.
fn not_done(step: &Step, cause: ProvisionerError, doubt: Option<String>) -> ProvisioningError {
    let step = step.label();
    match doubt {
        None => ProvisioningError::NotApplied { step, cause },
        Some(reason) => ProvisioningError::OutcomeNotVisible { step, cause, reason },
    }
}

fn unseen(
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
        Some(ApplyError { error, .. }) => not_done(step, error, None),
    }
}

/// A role that is called otherwise by now: it is told by its id, but a person meant its name.
fn renamed(step: &Step, seen: &Observation) -> Option<Warning> {
    let (Step::AddMember(membership) | Step::RemoveMember(membership), Observation::Role(Some(role))) =
        (step, seen)
    else {
        return None;
    };
    let now = &role.resource.display_name;
    let before = membership.role_name.as_ref()?;
    (now != before).then(|| Warning {
        code: "role_renamed",
        message: format!(
            "{} was called {before} when the change was planned, and is {now} now",
            membership.role
        ),
    })
}

/// What was accepted and cannot be seen.
fn not_verifiable(report: &StepReport) -> Option<Warning> {
    (report.verified == VerificationMethod::NotVerifiable).then(|| Warning {
        code: "not_verifiable",
        message: format!(
            "the tenant accepted to {}, and it could not be verified: {}",
            report.step,
            report.reason.as_deref().unwrap_or("it does not say")
        ),
    })
}
