//! What the commands show of each kind of thing. Names are those of the dataset's tables (docs/DATASET.md), so that who knows one
//! knows the other.

use access_core::explore::{attribute, email, flag, login};
use access_core::model::{
    AccountType, AttributeType, BoundedText, EntitlementId, Purpose, Resource, ResourceTypeId, Trait,
    UserAttribute, UserAttributes, UserTrait,
};
use access_core::ports::{EntitlementFacts, Holding, TypeFacts};

use super::sheet::{Cell, Column, data, people, shown};

/// A column of users that is there whatever is declared, with the field id that it has in the table `users`.
type UserColumn = (i32, Column, fn(&Resource) -> Cell);

const USER_COLUMNS: [UserColumn; 12] = [
    (4, data("resource_type_id"), |row| {
        Cell::text(&row.id.resource_type)
    }),
    (5, shown("user_id", "id"), |row| Cell::text(&row.id.id)),
    (5, shown("display_name", "name"), |row| {
        Cell::text(&row.display_name)
    }),
    (6, shown("login", "login"), |row| {
        Cell::text_or_nothing(login(row))
    }),
    (7, data("email"), |row| Cell::text_or_nothing(email(row))),
    (9, data("first_name"), |row| {
        let given = user(row).and_then(|user| user.name.as_ref()?.given.as_deref());
        Cell::text_or_nothing(given.or(attribute(&row.profile, "first_name")))
    }),
    (10, data("last_name"), |row| {
        let family = user(row).and_then(|user| user.name.as_ref()?.family.as_deref());
        Cell::text_or_nothing(family.or(attribute(&row.profile, "last_name")))
    }),
    (12, shown("status", "status"), |row| {
        Cell::text_or_nothing(row.status.as_ref().map(|status| status.state.as_str()))
    }),
    (13, shown("status_detail", "detail"), |row| {
        Cell::text_or_nothing(row.status.as_ref().and_then(|status| status.detail.as_deref()))
    }),
    (14, data("account_type"), |row| {
        Cell::text(
            user(row)
                .map_or(AccountType::Unspecified, |user| user.account_type)
                .as_str(),
        )
    }),
    (18, shown("mfa_enabled", "mfa"), |row| {
        Cell::flag_or_nothing(user(row).and_then(|user| user.mfa_enabled))
    }),
    (19, shown("sso_enabled", "sso"), |row| {
        Cell::flag_or_nothing(user(row).and_then(|user| user.sso_enabled))
    }),
];

fn user(row: &Resource) -> Option<&UserTrait> {
    match &row.kind {
        Trait::User(user) => Some(user),
        _ => None,
    }
}

/// Users, as in the table `users`: the columns, and what they show of a user.
pub(crate) struct Users {
    /// The columns.
    pub(crate) columns: Vec<Column>,
    cells: Vec<UserCell>,
}

enum UserCell {
    Own(fn(&Resource) -> Cell),
    Attribute(&'static UserAttribute),
}

impl Users {
    /// With the attributes that are declared.
    pub(crate) fn new(attributes: UserAttributes) -> Self {
        let own = USER_COLUMNS.map(|(place, column, cell)| (place, column, UserCell::Own(cell)));
        let declared = attributes.columns().map(|(attribute, place)| {
            let column = match attribute.heading {
                Some(heading) => shown(attribute.key, heading),
                None => data(attribute.key),
            };
            (place, column, UserCell::Attribute(attribute))
        });
        let mut all: Vec<(i32, Column, UserCell)> = own.into_iter().chain(declared).collect();
        all.sort_by_key(|(place, ..)| *place);
        let (columns, cells) = all.into_iter().map(|(_, column, cell)| (column, cell)).unzip();
        Self { columns, cells }
    }

    /// A user.
    pub(crate) fn row(&self, row: &Resource) -> Vec<Cell> {
        let cells = self.cells.iter().map(|cell| match cell {
            UserCell::Own(cell) => cell(row),
            UserCell::Attribute(declared) => match declared.attribute_type {
                AttributeType::Flag => Cell::flag_or_nothing(flag(&row.profile, declared.key)),
                AttributeType::Text | AttributeType::Word => {
                    Cell::text_or_nothing(attribute(&row.profile, declared.key))
                }
            },
        });
        cells.collect()
    }
}

/// Things that hold entitlements.
pub(crate) const ROLES: &[Column] = &[
    shown("resource_type_id", "type"),
    shown("resource_id", "id"),
    shown("display_name", "name"),
    shown("entitlements", "entitlements"),
    shown("grants", "grants"),
    shown("description", "description"),
];

/// A role, with what can be held on it and how often it is.
pub(crate) fn role(row: &Resource, entitlements: u64, grants: u64) -> Vec<Cell> {
    vec![
        Cell::text(&row.id.resource_type),
        Cell::text(&row.id.id),
        Cell::text(&row.display_name),
        Cell::Count(entitlements),
        Cell::Count(grants),
        Cell::text_or_nothing(row.description.as_ref()),
    ]
}

/// Entitlements, as in the table `entitlements`.
pub(crate) const ENTITLEMENTS: &[Column] = &[
    shown("entitlement_id", "id"),
    data("resource_type_id"),
    data("resource_id"),
    shown("resource_display_name", "on"),
    data("slug"),
    shown("display_name", "name"),
    data("description"),
    shown("purpose", "purpose"),
    data("grantable_to"),
    shown("immutable", "immutable"),
    shown("grants", "grants"),
];

/// An entitlement and how many hold it.
pub(crate) fn entitlement(row: &EntitlementFacts, grants: u64) -> Vec<Cell> {
    let held = &row.entitlement;
    let kinds = held.grantable_to.iter().map(ResourceTypeId::to_string);
    vec![
        Cell::text(&held.id),
        Cell::text(&held.resource.resource_type),
        Cell::text(&held.resource.id),
        Cell::text_or_nothing(row.resource_name.as_ref()),
        Cell::text(&held.slug),
        Cell::text(&held.display_name),
        Cell::text_or_nothing(held.description.as_ref()),
        Cell::text(Purpose::as_str(held.purpose)),
        Cell::List(kinds.collect()),
        Cell::Flag(held.immutable),
        Cell::Count(grants),
    ]
}

macro_rules! holdings {
    ($($name:ident: $held:ident, $resource:ident, $id:ident, $principal:ident, $login:ident;)*) => {
        $(
            /// Grants, as in the table `grants`.
            pub(crate) const $name: &[Column] = &[
                data("grant_id"),
                data("entitlement_id"),
                data("entitlement_slug"),
                holdings!(@ $held "entitlement_display_name", "holds"),
                data("resource_type_id"),
                data("resource_id"),
                holdings!(@ $resource "resource_display_name", "on"),
                holdings!(@@ $id "id"),
                data("principal_type_id"),
                data("principal_id"),
                holdings!(@ $principal "principal_display_name", "who"),
                holdings!(@ $login "principal_login", "login"),
                data("immutable"),
                data("is_direct"),
                data("sources"),
                people("how"),
            ];
        )*
    };
    (@ yes $name:literal, $heading:literal) => { shown($name, $heading) };
    (@ no $name:literal, $heading:literal) => { data($name) };
    (@@ yes $heading:literal) => { people($heading) };
    (@@ no $heading:literal) => { Column { name: None, heading: None } };
}

holdings! {
    GRANTS: yes, yes, yes, yes, yes;
    ACCESS: yes, yes, no, no, no;
    WHO: no, no, yes, yes, yes;
}

/// A grant, and in words how it is held.
pub(crate) fn grant(row: &Holding, how: String) -> Vec<Cell> {
    let held = row.held.as_ref();
    vec![
        Cell::text(&row.id),
        Cell::text(&row.entitlement),
        Cell::text_or_nothing(held.map(|held| &held.slug)),
        // What is not listed has no name but its id.
        Cell::text(held.map_or(row.entitlement.as_str(), |held| held.display_name.as_str())),
        Cell::text_or_nothing(held.map(|held| &held.resource.resource_type)),
        Cell::text_or_nothing(held.map(|held| &held.resource.id)),
        Cell::text_or_nothing(held.and_then(|held| held.resource_name.as_ref())),
        Cell::text(&row.principal),
        Cell::text(&row.principal.resource_type),
        Cell::text(&row.principal.id),
        Cell::text_or_nothing(row.principal_name.as_ref()),
        Cell::text_or_nothing(row.principal_login.as_deref()),
        Cell::flag_or_nothing(held.map(|held| held.immutable)),
        Cell::Flag(row.direct),
        Cell::List(row.sources.iter().map(EntitlementId::to_string).collect()),
        Cell::Text(how),
    ]
}

/// Kinds of things.
pub(crate) const TYPES: &[Column] = &[
    shown("resource_type_id", "type"),
    shown("display_name", "name"),
    data("trait_kind"),
    shown("resources", "resources"),
    shown("entitlements", "entitlements"),
    shown("grants", "grants"),
    shown("complete", "complete"),
    data("incomplete_reason"),
];

/// A kind of thing, counted.
pub(crate) fn kind(row: &TypeFacts) -> Vec<Cell> {
    use access_core::model::Completeness;

    let (complete, reason) = match &row.completeness {
        None => (None, None),
        Some(Completeness::Complete) => (Some(true), None),
        Some(Completeness::Incomplete { reason }) => (Some(false), Some(reason.as_str())),
    };
    vec![
        Cell::text(&row.resource_type.id),
        Cell::text(BoundedText::as_str(&row.resource_type.display_name)),
        Cell::text(row.resource_type.kind.as_str()),
        Cell::Count(row.resources),
        Cell::Count(row.entitlements),
        Cell::Count(row.grants),
        Cell::flag_or_nothing(complete),
        Cell::text_or_nothing(reason),
    ]
}

/// Syncs.
pub(crate) const SYNCS: &[Column] = &[
    shown("sync_id", "sync"),
    shown("sync_type", "type"),
    shown("started_at", "began"),
    shown("ended_at", "ended"),
    shown("latest", "latest"),
    shown("resources", "resources"),
    shown("entitlements", "entitlements"),
    shown("grants", "grants"),
];
