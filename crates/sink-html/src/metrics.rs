//! The numbers of the overview. Each is counted here, and says the query over the dataset that gives the same: tests run that
//! query, and the page shows it.

use access_core::model::TraitKind;
use serde::{Deserialize, Serialize};

use crate::model::Model;
use crate::users::Flag;
use crate::users::Person;
use crate::users::Shared;

/// A number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) key: Box<str>,
    pub(crate) label: Box<str>,
    pub(crate) meaning: Box<str>,
    /// For `DuckDB`, over the tables of docs/reference/dataset.md with the rows of this sync.
    pub(crate) sql: Box<str>,
    /// Where in the page the rows are that it counts.
    pub(crate) link: Box<str>,
    pub(crate) value: u64,
}

struct Definition {
    key: &'static str,
    label: &'static str,
    meaning: &'static str,
    sql: &'static str,
    link: &'static str,
    count: Count,
}

enum Count {
    /// People of whom this is so; the second argument is how many roles they hold.
    People(fn(&UserFacts<'_>) -> bool),
    All(fn(&Model) -> u64),
}

/// A person with what is asked of her.
pub(crate) struct UserFacts<'a> {
    pub(crate) person: &'a Person,
    pub(crate) status: &'a str,
    /// In capitals.
    pub(crate) invitation: String,
    pub(crate) user_type: &'a str,
    roles: u32,
}

impl UserFacts<'_> {
    fn is(&self, flag: Flag) -> bool {
        self.person.flag(flag) == Some(true)
    }

    fn is_not(&self, flag: Flag) -> bool {
        self.person.flag(flag) == Some(false)
    }

    /// No MFA, as far as the tenant knows, and no identity provider that could ask for it.
    pub(crate) fn is_without_mfa(&self) -> bool {
        self.is_not(Flag::Mfa) && !self.is(Flag::Sso)
    }

    pub(crate) fn enabled(&self) -> bool {
        self.status == "enabled"
    }
}

/// Roles, and who holds them, as a table that queries can use.
macro_rules! role_grants {
    () => {
        "(SELECT g.* FROM grants g JOIN resource_types t ON t.resource_type_id = g.resource_type_id WHERE t.trait_kind = 'role')"
    };
}

macro_rules! holds_a_role {
    () => {
        concat!(
            "EXISTS (SELECT 1 FROM ",
            role_grants!(),
            " r WHERE r.principal_type_id = u.resource_type_id AND r.principal_id = u.user_id)"
        )
    };
}

const FIGURES: [Definition; 19] = [
    Definition {
        key: "people",
        label: "People",
        meaning: "All accounts, enabled or not",
        sql: "SELECT count(*) FROM users",
        link: "#/people",
        count: Count::People(|_| true),
    },
    Definition {
        key: "technicians",
        label: "Technicians",
        meaning: "Accounts of technicians, enabled or not",
        sql: "SELECT count(*) FROM users WHERE user_type = 'TECHNICIAN'",
        link: "#/people?kind=TECHNICIAN",
        count: Count::People(|facts| facts.user_type == "TECHNICIAN"),
    },
    Definition {
        key: "end_users",
        label: "End users",
        meaning: "Accounts of end users, enabled or not",
        sql: "SELECT count(*) FROM users WHERE user_type = 'END_USER'",
        link: "#/people?kind=END_USER",
        count: Count::People(|facts| facts.user_type == "END_USER"),
    },
    Definition {
        key: "roles",
        label: "Roles",
        meaning: "Roles that can be assigned",
        sql: "SELECT count(*) FROM resources r JOIN resource_types t ON t.resource_type_id = r.resource_type_id WHERE t.trait_kind = 'role'",
        link: "#/access?on=role",
        count: Count::All(|model| {
            let roles = model.kinds.iter().filter(|kind| kind.is(TraitKind::Role));
            roles.map(|kind| kind.resources).sum()
        }),
    },
    Definition {
        key: "role_grants",
        label: "Role assignments",
        meaning: "One for each person and role",
        sql: concat!("SELECT count(*) FROM ", role_grants!()),
        link: "#/access?on=role",
        count: Count::All(|model| {
            let pairs = model.entitlements.iter().zip(&model.holders);
            let roles = pairs.filter(|(entitlement, _)| model.is_on(entitlement, TraitKind::Role));
            roles.map(|(_, holders)| holders.principals.len() as u64).sum()
        }),
    },
    Definition {
        key: "grants",
        label: "Assignments",
        meaning: "Roles, memberships and permissions that somebody has",
        sql: "SELECT count(*) FROM grants",
        link: "#/access",
        count: Count::All(Model::grants),
    },
    Definition {
        key: "administrators",
        label: "System administrators",
        meaning: "People with full rights over the tenant, whatever their roles",
        sql: "SELECT count(*) FROM users WHERE administrator",
        link: "#/people?administrator=yes",
        count: Count::People(|facts| facts.is(Flag::Administrator)),
    },
    Definition {
        key: "all_organizations",
        label: "See every organization",
        meaning: "People who may see every organization, administrators among them",
        sql: "SELECT count(*) FROM users WHERE permit_all_clients",
        link: "#/people?permit_all_clients=yes",
        count: Count::People(|facts| facts.is(Flag::AllOrganizations)),
    },
    Definition {
        key: "enabled",
        label: "Enabled people",
        meaning: "People whose account is enabled",
        sql: "SELECT count(*) FROM users WHERE status = 'enabled'",
        link: "#/people?status=enabled",
        count: Count::People(|facts| facts.status == "enabled"),
    },
    Definition {
        key: "mfa_on",
        label: "With MFA",
        meaning: "Enabled people who have set up MFA in this tenant",
        sql: "SELECT count(*) FROM users WHERE status = 'enabled' AND mfa_enabled",
        link: "#/people?status=enabled&mfa_enabled=yes",
        count: Count::People(|facts| facts.enabled() && facts.is(Flag::Mfa)),
    },
    Definition {
        key: "administrators_without_mfa",
        label: "Administrators without MFA",
        meaning: "Enabled people with full rights, a local sign-in and no MFA",
        sql: "SELECT count(*) FROM users WHERE administrator AND status = 'enabled' AND mfa_enabled = false AND sso_enabled IS NOT TRUE",
        link: "#/people?administrator=yes&status=enabled&mfa_enabled=no",
        count: Count::People(|facts| {
            facts.is(Flag::Administrator) && facts.enabled() && facts.is_without_mfa()
        }),
    },
    Definition {
        key: "technicians_without_mfa",
        label: "Technicians without MFA",
        meaning: "Enabled technicians with a local sign-in and no MFA",
        sql: "SELECT count(*) FROM users WHERE user_type = 'TECHNICIAN' AND status = 'enabled' AND mfa_enabled = false AND sso_enabled IS NOT TRUE",
        link: "#/people?kind=TECHNICIAN&status=enabled&mfa_enabled=no",
        count: Count::People(|facts| {
            facts.user_type == "TECHNICIAN" && facts.enabled() && facts.is_without_mfa()
        }),
    },
    Definition {
        key: "disabled_with_roles",
        label: "Disabled people who still have roles",
        meaning: "Their access comes back the moment somebody enables the account",
        sql: concat!(
            "SELECT count(*) FROM users u WHERE u.status = 'disabled' AND ",
            holds_a_role!()
        ),
        link: "#/people?status=disabled&roles=some",
        count: Count::People(|facts| facts.status == "disabled" && facts.roles > 0),
    },
    Definition {
        key: "pending_invitations",
        label: "Invitations pending",
        meaning: "People who were invited and have not answered",
        sql: "SELECT count(*) FROM users WHERE upper(invitation_status) = 'PENDING'",
        link: "#/people?invitation=PENDING",
        count: Count::People(|facts| facts.invitation == "PENDING"),
    },
    Definition {
        key: "expired_invitations",
        label: "Invitations expired",
        meaning: "People whose invitation ran out before they answered",
        sql: "SELECT count(*) FROM users WHERE upper(invitation_status) = 'EXPIRED'",
        link: "#/people?invitation=EXPIRED",
        count: Count::People(|facts| facts.invitation == "EXPIRED"),
    },
    Definition {
        key: "technicians_outside_identity_provider",
        label: "Technicians with roles and a local sign-in",
        meaning: "Enabled technicians who have roles and do not sign in through the identity provider",
        sql: concat!(
            "SELECT count(*) FROM users u WHERE u.user_type = 'TECHNICIAN' AND u.status = 'enabled' AND u.sso_enabled = false AND ",
            holds_a_role!()
        ),
        link: "#/people?kind=TECHNICIAN&status=enabled&sso_enabled=no&roles=some",
        count: Count::People(|facts| {
            facts.user_type == "TECHNICIAN" && facts.enabled() && facts.is_not(Flag::Sso) && facts.roles > 0
        }),
    },
    Definition {
        key: "end_users_outside_identity_provider",
        label: "End users with roles and a local sign-in",
        meaning: "Enabled end users who have roles and do not sign in through the identity provider",
        sql: concat!(
            "SELECT count(*) FROM users u WHERE u.user_type = 'END_USER' AND u.status = 'enabled' AND u.sso_enabled = false AND ",
            holds_a_role!()
        ),
        link: "#/people?kind=END_USER&status=enabled&sso_enabled=no&roles=some",
        count: Count::People(|facts| {
            facts.user_type == "END_USER" && facts.enabled() && facts.is_not(Flag::Sso) && facts.roles > 0
        }),
    },
    Definition {
        key: "end_users_without_mfa",
        label: "End users with roles and without MFA",
        meaning: "Enabled end users with roles, a local sign-in and no MFA",
        sql: concat!(
            "SELECT count(*) FROM users u WHERE u.user_type = 'END_USER' AND u.status = 'enabled' AND u.mfa_enabled = false AND u.sso_enabled IS NOT TRUE AND ",
            holds_a_role!()
        ),
        link: "#/people?kind=END_USER&status=enabled&mfa_enabled=no&roles=some",
        count: Count::People(|facts| {
            facts.user_type == "END_USER" && facts.enabled() && facts.is_without_mfa() && facts.roles > 0
        }),
    },
    Definition {
        key: "full_portal",
        label: "Full portal access",
        meaning: "People with full access to the end-user portal",
        sql: "SELECT count(*) FROM users WHERE full_portal_access",
        link: "#/people?full_portal_access=yes",
        count: Count::People(|facts| facts.is(Flag::FullPortal)),
    },
];

/// Counts them all.
pub(crate) fn figures(model: &Model) -> Vec<Figure> {
    let roles = model.held_by_people(TraitKind::Role);
    let mut counts = [0_u64; FIGURES.len()];
    for facts in facts(model, &roles) {
        for (count, definition) in counts.iter_mut().zip(&FIGURES) {
            if let Count::People(holds) = definition.count {
                *count += u64::from(holds(&facts));
            }
        }
    }
    let counted = FIGURES.iter().zip(counts);
    counted
        .map(|(definition, people)| Figure {
            key: definition.key.into(),
            label: definition.label.into(),
            meaning: definition.meaning.into(),
            sql: definition.sql.into(),
            link: definition.link.into(),
            value: match definition.count {
                Count::People(_) => people,
                Count::All(count) => count(model),
            },
        })
        .collect()
}

/// Everybody, with how many roles each holds.
pub(crate) fn facts<'a>(model: &'a Model, roles: &'a [u32]) -> impl Iterator<Item = UserFacts<'a>> {
    model.people.iter().zip(roles).map(|(person, roles)| {
        let text = |which| person.shared(which).map_or("", |word| model.words.text(word));
        UserFacts {
            person,
            status: text(Shared::Status),
            invitation: text(Shared::Invitation).to_uppercase(),
            user_type: text(Shared::UserType),
            roles: *roles,
        }
    })
}
