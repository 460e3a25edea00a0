//! Makes a planned change, and sees that it is made.

use super::{
    Account, ChangeId, Done, Goal, Membership, Named, Observation, Outcome, Plan, ProvisioningError, Role,
    Selector, Step, StepReport, Verified,
};
use crate::model::ResourceId;
use crate::ports::{ActFailure, Effect, Provisioner, ProvisionerError, Warning};
use crate::{Classified, StatusCode};

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
            Err(ProvisioningError::SeenNotDone { cause, step: label }) => {
                return Err(self.taken_meanwhile(step, label, cause).await);
            }
            other => other?,
        };
        outcome.result = if report.already {
            Done::Already
        } else {
            Done::Changed
        };
        outcome.warnings.extend(renamed(step, &report.seen));
        let account = match &report.seen {
            Observation::Account(Some(account)) => Some(account.clone()),
            _ => None,
        };
        if let Some(account) = account {
            outcome.account = Some(Named::from(&account.resource));
            outcome.resource = Some(Box::new(account.resource.clone()));
            if let Goal::Create { roles, .. } = &plan.goal {
                if report.already {
                    outcome.warnings.extend(super::planner::lacking(&account, roles));
                } else {
                    outcome.roles = self.assign(&account, roles).await?;
                }
            }
        }
        outcome.steps.clone_from(&self.done);
        Ok(outcome)
    }

    /// What there is to say if nothing is left to do.
    fn already(change_id: ChangeId, plan: &Plan) -> Outcome {
        let principal = |id: &ResourceId, account: Option<&Account>| {
            let nameless = || Named {
                id: id.clone(),
                name: None,
            };
            Some(account.map_or_else(nameless, |account| Named::from(&account.resource)))
        };
        let (role, account, resource) = match &plan.goal {
            Goal::Grant { role, account } => (
                Some(Named::from(&role.resource)),
                principal(&account.id, account.account.as_deref()),
                None,
            ),
            Goal::Revoke {
                role,
                wanted,
                account,
            } => {
                let role = role.as_ref().map_or_else(
                    || Named {
                        id: wanted.clone(),
                        name: None,
                    },
                    |role| Named::from(&role.resource),
                );
                (
                    Some(role),
                    principal(&account.id, account.account.as_deref()),
                    None,
                )
            }
            Goal::Create {
                existing: Some(account),
                ..
            }
            | Goal::Update { account, .. } => (
                None,
                Some(Named::from(&account.resource)),
                Some(Box::new(account.resource.clone())),
            ),
            Goal::Create { existing: None, .. } => (None, None, None),
            Goal::Delete { id, account } => (None, principal(id, account.as_deref()), None),
        };
        Outcome {
            change_id,
            change: plan.kind(),
            wanted: plan.label(),
            result: Done::Already,
            role,
            account,
            grant_id: plan.grant_id().ok().flatten(),
            resource,
            roles: Vec::new(),
            steps: Vec::new(),
            warnings: plan.warnings.clone(),
        }
    }

    /// Assigns the roles of an account that was just made; what fails does not keep the others from being tried.
    async fn assign(&mut self, account: &Account, roles: &[Role]) -> Result<Vec<Named>, ProvisioningError> {
        let (mut granted, mut missing, mut first) = (Vec::new(), Vec::new(), None);
        for role in roles {
            match self
                .step(&Step::AddMember(Membership::of(role, &account.id().id)))
                .await
            {
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
                .map(|role| Named::from(&role.resource))
                .collect()),
            Some(cause) => Err(ProvisioningError::Partly {
                account: Box::new(account.resource.clone()),
                granted: granted.into_iter().map(Role::label).collect(),
                missing,
                cause: Box::new(cause),
            }),
        }
    }

    /// Writes, and does not believe it before it is seen. A write whose answer is lost is looked for before anything
    /// else, and sent again only if it had no effect.
    async fn step(&mut self, step: &Step) -> Result<StepReport, ProvisioningError> {
        let mut tries = 1;
        loop {
            let (request_id, failure) = match self.tenant.act(step).await {
                Ok(acted) => {
                    if let Some(seen) = acted.seen.filter(|seen| step.holds_in(seen)) {
                        return Ok(self.book(step, acted.request_id, tries, Verified::ByAnswer, false, seen));
                    }
                    (acted.request_id, None)
                }
                Err(ActFailure {
                    effect: Effect::None,
                    error,
                    ..
                }) => {
                    return Err(ProvisioningError::NotDone {
                        step: step.label(),
                        cause: error,
                    });
                }
                Err(failure) => (failure.request_id.clone(), Some(failure)),
            };
            let seen = match self.observe(step, failure.is_none()).await {
                Ok(seen) => seen,
                Err(reading) => return Err(unseen(step, failure, reading)),
            };
            let refused = failure
                .as_ref()
                .is_some_and(|failure| failure.effect == Effect::Refused);
            if step.holds_in(&seen) {
                return Ok(self.book(step, request_id, tries, Verified::ByReadingBack, refused, seen));
            }
            match failure {
                None => return Err(ProvisioningError::NotTaken { step: step.label() }),
                Some(failure) if refused || tries == MOST_TRIES => {
                    return Err(ProvisioningError::SeenNotDone {
                        step: step.label(),
                        cause: failure.error,
                    });
                }
                Some(_) => {
                    tries += 1;
                    self.tenant.pause(tries).await;
                }
            }
        }
    }

    fn book(
        &mut self,
        step: &Step,
        request_id: Option<String>,
        tries: u32,
        verified: Verified,
        already: bool,
        seen: Observation,
    ) -> StepReport {
        let preview = self.tenant.preview(step);
        let report = StepReport {
            step: step.label(),
            request: format!("{} {}", preview.method, preview.url),
            request_id,
            tries,
            verified,
            already,
            seen,
        };
        self.done.push(report.clone());
        report
    }

    /// Looks at the tenant as far as a step is about it. Where the tenant says that it is done, it is given some time to
    /// show it.
    async fn observe(&self, step: &Step, expected: bool) -> Result<Observation, ProvisionerError> {
        let mut looks = 1;
        loop {
            let seen = self.look(step).await?;
            if !expected || looks == MOST_TRIES || step.holds_in(&seen) {
                return Ok(seen);
            }
            looks += 1;
            self.tenant.pause(looks).await;
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
                let found = self.tenant.accounts_with_email(&wanted.person().email).await?;
                let same_kind = found.into_iter().find(|account| account.kind == wanted.kind());
                Observation::Account(same_kind.map(Box::new))
            }
            Step::UpdateAccount { account, .. } | Step::DeleteAccount { account, .. } => {
                Observation::Account(self.tenant.account(&account.id).await?.map(Box::new))
            }
        })
    }

    /// A new account that was refused because its address is taken, by whomever.
    async fn taken_meanwhile(
        &self,
        step: &Step,
        label: String,
        cause: ProvisionerError,
    ) -> ProvisioningError {
        match step {
            Step::CreateAccount(wanted) if cause.status() == StatusCode::AlreadyExists => {
                let email = &wanted.person().email;
                let holders = self.tenant.accounts_with_email(email).await.unwrap_or_default();
                let by = holders
                    .first()
                    .map(|other| format!("the {} {}", other.kind, other.label()));
                ProvisioningError::EmailTaken {
                    email: email.to_string(),
                    by,
                }
            }
            _ => ProvisioningError::SeenNotDone { step: label, cause },
        }
    }
}

fn unseen(step: &Step, failure: Option<ActFailure>, reading: ProvisionerError) -> ProvisioningError {
    let step = step.label();
    match failure {
        None => ProvisioningError::Unverified { step, cause: reading },
        Some(ActFailure {
            effect: Effect::Unknown,
            error,
            ..
        }) => ProvisioningError::Unknown {
            step,
            cause: error,
            reading,
        },
        Some(ActFailure { error, .. }) => ProvisioningError::NotDone { step, cause: error },
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
    (*now != membership.role_name).then(|| Warning {
        code: "role_renamed",
        message: format!(
            "{} was called {} when the change was planned, and is {now} now",
            membership.role, membership.role_name
        ),
    })
}
