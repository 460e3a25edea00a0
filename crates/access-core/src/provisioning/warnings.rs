//! Warnings about a change, when it is planned and after it was executed.

use super::{
    Account, AccountRequest, AccountValue, AccountValues, Certainty, Observation, ReportedFlag, Role,
    Selector, Step, StepReport, VerificationMethod,
};
use crate::model::spelling::quoted_beside;
use crate::model::{Resource, ResourceId, StatusState};
use crate::ports::Warning;

/// Warns if the name of the object differs from the given text.
fn name_differs_warning(requested: &Selector, id: &ResourceId, found: &str) -> Option<Warning> {
    let Selector::Text(text) = requested else {
        return None;
    };
    (text != found && text != id.id.as_str()).then(|| {
        let (found, text) = quoted_beside(found, text);
        Warning {
            code: "name_differs",
            message: format!("{found} was found for {text}: {id}"),
        }
    })
}

pub(super) fn role_name_warning(requested: &Selector, role: &Role) -> Option<Warning> {
    name_differs_warning(requested, role.id(), role.resource.display_name.as_str())
}

/// Warns of organizations whose name differs from the given text.
pub(super) fn organization_name_warnings(
    requested: &AccountValues<Selector>,
    found: &AccountValues<Box<Resource>>,
) -> Vec<Warning> {
    let pairs = requested.iter().filter_map(|(field, value)| match value {
        AccountValue::Organization(selector) => Some((selector, found.organization(field.name)?)),
        AccountValue::Text(_) | AccountValue::Flag(_) => None,
    });
    pairs
        .filter_map(|(selector, organization)| organization_name_warning(selector, organization))
        .collect()
}

fn organization_name_warning(requested: &Selector, organization: &Resource) -> Option<Warning> {
    name_differs_warning(requested, &organization.id, organization.display_name.as_str())
}

/// Differences in case are ignored for addresses.
pub(super) fn account_name_warning(requested: &Selector, account: &Account) -> Option<Warning> {
    let email = account.email()?;
    match requested {
        Selector::Text(text) if text.eq_ignore_ascii_case(email) => None,
        _ => name_differs_warning(requested, account.id(), email),
    }
}

pub(super) fn managed_elsewhere_warning(account: &Account, what_it_may_do: &str) -> Option<Warning> {
    let is = match &account.managed_elsewhere {
        ReportedFlag::Yes => "is",
        ReportedFlag::Contradicted(_) => "may be",
        ReportedFlag::No | ReportedFlag::Unknown => return None,
    };
    Some(Warning {
        code: "managed_by_identity_provider",
        message: format!(
            "{} {is} managed by an identity provider (SCIM), which {what_it_may_do}",
            account.label()
        ),
    })
}

pub(super) fn unknown_membership_warning(role: &Role, membership: Certainty) -> Option<Warning> {
    let Certainty::Unknown(reason) = membership else {
        return None;
    };
    Some(Warning {
        code: "membership_unknown",
        message: format!(
            "{}: {reason}; the request is sent, and its answer decides",
            role.label()
        ),
    })
}

pub(super) fn holder_warnings(account: &Account) -> Vec<Warning> {
    let disabled = account
        .resource
        .status
        .as_ref()
        .is_some_and(|status| status.state == StatusState::Disabled);
    let disabled = disabled.then(|| Warning {
        code: "account_disabled",
        message: format!(
            "{} is disabled: the role has no effect until it is enabled",
            account.label()
        ),
    });
    managed_elsewhere_warning(account, "may take the role away again")
        .into_iter()
        .chain(disabled)
        .collect()
}

pub(super) fn request_warnings(requested: &AccountRequest) -> Vec<Warning> {
    let warning = |code, message| Warning { code, message };
    let ignored = (!requested.ignored.is_empty()).then(|| {
        warning(
            "attributes_ignored",
            format!(
                "these attributes have no effect here: {}",
                requested.ignored.join(", ")
            ),
        )
    });
    let lacks = |field: &str| match field {
        "roles" => requested.roles.is_empty(),
        field => requested.values.get(field).is_none(),
    };
    let advice = requested.kind.advice.iter();
    let advice = advice
        .filter(|advice| lacks(advice.without))
        .map(|advice| warning(advice.code, advice.message.to_owned()));
    ignored.into_iter().chain(advice).collect()
}

/// Warns of roles that an existing account lacks or may lack, because existing accounts are not changed.
pub(super) fn missing_role_warnings(existing: &Account, roles: &[Role]) -> Vec<Warning> {
    let (mut missing_role_warnings, mut unknown) = (Vec::new(), Vec::new());
    for role in roles {
        match role.members.contains(&existing.id().id) {
            Certainty::Yes => {}
            Certainty::No => missing_role_warnings.push(role.label()),
            Certainty::Unknown(_) => unknown.push(role.label()),
        }
    }
    let warning = |code, labels: Vec<String>, how: &str| {
        (!labels.is_empty()).then(|| Warning {
            code,
            message: format!(
                "{} exists already and is left as it is, {how} {}",
                existing.label(),
                labels.join(", ")
            ),
        })
    };
    let missing_role_warnings = warning("roles_not_assigned", missing_role_warnings, "without");
    let unknown = warning("roles_unknown", unknown, "and it is not known whether it has");
    missing_role_warnings.into_iter().chain(unknown).collect()
}

/// Warns if the role was renamed since planning: the request used its id, but the user meant the name.
pub(super) fn role_renamed_warning(step: &Step, seen: &Observation) -> Option<Warning> {
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

/// Warns if an accepted step cannot be verified.
pub(super) fn not_verifiable_warning(report: &StepReport) -> Option<Warning> {
    (report.verified == VerificationMethod::NotVerifiable).then(|| Warning {
        code: "not_verifiable",
        message: format!(
            "the tenant accepted the request to {}, but it could not be verified: {}",
            report.step,
            report.reason.as_deref().unwrap_or("it does not say")
        ),
    })
}
