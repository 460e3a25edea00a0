//! The charts of the overview. Each has the query over the dataset that gives the same rows.

use std::collections::BTreeMap;

use access_core::model::{AttributeRole, IdentityClass, ReportSchema, TraitKind};
use serde::{Deserialize, Serialize};

use crate::entitlements::Entitlement;
use crate::entitlements::Holders;
use crate::metrics::{EXPIRED, PENDING, UserFacts, facts, sql_text};
use crate::model::Model;

/// A chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chart {
    pub(crate) key: Box<str>,
    pub(crate) title: Box<str>,
    /// For `DuckDB`, over the tables of docs/reference/dataset.md with the rows of this sync.
    pub(crate) sql: Box<str>,
    /// Labels, then the number.
    pub(crate) rows: Vec<(Vec<String>, u64)>,
}

/// The most bars in a chart of the largest.
const MAX_BARS: usize = 12;

/// Ranges of numbers of roles, each by its largest number, with labels.
const BUCKETS: [(u32, &str); 6] = [
    (0, "none"),
    (1, "1"),
    (2, "2"),
    (4, "3 to 4"),
    (9, "5 to 9"),
    (u32::MAX, "10 or more"),
];

macro_rules! largest {
    ($kind:literal) => {
        concat!(
            "SELECT e.resource_display_name, e.display_name, e.entitlement_id, e.grants FROM entitlements e JOIN resource_types t ON t.resource_type_id = e.resource_type_id WHERE t.trait_kind = '",
            $kind,
            "' ORDER BY e.grants DESC, e.entitlement_id LIMIT 12"
        )
    };
}

/// Counts every chart that the schema allows.
pub(crate) fn charts(model: &Model, schema: ReportSchema) -> Vec<Chart> {
    let role_counts = model.grants_by_person(TraitKind::Role);
    let with_role = |role| schema.attributes.with_role(role).map(|attribute| attribute.key);
    let people = PeopleCharts {
        model,
        schema,
        role_counts: &role_counts,
        user_type: with_role(AttributeRole::UserType)
            .map_or_else(|| "''".to_owned(), |key| format!("coalesce({key}, '')")),
    };
    let mut charts = vec![
        people.accounts(),
        people.of_enabled(
            "mfa",
            "MFA",
            "WHEN mfa_enabled THEN 'MFA' WHEN sso_enabled THEN 'SSO, MFA unknown' WHEN NOT mfa_enabled THEN 'no MFA'",
            mfa,
        ),
        people.by_flag("sign_in", "Sign-in", "sso_enabled", ["identity provider", "local"], |facts| {
            facts.person.sso_enabled
        }),
    ];
    if let Some(key) = with_role(AttributeRole::ManagedByIdentityProvider) {
        charts.push(
            people.by_flag("scim", "Provisioning", key, ["SCIM", "local"], |facts| {
                facts.is_managed
            }),
        );
    }
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
    charts.push(roles_per_person(&role_counts));
    charts.extend(organizations(model, schema));
    charts
}

/// Counts of people by their user type and something else.
struct PeopleCharts<'a> {
    model: &'a Model,
    schema: ReportSchema,
    role_counts: &'a [u32],
    /// SQL for the user type, or for an empty text.
    user_type: String,
}

impl PeopleCharts<'_> {
    fn accounts(&self) -> Chart {
        let invitation = self.schema.attributes.with_role(AttributeRole::Invitation);
        let invitations = invitation.map_or_else(String::new, |attribute| {
            let key = attribute.key;
            format!(
                " WHEN upper({key}) = '{PENDING}' THEN 'invitation pending' WHEN upper({key}) = '{EXPIRED}' THEN 'invitation expired'"
            )
        });
        let sql = format!(
            "SELECT {}, CASE WHEN status = 'disabled' THEN 'disabled'{invitations} WHEN status = 'enabled' THEN 'enabled' ELSE 'unknown' END, count(*) FROM users GROUP BY ALL",
            self.user_type
        );
        self.chart("status", "Accounts", &sql, |facts| Some(state(facts)))
    }

    fn by_flag(
        &self,
        key: &str,
        title: &str,
        column: &str,
        [yes, no]: [&'static str; 2],
        flag: impl Fn(&UserFacts<'_>) -> Option<bool>,
    ) -> Chart {
        let cases = format!("WHEN {column} THEN '{yes}' WHEN NOT {column} THEN '{no}'");
        self.of_enabled(key, title, &cases, |facts| match flag(facts) {
            Some(true) => yes,
            Some(false) => no,
            None => "unknown",
        })
    }

    fn of_enabled(
        &self,
        key: &str,
        title: &str,
        cases: &str,
        group: impl Fn(&UserFacts<'_>) -> &'static str,
    ) -> Chart {
        let sql = format!(
            "SELECT {}, CASE {cases} ELSE 'unknown' END, count(*) FROM users WHERE status = 'enabled' GROUP BY ALL",
            self.user_type
        );
        self.chart(key, title, &sql, |facts| facts.is_enabled().then(|| group(facts)))
    }

    fn chart(
        &self,
        key: &str,
        title: &str,
        sql: &str,
        group: impl Fn(&UserFacts<'_>) -> Option<&'static str>,
    ) -> Chart {
        let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for facts in facts(self.model, self.schema, self.role_counts) {
            if let Some(found) = group(&facts) {
                *counts.entry((facts.user_type, found)).or_default() += 1;
            }
        }
        let rows = counts
            .into_iter()
            .map(|((user_type, found), count)| (vec![user_type.to_owned(), found.to_owned()], count));
        chart(key, title, sql, rows.collect())
    }
}

fn state(facts: &UserFacts<'_>) -> &'static str {
    match (facts.status, facts.invitation.as_str()) {
        ("disabled", _) => "disabled",
        (_, PENDING) => "invitation pending",
        (_, EXPIRED) => "invitation expired",
        ("enabled", _) => "enabled",
        _ => "unknown",
    }
}

/// The MFA state of a user. An identity provider may require MFA without the tenant knowing.
fn mfa(facts: &UserFacts<'_>) -> &'static str {
    match (facts.person.mfa_enabled, facts.person.sso_enabled) {
        (Some(true), _) => "MFA",
        (_, Some(true)) => "SSO, MFA unknown",
        (Some(false), _) => "no MFA",
        (None, _) => "unknown",
    }
}

fn largest(model: &Model, key: &str, title: &str, sql: &str, kind: TraitKind) -> Chart {
    let mut found: Vec<(&Entitlement, &Holders)> = model
        .entitlements
        .iter()
        .zip(&model.holders)
        .filter(|(entitlement, _)| model.is_on(entitlement, kind))
        .collect();
    found.sort_by_key(|(entitlement, holders)| (usize::MAX - holders.principals.len(), &entitlement.id));
    let rows = found.into_iter().take(MAX_BARS).map(|(entitlement, holders)| {
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

/// Customers by their organization, if the adapter declares both.
fn organizations(model: &Model, schema: ReportSchema) -> Option<Chart> {
    let mut types = schema.user_types();
    let (user_type, customers, _) = types.find(|(.., class)| *class == IdentityClass::Customer)?;
    let id = schema.attributes.with_role(AttributeRole::OrganizationId)?.key;
    let name = schema.attributes.with_role(AttributeRole::OrganizationName)?.key;
    let [type_index, id_index, name_index] = [user_type.key, id, name].map(|key| model.attributes.text(key));
    let mut counts: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    for person in &model.people {
        let text = |index| person.text(index).map_or("", |string| model.words.text(string));
        if text(type_index) == customers.value {
            let counted = counts.entry(text(id_index)).or_default();
            counted.0 = counted.0.max(text(name_index));
            counted.1 += 1;
        }
    }
    let mut rows: Vec<_> = counts.into_iter().collect();
    rows.sort_by_key(|(id, (_, count))| (u64::MAX - count, *id));
    let rows = rows
        .into_iter()
        .take(MAX_BARS)
        .map(|(id, (name, count))| (vec![name.to_owned(), id.to_owned()], count));
    let sql = format!(
        "SELECT coalesce(max({name}), ''), coalesce({id}, ''), count(*) FROM users WHERE {} = {} GROUP BY {id} ORDER BY 3 DESC, 2 LIMIT 12",
        user_type.key,
        sql_text(customers.value)
    );
    let title = format!("{} per organization", customers.plural);
    Some(chart("organizations", &title, &sql, rows.collect()))
}

fn chart(key: &str, title: &str, sql: &str, rows: Vec<(Vec<String>, u64)>) -> Chart {
    Chart {
        key: key.into(),
        title: title.into(),
        sql: sql.into(),
        rows,
    }
}
