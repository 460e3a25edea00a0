//! The columns of each list. Their names are those of the dataset's tables (docs/reference/dataset.md).

use access_core::model::{
    AccountType, AttributeType, BoundedText, EntitlementId, Purpose, Resource, ResourceTrait, ResourceTypeId,
    UserAttribute, UserAttributes, UserTrait,
};
use access_core::ports::{EffectiveGrant, EntitlementInfo, ResourceTypeStats};
use access_core::query::{attribute, email, flag, login};

use crate::output::rows::Cell;
use crate::output::rows::Column;
use crate::output::rows::OPTIONAL;
use crate::output::rows::SortOrder;
use crate::output::rows::data;
use crate::output::rows::hidden;
use crate::output::rows::people;
use crate::output::rows::shown;

/// A column that users of every source have, with its field id in the table `users`.
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
        Cell::word_or_nothing(row.status.as_ref().and_then(|status| status.detail.as_deref()))
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
    match &row.resource_trait {
        ResourceTrait::User(user) => Some(user),
        _ => None,
    }
}

/// Sets the rank of a column of users, by which a narrow terminal drops columns.
fn with_rank(column: Column) -> Column {
    match column.name {
        Some("user_id") => column.rank(1).never_shortened(),
        Some("display_name") => column.rank(2),
        Some("mfa_enabled") => column.rank(3).never_shortened(),
        Some("sso_enabled") => column.rank(4).never_shortened(),
        Some("administrator") => column.rank(5).never_shortened(),
        Some("organization_name") => column.rank(6).with_ids_from("organization_id"),
        Some("status") => column.rank(OPTIONAL),
        Some("user_type") => column.rank(OPTIONAL + 1),
        Some("login") => column.rank(OPTIONAL + 2),
        Some("status_detail") => column.rank(OPTIONAL + 3).unless_all("-"),
        _ => column,
    }
}

/// The sort key of users.
pub(crate) const USER_KEY: SortOrder = SortOrder::By(&["resource_type_id", "user_id"]);

/// The columns of users, as in the table `users`, with their values.
pub(crate) struct UserColumns {
    /// The columns.
    pub(crate) columns: Vec<Column>,
    cells: Vec<UserCell>,
}

enum UserCell {
    Own(fn(&Resource) -> Cell),
    Attribute(&'static UserAttribute),
}

impl UserColumns {
    /// The fixed columns, and those of the declared attributes.
    pub(crate) fn new(attributes: UserAttributes) -> Self {
        let own = USER_COLUMNS.map(|(rank, column, cell)| (rank, column, UserCell::Own(cell)));
        let declared = attributes.columns().map(|(attribute, rank)| {
            let column = match attribute.heading {
                Some(heading) => shown(attribute.key, heading),
                None => data(attribute.key),
            };
            (rank, column, UserCell::Attribute(attribute))
        });
        let mut all: Vec<(i32, Column, UserCell)> = own.into_iter().chain(declared).collect();
        all.sort_by_key(|(rank, ..)| *rank);
        let (columns, cells) = all
            .into_iter()
            .map(|(_, column, cell)| (with_rank(column), cell))
            .unzip();
        Self { columns, cells }
    }

    /// The cells of a user.
    pub(crate) fn row(&self, row: &Resource) -> Vec<Cell> {
        let cells = self.cells.iter().map(|cell| match cell {
            UserCell::Own(cell) => cell(row),
            UserCell::Attribute(declared) => match declared.attribute_type {
                AttributeType::Flag => Cell::flag_or_nothing(flag(&row.profile, declared.key)),
                AttributeType::Text => Cell::text_or_nothing(attribute(&row.profile, declared.key)),
                AttributeType::Word => Cell::word_or_nothing(attribute(&row.profile, declared.key)),
            },
        });
        cells.collect()
    }
}

/// Resources with entitlements.
pub(crate) const ROLES: &[Column] = &[
    shown("resource_type_id", "type"),
    shown("resource_id", "id").never_shortened(),
    shown("display_name", "name"),
    shown("entitlements", "entitlements")
        .rank(OPTIONAL)
        .never_shortened(),
    shown("grants", "grants").rank(6).never_shortened(),
    shown("description", "description")
        .rank(OPTIONAL + 1)
        .unless_all("-"),
];

/// The sort key of roles and other resources.
pub(crate) const RESOURCE_KEY: SortOrder = SortOrder::By(&["resource_type_id", "resource_id"]);

/// A resource with its numbers of entitlements and grants.
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
    shown("entitlement_id", "id").rank(1).never_shortened(),
    data("resource_type_id"),
    data("resource_id"),
    shown("resource_display_name", "on").rank(3),
    data("slug"),
    shown("display_name", "name").rank(2),
    data("description"),
    shown("purpose", "purpose").rank(OPTIONAL),
    data("grantable_to"),
    shown("immutable", "immutable").rank(OPTIONAL + 1),
    shown("grants", "grants").rank(4).never_shortened(),
];

/// The sort key of entitlements.
pub(crate) const ENTITLEMENT_KEY: SortOrder = SortOrder::By(&["entitlement_id"]);

/// An entitlement with its number of holders.
pub(crate) fn entitlement(row: &EntitlementInfo, grants: u64) -> Vec<Cell> {
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
    ($($name:ident: $held:ident, $principal:ident;)*) => {
        $(
            /// Grants, as in the table `grants`.
            pub(crate) const $name: &[Column] = &[
                data("grant_id"),
                data("entitlement_id"),
                data("entitlement_slug"),
                holdings!(@ $held "entitlement_display_name", "holds").rank(4),
                data("resource_type_id"),
                data("resource_id"),
                holdings!(@ $held "resource_display_name", "on").rank(OPTIONAL + 1).at(5),
                holdings!(@@ $held "on id").rank(6).never_shortened(),
                holdings!(@@ $principal "id").rank(1).never_shortened(),
                data("principal_type_id"),
                data("principal_id"),
                holdings!(@ $principal "principal_display_name", "who").rank(2),
                holdings!(@ $principal "principal_login", "login").rank(OPTIONAL + 2),
                data("immutable"),
                data("is_direct"),
                data("sources"),
                people("how").rank(OPTIONAL).unless_all("direct"),
            ];
        )*
    };
    (@ yes $name:literal, $heading:literal) => { shown($name, $heading) };
    (@ no $name:literal, $heading:literal) => { data($name) };
    (@@ yes $heading:literal) => { people($heading) };
    (@@ no $heading:literal) => { hidden() };
}

holdings! {
    GRANTS: yes, yes;
    ACCESS: yes, no;
    WHO: no, yes;
}

/// The sort key of grants.
pub(crate) const GRANT_KEY: SortOrder =
    SortOrder::By(&["entitlement_id", "principal_type_id", "principal_id"]);
/// The sort key of all grants of a tenant: they come by entitlement and are not held in memory.
pub(crate) const HOLDER_KEY: SortOrder =
    SortOrder::Within("entitlement_id", &["principal_type_id", "principal_id"]);

/// A grant with its provenance.
pub(crate) fn grant(row: &EffectiveGrant, how: String) -> Vec<Cell> {
    let held = row.held.as_ref();
    vec![
        Cell::text(&row.id),
        Cell::text(&row.entitlement),
        Cell::text_or_nothing(held.map(|held| &held.slug)),
        // Unlisted resources have an id, but no name.
        Cell::text(held.map_or(row.entitlement.as_str(), |held| held.display_name.as_str())),
        Cell::text_or_nothing(held.map(|held| &held.resource.resource_type)),
        Cell::text_or_nothing(held.map(|held| &held.resource.id)),
        Cell::text_or_nothing(held.and_then(|held| held.resource_name.as_ref())),
        Cell::text_or_nothing(held.map(|held| &held.resource)),
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

/// Resource types with their counts.
pub(crate) const TYPES: &[Column] = &[
    shown("resource_type_id", "type"),
    shown("display_name", "name"),
    data("trait_kind"),
    shown("resources", "resources"),
    shown("entitlements", "entitlements"),
    shown("grants", "grants"),
    shown("complete", "complete").unless_all("-"),
    data("incomplete_reason"),
];

/// A resource type with its counts.
pub(crate) fn resource_type(row: &ResourceTypeStats) -> Vec<Cell> {
    use access_core::model::Completeness;

    let (complete, reason) = match &row.completeness {
        None => (None, None),
        Some(Completeness::Complete) => (Some(true), None),
        Some(Completeness::Incomplete { reason }) => (Some(false), Some(reason.as_str())),
    };
    vec![
        Cell::text(&row.resource_type.id),
        Cell::text(BoundedText::as_str(&row.resource_type.display_name)),
        Cell::text(row.resource_type.trait_kind.as_str()),
        Cell::Count(row.resources),
        Cell::Count(row.entitlements),
        Cell::Count(row.grants),
        Cell::flag_or_nothing(complete),
        Cell::text_or_nothing(reason),
    ]
}

/// Syncs.
pub(crate) const SYNCS: &[Column] = &[
    shown("sync_id", "sync").rank(2).never_shortened(),
    shown("sync_type", "type").rank(3),
    shown("started_at", "began").rank(OPTIONAL + 3).never_shortened(),
    shown("ended_at", "ended").rank(1).never_shortened(),
    shown("latest", "latest").rank(4),
    shown("resources", "resources").rank(OPTIONAL),
    shown("entitlements", "entitlements").rank(OPTIONAL + 2),
    shown("grants", "grants").rank(OPTIONAL + 1),
];

/// Changes of a user or a role.
pub(crate) const HISTORY: &[Column] = &[
    data("sync_id"),
    shown("seen_at", "seen at").rank(1).never_shortened(),
    shown("after", "after").rank(OPTIONAL + 1).never_shortened(),
    shown("change", "change").rank(2).never_shortened(),
    data("subject"),
    shown("entitlement_display_name", "what").rank(3),
    data("entitlement_id"),
    data("resource_display_name"),
    data("principal_display_name"),
    shown("field", "attribute").rank(6).unless_all("-"),
    shown("old", "before").rank(7).unless_all("-"),
    shown("new", "now").rank(8).unless_all("-"),
    shown("id", "id").rank(4).never_shortened().unless_all("-"),
];
