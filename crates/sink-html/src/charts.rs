//! The plots of the overview: counts by one or two things. Each says the query over the dataset that gives the same rows.

use std::collections::BTreeMap;

use access_core::model::TraitKind;
use serde::{Deserialize, Serialize};

use crate::entitlements::Entitlement;
use crate::entitlements::Holders;
use crate::metrics::UserFacts;
use crate::metrics::facts;
use crate::model::Model;
use crate::users::Flag;
use crate::users::Shared;

/// A plot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chart {
    pub(crate) key: Box<str>,
    pub(crate) title: Box<str>,
    /// For `DuckDB`, over the tables of docs/reference/dataset.md with the rows of this sync.
    pub(crate) sql: Box<str>,
    /// Labels, then the number.
    pub(crate) rows: Vec<(Vec<String>, u64)>,
}

/// Bars in a plot of the largest.
const MOST: usize = 12;

/// How many roles somebody holds, in words.
const BUCKETS: [(u32, &str); 6] = [
    (0, "none"),
    (1, "1"),
    (2, "2"),
    (4, "3 to 4"),
    (9, "5 to 9"),
    (u32::MAX, "10 or more"),
];

macro_rules! user_type {
    () => {
        "coalesce(user_type, '')"
    };
}

macro_rules! by_flag {
    ($flag:literal, $yes:literal, $no:literal) => {
        concat!(
            "SELECT ",
            user_type!(),
            ", CASE WHEN ",
            $flag,
            " THEN '",
            $yes,
            "' WHEN NOT ",
            $flag,
            " THEN '",
            $no,
            "' ELSE 'unknown' END, count(*) FROM users WHERE status = 'enabled' GROUP BY ALL"
        )
    };
}

macro_rules! largest {
    ($kind:literal) => {
        concat!(
            "SELECT e.resource_display_name, e.display_name, e.entitlement_id, e.grants FROM entitlements e JOIN resource_types t ON t.resource_type_id = e.resource_type_id WHERE t.trait_kind = '",
            $kind,
            "' ORDER BY e.grants DESC, e.entitlement_id LIMIT 12"
        )
    };
}

/// Counts them all.
pub(crate) fn charts(model: &Model) -> Vec<Chart> {
    let roles = model.held_by_people(TraitKind::Role);
    let people = (model, roles.as_slice());
    let mut charts = vec![
        by_people(
            people,
            "status",
            "Accounts",
            concat!(
                "SELECT ",
                user_type!(),
                ", CASE WHEN status = 'disabled' THEN 'disabled' WHEN upper(invitation_status) = 'PENDING' THEN 'invitation pending' WHEN upper(invitation_status) = 'EXPIRED' THEN 'invitation expired' WHEN status = 'enabled' THEN 'enabled' ELSE 'unknown' END, count(*) FROM users GROUP BY ALL"
            ),
            |facts| Some(state(facts)),
        ),
        by_people(
            people,
            "mfa",
            "MFA",
            concat!(
                "SELECT ",
                user_type!(),
                ", CASE WHEN mfa_enabled THEN 'MFA' WHEN sso_enabled THEN 'SSO, MFA unknown' WHEN NOT mfa_enabled THEN 'no MFA' ELSE 'unknown' END, count(*) FROM users WHERE status = 'enabled' GROUP BY ALL"
            ),
            |facts| facts.enabled().then(|| mfa(facts)),
        ),
        by_people(
            people,
            "sign_in",
            "Sign-in",
            by_flag!("sso_enabled", "identity provider", "local"),
            |facts| enabled_flag(facts, Flag::Sso, ["identity provider", "local"]),
        ),
        by_people(
            people,
            "scim",
            "Provisioning",
            by_flag!("scim_user", "SCIM", "local"),
            |facts| enabled_flag(facts, Flag::Scim, ["SCIM", "local"]),
        ),
    ];
    charts.push(largest(
        model,
        "roles",
        "Roles by members",
        largest!("role"),
        TraitKind::Role,
    ));
    charts.push(largest(
        model,
        "privileges",
        "Permissions over the whole tenant",
        largest!("app"),
        TraitKind::App,
    ));
    charts.push(roles_per_person(&roles));
    charts.push(organizations(model));
    charts
}

fn state(facts: &UserFacts<'_>) -> &'static str {
    match (facts.status, facts.invitation.as_str()) {
        ("disabled", _) => "disabled",
        (_, "PENDING") => "invitation pending",
        (_, "EXPIRED") => "invitation expired",
        ("enabled", _) => "enabled",
        _ => "unknown",
    }
}

/// Whoever signs in through an identity provider may be asked for MFA there, which the tenant does not know.
fn mfa(facts: &UserFacts<'_>) -> &'static str {
    let flag = |flag| facts.person.flag(flag);
    match (flag(Flag::Mfa), flag(Flag::Sso)) {
        (Some(true), _) => "MFA",
        (_, Some(true)) => "SSO, MFA unknown",
        (Some(false), _) => "no MFA",
        (None, _) => "unknown",
    }
}

fn enabled_flag(facts: &UserFacts<'_>, flag: Flag, [yes, no]: [&'static str; 2]) -> Option<&'static str> {
    facts.enabled().then(|| match facts.person.flag(flag) {
        Some(true) => yes,
        Some(false) => no,
        None => "unknown",
    })
}

/// People by their sort and something else.
fn by_people(
    (model, roles): (&Model, &[u32]),
    key: &str,
    title: &str,
    sql: &str,
    group: impl Fn(&UserFacts<'_>) -> Option<&'static str>,
) -> Chart {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for facts in facts(model, roles) {
        if let Some(found) = group(&facts) {
            *counts.entry((facts.user_type, found)).or_default() += 1;
        }
    }
    let rows = counts
        .into_iter()
        .map(|((sort, found), count)| (vec![sort.to_owned(), found.to_owned()], count));
    chart(key, title, sql, rows.collect())
}

fn largest(model: &Model, key: &str, title: &str, sql: &str, kind: TraitKind) -> Chart {
    let mut found: Vec<(&Entitlement, &Holders)> = model
        .entitlements
        .iter()
        .zip(&model.holders)
        .filter(|(entitlement, _)| model.is_on(entitlement, kind))
        .collect();
    found.sort_by_key(|(entitlement, holders)| (usize::MAX - holders.principals.len(), &entitlement.id));
    let rows = found.into_iter().take(MOST).map(|(entitlement, holders)| {
        let labels = [&entitlement.resource_name, &entitlement.name, &entitlement.id];
        (
            labels.map(ToString::to_string).to_vec(),
            holders.principals.len() as u64,
        )
    });
    chart(key, title, sql, rows.collect())
}

fn roles_per_person(roles: &[u32]) -> Chart {
    let mut counts = [0_u64; BUCKETS.len()];
    for roles in roles {
        let bucket = BUCKETS.iter().position(|(most, _)| roles <= most);
        counts[bucket.unwrap_or(BUCKETS.len() - 1)] += 1;
    }
    let rows = BUCKETS.iter().zip(counts).filter(|(_, count)| *count > 0);
    let rows = rows.map(|((_, label), count)| (vec![(*label).to_owned()], count));
    let sql = "SELECT CASE WHEN n = 0 THEN 'none' WHEN n = 1 THEN '1' WHEN n = 2 THEN '2' WHEN n <= 4 THEN '3 to 4' WHEN n <= 9 THEN '5 to 9' ELSE '10 or more' END, count(*) FROM (SELECT count(r.grant_id) AS n FROM users u LEFT JOIN (SELECT g.* FROM grants g JOIN resource_types t ON t.resource_type_id = g.resource_type_id WHERE t.trait_kind = 'role') r ON r.principal_type_id = u.resource_type_id AND r.principal_id = u.user_id GROUP BY u.resource_type_id, u.user_id) GROUP BY ALL";
    chart("roles_per_person", "Roles per person", sql, rows.collect())
}

fn organizations(model: &Model) -> Chart {
    let mut counts: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    for person in &model.people {
        let text = |which| person.shared(which).map_or("", |word| model.words.text(word));
        if text(Shared::UserType) == "END_USER" {
            let counted = counts.entry(text(Shared::OrganizationId)).or_default();
            counted.0 = counted.0.max(text(Shared::OrganizationName));
            counted.1 += 1;
        }
    }
    let mut rows: Vec<_> = counts.into_iter().collect();
    rows.sort_by_key(|(id, (_, count))| (u64::MAX - count, *id));
    let rows = rows
        .into_iter()
        .take(MOST)
        .map(|(id, (name, count))| (vec![name.to_owned(), id.to_owned()], count));
    let sql = "SELECT coalesce(max(organization_name), ''), coalesce(organization_id, ''), count(*) FROM users WHERE user_type = 'END_USER' GROUP BY organization_id ORDER BY 3 DESC, 2 LIMIT 12";
    chart("organizations", "End users per organization", sql, rows.collect())
}

fn chart(key: &str, title: &str, sql: &str, rows: Vec<(Vec<String>, u64)>) -> Chart {
    Chart {
        key: key.into(),
        title: title.into(),
        sql: sql.into(),
        rows,
    }
}
