//! The figures of the overview. Each is counted here, and has the query over the dataset that gives the same number: tests run that
//! query, and the page shows it.

use access_core::model::{
    AttributeRole, AttributeValue, IdentityClass, ReportSchema, TraitKind, UserAttribute,
};
use serde::{Deserialize, Serialize};

use crate::model::Model;
use crate::users::Person;

/// A figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) key: Box<str>,
    pub(crate) label: Box<str>,
    pub(crate) meaning: Box<str>,
    /// For `DuckDB`, over the tables of docs/reference/dataset.md with the rows of this sync.
    pub(crate) sql: Box<str>,
    /// The view of the page with the rows that it counts.
    pub(crate) link: Box<str>,
    pub(crate) value: u64,
    /// How much harm each that is counted can do; zero if it is no finding.
    #[serde(default)]
    pub(crate) harm: u32,
    /// Whether the trend has it.
    #[serde(default)]
    pub(crate) in_trend: bool,
}

/// Harm of a finding, relative to an invitation that is pending. Weak sign-ins of customers count for less than those of the
/// workforce.
mod harm {
    pub(super) const ADMINISTRATOR_WITHOUT_MFA: u32 = 2000;
    pub(super) const WORKFORCE_WITHOUT_MFA: u32 = 200;
    pub(super) const DISABLED_WITH_ROLES: u32 = 40;
    pub(super) const WORKFORCE_OUTSIDE_IDENTITY_PROVIDER: u32 = 20;
    pub(super) const EXPIRED_INVITATION: u32 = 10;
    pub(super) const CUSTOMER_WITHOUT_MFA: u32 = 4;
    pub(super) const PENDING_INVITATION: u32 = 2;
    pub(super) const CUSTOMER_OUTSIDE_IDENTITY_PROVIDER: u32 = 1;
}

struct Definition {
    key: String,
    label: String,
    meaning: String,
    sql: String,
    link: String,
    harm: u32,
    in_trend: bool,
    count: Count,
}

enum Count {
    /// People who match.
    People(Box<dyn Fn(&UserFacts<'_>) -> bool>),
    Model(fn(&Model) -> u64),
}

/// A person with what figures and charts ask about.
pub(crate) struct UserFacts<'a> {
    pub(crate) person: &'a Person,
    pub(crate) status: &'a str,
    /// In capitals.
    pub(crate) invitation: String,
    pub(crate) user_type: &'a str,
    pub(crate) is_administrator: bool,
    pub(crate) is_managed: Option<bool>,
    role_count: u32,
}

impl UserFacts<'_> {
    /// No MFA, as far as the tenant knows, and no identity provider that could ask for it.
    fn is_without_mfa(&self) -> bool {
        self.person.mfa_enabled == Some(false) && self.person.sso_enabled != Some(true)
    }

    fn signs_in_locally(&self) -> bool {
        self.person.sso_enabled == Some(false)
    }

    fn has_roles(&self) -> bool {
        self.role_count > 0
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.status == "enabled"
    }
}

/// The grants of roles, as a table for queries.
macro_rules! role_grants {
    () => {
        "(SELECT g.* FROM grants g JOIN resource_types t ON t.resource_type_id = g.resource_type_id WHERE t.trait_kind = 'role')"
    };
}

macro_rules! has_a_role {
    () => {
        concat!(
            "EXISTS (SELECT 1 FROM ",
            role_grants!(),
            " r WHERE r.principal_type_id = u.resource_type_id AND r.principal_id = u.user_id)"
        )
    };
}

/// SQL for [`UserFacts::is_without_mfa`].
const WITHOUT_MFA: &str = "mfa_enabled = false AND sso_enabled IS NOT TRUE";

impl Definition {
    fn people(key: &str, [label, meaning]: [&str; 2], sql: &str, link: &str) -> Self {
        Self {
            key: key.to_owned(),
            label: label.to_owned(),
            meaning: meaning.to_owned(),
            sql: sql.to_owned(),
            link: link.to_owned(),
            harm: 0,
            in_trend: false,
            count: Count::People(Box::new(|_| true)),
        }
    }

    fn counting(self, matches: impl Fn(&UserFacts<'_>) -> bool + 'static) -> Self {
        Self {
            count: Count::People(Box::new(matches)),
            ..self
        }
    }

    fn of_model(self, count: fn(&Model) -> u64) -> Self {
        Self {
            count: Count::Model(count),
            ..self
        }
    }

    fn harm(self, harm: u32) -> Self {
        Self { harm, ..self }
    }

    fn in_trend(self) -> Self {
        Self {
            in_trend: true,
            ..self
        }
    }
}

/// Every figure that the schema allows, in the order of the report.
fn definitions(model: &Model, schema: ReportSchema) -> Vec<Definition> {
    let mut definitions = vec![
        Definition::people(
            "people",
            ["People", "All accounts, enabled or not"],
            "SELECT count(*) FROM users",
            "#/people",
        )
        .in_trend(),
    ];
    let types: Vec<UserType> = schema.user_types().map(UserType::new).collect();
    definitions.extend(types.iter().map(UserType::all));
    definitions.extend(of_access());
    definitions.extend(counted_attributes(model, schema));
    definitions.extend(of_sign_in(schema));
    let workforce = types.iter().filter(|user_type| user_type.is_workforce);
    definitions.extend(workforce.map(UserType::workforce_without_mfa));
    definitions.push(
        Definition::people(
            "disabled_with_roles",
            [
                "Disabled people who still have roles",
                "Their access comes back the moment somebody enables the account",
            ],
            concat!(
                "SELECT count(*) FROM users u WHERE u.status = 'disabled' AND ",
                has_a_role!()
            ),
            "#/people?status=disabled&roles=some",
        )
        .counting(|facts| facts.status == "disabled" && facts.has_roles())
        .harm(harm::DISABLED_WITH_ROLES)
        .in_trend(),
    );
    definitions.extend(of_invitations(schema));
    definitions.extend(types.iter().map(UserType::outside_identity_provider));
    let customers = types.iter().filter(|user_type| !user_type.is_workforce);
    definitions.extend(customers.map(UserType::customers_without_mfa));
    definitions
}

fn of_access() -> [Definition; 3] {
    [
        Definition::people(
            "roles",
            ["Roles", "Roles that can be assigned"],
            "SELECT count(*) FROM resources r JOIN resource_types t ON t.resource_type_id = r.resource_type_id WHERE t.trait_kind = 'role'",
            "#/access?on=role",
        )
        .of_model(|model| {
            let roles = model.kinds.iter().filter(|kind| kind.is(TraitKind::Role));
            roles.map(|kind| kind.resources).sum()
        }),
        Definition::people(
            "role_grants",
            ["Role assignments", "One for each person and role"],
            concat!("SELECT count(*) FROM ", role_grants!()),
            "#/access?on=role",
        )
        .of_model(|model| {
            let pairs = model.entitlements.iter().zip(&model.holders);
            let roles = pairs.filter(|(entitlement, _)| model.is_on(entitlement, TraitKind::Role));
            roles.map(|(_, holders)| holders.principals.len() as u64).sum()
        }),
        Definition::people(
            "grants",
            ["Assignments", "Roles, memberships and permissions that somebody has"],
            "SELECT count(*) FROM grants",
            "#/access",
        )
        .of_model(Model::grants)
        .in_trend(),
    ]
}

/// The flags that the adapter wants counted.
fn counted_attributes(model: &Model, schema: ReportSchema) -> impl Iterator<Item = Definition> {
    schema.attributes.reported().filter_map(|attribute| {
        let figure = attribute.figure?;
        let (key, index) = (attribute.key, model.attributes.flag(attribute.key));
        let definition = Definition::people(
            figure.key,
            [figure.label, figure.meaning],
            &format!("SELECT count(*) FROM users WHERE {key}"),
            &format!("#/people?{key}=yes"),
        )
        .counting(move |facts| facts.person.flag(index) == Some(true));
        let is_administrator = attribute.role == Some(AttributeRole::Administrator);
        Some(if is_administrator {
            definition.in_trend()
        } else {
            definition
        })
    })
}

fn of_sign_in(schema: ReportSchema) -> Vec<Definition> {
    let mut definitions = vec![
        Definition::people(
            "enabled",
            ["Enabled people", "People whose account is enabled"],
            "SELECT count(*) FROM users WHERE status = 'enabled'",
            "#/people?status=enabled",
        )
        .counting(|facts| facts.status == "enabled"),
        Definition::people(
            "mfa_on",
            ["With MFA", "Enabled people who have set up MFA in this tenant"],
            "SELECT count(*) FROM users WHERE status = 'enabled' AND mfa_enabled",
            "#/people?status=enabled&mfa_enabled=yes",
        )
        .counting(|facts| facts.is_enabled() && facts.person.mfa_enabled == Some(true)),
    ];
    if let Some(attribute) = schema.attributes.with_role(AttributeRole::Administrator) {
        let key = attribute.key;
        definitions.push(
            Definition::people(
                "administrators_without_mfa",
                [
                    "Administrators without MFA",
                    "Enabled people with full rights, a local sign-in and no MFA",
                ],
                &format!("SELECT count(*) FROM users WHERE {key} AND status = 'enabled' AND {WITHOUT_MFA}"),
                &format!("#/people?{key}=yes&status=enabled&mfa_enabled=no"),
            )
            .counting(|facts| facts.is_administrator && facts.is_enabled() && facts.is_without_mfa())
            .harm(harm::ADMINISTRATOR_WITHOUT_MFA)
            .in_trend(),
        );
    }
    definitions
}

fn of_invitations(schema: ReportSchema) -> Vec<Definition> {
    let Some(attribute) = schema.attributes.with_role(AttributeRole::Invitation) else {
        return Vec::new();
    };
    let invitation = |name: &str, state: &'static str, meaning: &str| {
        Definition::people(
            &format!("{name}_invitations"),
            [&format!("Invitations {name}"), meaning],
            &format!(
                "SELECT count(*) FROM users WHERE upper({}) = '{state}'",
                attribute.key
            ),
            &format!("#/people?invitation={state}"),
        )
        .counting(move |facts| facts.invitation == state)
    };
    vec![
        invitation(
            "pending",
            PENDING,
            "People who were invited and have not answered",
        )
        .harm(harm::PENDING_INVITATION)
        .in_trend(),
        invitation(
            "expired",
            EXPIRED,
            "People whose invitation ran out before they answered",
        )
        .harm(harm::EXPIRED_INVITATION),
    ]
}

/// An invitation that nobody has answered yet.
pub(crate) const PENDING: &str = "PENDING";

/// An invitation that nobody answered in time.
pub(crate) const EXPIRED: &str = "EXPIRED";

/// A user type whose accounts are counted separately.
struct UserType {
    value: &'static str,
    plural: &'static str,
    is_workforce: bool,
    /// SQL for "is of this type".
    sql: String,
    /// The filter of the page for this type.
    filter: String,
}

impl UserType {
    fn new((attribute, value, class): (&UserAttribute, &'static AttributeValue, IdentityClass)) -> Self {
        Self {
            value: value.value,
            plural: value.plural,
            is_workforce: class == IdentityClass::Workforce,
            sql: format!("{} = {}", attribute.key, sql_text(value.value)),
            filter: format!("#/people?kind={}", value.value),
        }
    }

    /// Its name within a sentence, e.g. `service accounts`.
    fn plural_in_text(&self) -> String {
        self.plural.to_lowercase()
    }

    /// Its name within the key of a figure, e.g. `service_accounts`.
    fn key(&self) -> String {
        self.plural_in_text().replace(' ', "_")
    }

    fn all(&self) -> Definition {
        let value = self.value;
        Definition::people(
            &self.key(),
            [
                self.plural,
                &format!("Accounts of {}, enabled or not", self.plural_in_text()),
            ],
            &format!("SELECT count(*) FROM users WHERE {}", self.sql),
            &self.filter,
        )
        .counting(move |facts| facts.user_type == value)
    }

    fn workforce_without_mfa(&self) -> Definition {
        let value = self.value;
        Definition::people(
            &format!("{}_without_mfa", self.key()),
            [
                &format!("{} without MFA", self.plural),
                &format!(
                    "Enabled {} with a local sign-in and no MFA",
                    self.plural_in_text()
                ),
            ],
            &format!(
                "SELECT count(*) FROM users WHERE {} AND status = 'enabled' AND {WITHOUT_MFA}",
                self.sql
            ),
            &format!("{}&status=enabled&mfa_enabled=no", self.filter),
        )
        .counting(move |facts| facts.user_type == value && facts.is_enabled() && facts.is_without_mfa())
        .harm(harm::WORKFORCE_WITHOUT_MFA)
        .in_trend()
    }

    /// Those without MFA who have roles: customers without any can do little harm.
    fn customers_without_mfa(&self) -> Definition {
        let value = self.value;
        Definition::people(
            &format!("{}_without_mfa", self.key()),
            [
                &format!("{} with roles and without MFA", self.plural),
                &format!(
                    "Enabled {} with roles, a local sign-in and no MFA",
                    self.plural_in_text()
                ),
            ],
            &format!(
                "SELECT count(*) FROM users u WHERE u.{} AND u.status = 'enabled' AND u.mfa_enabled = false AND u.sso_enabled IS NOT TRUE AND {}",
                self.sql,
                has_a_role!()
            ),
            &format!("{}&status=enabled&mfa_enabled=no&roles=some", self.filter),
        )
        .counting(move |facts| {
            facts.user_type == value && facts.is_enabled() && facts.is_without_mfa() && facts.has_roles()
        })
        .harm(harm::CUSTOMER_WITHOUT_MFA)
    }

    fn outside_identity_provider(&self) -> Definition {
        let value = self.value;
        Definition::people(
            &format!("{}_outside_identity_provider", self.key()),
            [
                &format!("{} with roles and a local sign-in", self.plural),
                &format!(
                    "Enabled {} who have roles and do not sign in through the identity provider",
                    self.plural_in_text()
                ),
            ],
            &format!(
                "SELECT count(*) FROM users u WHERE u.{} AND u.status = 'enabled' AND u.sso_enabled = false AND {}",
                self.sql,
                has_a_role!()
            ),
            &format!("{}&status=enabled&sso_enabled=no&roles=some", self.filter),
        )
        .counting(move |facts| {
            facts.user_type == value && facts.is_enabled() && facts.signs_in_locally() && facts.has_roles()
        })
        .harm(if self.is_workforce {
            harm::WORKFORCE_OUTSIDE_IDENTITY_PROVIDER
        } else {
            harm::CUSTOMER_OUTSIDE_IDENTITY_PROVIDER
        })
    }
}

/// A text as SQL.
pub(crate) fn sql_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Counts all figures.
pub(crate) fn figures(model: &Model, schema: ReportSchema) -> Vec<Figure> {
    let role_counts = model.grants_by_person(TraitKind::Role);
    let definitions = definitions(model, schema);
    let mut counts = vec![0_u64; definitions.len()];
    for facts in facts(model, schema, &role_counts) {
        for (count, definition) in counts.iter_mut().zip(&definitions) {
            if let Count::People(matches) = &definition.count {
                *count += u64::from(matches(&facts));
            }
        }
    }
    let figures = definitions.into_iter().zip(counts);
    figures
        .map(|(definition, people)| Figure {
            key: definition.key.into(),
            label: definition.label.into(),
            meaning: definition.meaning.into(),
            sql: definition.sql.into(),
            link: definition.link.into(),
            value: match definition.count {
                Count::People(_) => people,
                Count::Model(count) => count(model),
            },
            harm: definition.harm,
            in_trend: definition.in_trend,
        })
        .collect()
}

/// All people with their facts; `role_counts` are the numbers of their roles.
pub(crate) fn facts<'a>(
    model: &'a Model,
    schema: ReportSchema,
    role_counts: &'a [u32],
) -> impl Iterator<Item = UserFacts<'a>> {
    let key = move |role| schema.attributes.with_role(role).map(|attribute| attribute.key);
    let text = |role| key(role).and_then(|key| model.attributes.text(key));
    let flag = |role| key(role).and_then(|key| model.attributes.flag(key));
    let (user_type, invitation) = (text(AttributeRole::UserType), text(AttributeRole::Invitation));
    let administrator = flag(AttributeRole::Administrator);
    let managed = flag(AttributeRole::ManagedByIdentityProvider);
    let people = model.people.iter().zip(role_counts);
    people.map(move |(person, role_count)| {
        let text = |string: Option<_>| string.map_or("", |string| model.words.text(string));
        UserFacts {
            person,
            status: text(person.status),
            invitation: text(person.text(invitation)).to_uppercase(),
            user_type: text(person.text(user_type)),
            is_administrator: person.flag(administrator) == Some(true),
            is_managed: person.flag(managed),
            role_count: *role_count,
        }
    })
}
