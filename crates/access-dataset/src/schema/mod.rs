//! The contract with readers of the dataset: tables, columns, types, field ids.

mod attributes;
mod column;
mod dictionary_builder;
pub(crate) mod docs;
mod tables;

use std::fmt;
use std::sync::Arc;

use access_core::model::{UserAttribute, UserAttributes};
use arrow::datatypes::{Schema, SchemaRef};
use serde::Serialize;

pub(crate) use attributes::AttributeCell;
pub use column::{Column, ColumnKind};
pub use dictionary_builder::DictionaryBuilder;
pub(crate) use tables::{
    ChangeRow, ChangeTable, EntitlementRow, EntitlementTable, GrantHistoryRow, GrantHistoryTable, GrantRow,
    GrantTable, LeftOutRow, LeftOutTable, ResourceRow, ResourceTable, ResourceTypeRow, ResourceTypeTable,
    RowTable, SyncRow, SyncTable, UserHistoryRow, UserHistoryTable, UserRow, UserTable,
};

/// Incremented when a column changes its meaning or is removed; new columns alone do not change it.
pub const SCHEMA_VERSION: u32 = 1;

/// The tables of the dataset (docs/reference/design.md §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Resource types.
    ResourceTypes,
    /// Resources, users included.
    Resources,
    /// People and accounts, one wide row each.
    Users,
    /// Entitlements.
    Entitlements,
    /// Grants, with names.
    Grants,
    /// The sync itself, one row.
    Syncs,
    /// Rows that the tenant gave and that are in no other table.
    LeftOut,
    /// Differences from the previous sync.
    Changes,
    /// Grants with the times of their validity.
    GrantsHistory,
    /// Users with the times of their validity.
    UsersHistory,
}

impl Table {
    /// The tables that are kept from sync to sync.
    pub const HISTORY: [Self; 3] = [Self::Changes, Self::GrantsHistory, Self::UsersHistory];

    /// The tables of every sync.
    pub const ALL: [Self; 7] = [
        Self::ResourceTypes,
        Self::Resources,
        Self::Users,
        Self::Entitlements,
        Self::Grants,
        Self::Syncs,
        Self::LeftOut,
    ];

    /// The name, which is also the folder's.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResourceTypes => "resource_types",
            Self::Resources => "resources",
            Self::Users => "users",
            Self::Entitlements => "entitlements",
            Self::Grants => "grants",
            Self::Syncs => "syncs",
            Self::LeftOut => "left_out",
            Self::Changes => "changes",
            Self::GrantsHistory => "grants_history",
            Self::UsersHistory => "users_history",
        }
    }

    /// What a row is, for people.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::ResourceTypes => "One row for each resource type.",
            Self::Resources => {
                "One row for each resource: people, roles, organizations, the tenant, devices."
            }
            Self::Users => "One wide row for each person or account.",
            Self::Entitlements => "One row for each entitlement: what can be held on a resource.",
            Self::Grants => {
                "One row for each principal that holds an entitlement, with the names for people and the ids for joins."
            }
            Self::Syncs => "One row: the sync itself.",
            Self::LeftOut => {
                "One row for each row that the tenant returned and that is in no other table; the first 1,000, and one row that counts the rest."
            }
            Self::Changes => "One row for each record that differs from the previous latest sync.",
            Self::GrantsHistory => "One row for each validity interval of a grant.",
            Self::UsersHistory => "One row for each validity interval of a user.",
        }
    }

    /// The key: the columns by which rows are sorted and that identify a row within a sync.
    #[must_use]
    pub const fn key(self) -> &'static [&'static str] {
        match self {
            Self::ResourceTypes => &["resource_type_id"],
            Self::Resources => &["resource_type_id", "resource_id"],
            Self::Users => &["resource_type_id", "user_id"],
            Self::Entitlements => &["entitlement_id"],
            Self::Grants => &["entitlement_id", "principal_type_id", "principal_id"],
            Self::Syncs => &["sync_id"],
            Self::LeftOut | Self::Changes => &["number"],
            Self::GrantsHistory => &[
                "entitlement_id",
                "principal_type_id",
                "principal_id",
                "valid_from",
            ],
            Self::UsersHistory => &["resource_type_id", "user_id", "valid_from"],
        }
    }

    /// The columns that it has whatever is declared, in their order.
    pub(crate) const fn own_columns(self) -> &'static [Column] {
        match self {
            Self::ResourceTypes => tables::RESOURCE_TYPES,
            Self::Resources => tables::RESOURCES,
            Self::Users => tables::USERS,
            Self::Entitlements => tables::ENTITLEMENTS,
            Self::Grants => tables::GRANTS,
            Self::Syncs => tables::SYNCS,
            Self::LeftOut => tables::LEFT_OUT,
            Self::Changes => tables::CHANGES,
            Self::GrantsHistory => tables::GRANTS_HISTORY,
            Self::UsersHistory => tables::USERS_HISTORY,
        }
    }
}

/// The contract with readers: the tables, with a column for each attribute of users that is declared to have one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contract {
    attributes: UserAttributes,
}

impl Contract {
    /// The contract with these attributes.
    #[must_use]
    pub const fn new(attributes: UserAttributes) -> Self {
        Self { attributes }
    }

    /// The attributes of users.
    #[must_use]
    pub const fn attributes(self) -> UserAttributes {
        self.attributes
    }

    /// The columns of a table in their order, which is that of their field ids.
    #[must_use]
    pub fn columns(self, dataset: Table) -> Vec<Column> {
        let declared = self.declared(dataset).into_iter();
        let declared = declared.map(|(attribute, field_id)| attributes::column(attribute, field_id));
        let mut columns: Vec<Column> = dataset.own_columns().iter().copied().chain(declared).collect();
        columns.sort_by_key(|column| column.field_id);
        columns
    }

    /// The attributes that have a column of a table, each with its field id, in the order of these.
    pub(crate) fn declared(self, dataset: Table) -> Vec<(&'static UserAttribute, i32)> {
        match dataset {
            Table::Users => self.attributes.columns().collect(),
            Table::UsersHistory => self.attributes.compared().collect(),
            _ => Vec::new(),
        }
    }

    /// The columns of a table for Arrow.
    #[must_use]
    pub fn schema(self, dataset: Table) -> SchemaRef {
        self.schema_of(dataset, None)
    }

    /// Some of the columns of a table for Arrow, in the order of the contract; without names all of them.
    #[must_use]
    pub fn schema_of(self, dataset: Table, columns: Option<&[&str]>) -> SchemaRef {
        let wanted = |column: &&Column| columns.is_none_or(|names| names.contains(&column.name));
        let all = self.columns(dataset);
        let fields: Vec<_> = all.iter().filter(wanted).map(Column::field).collect();
        Arc::new(Schema::new(fields))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_field_ids_are_given_once_and_keys_exist() {
        let contract = Contract::default();
        for dataset in Table::ALL.into_iter().chain(Table::HISTORY) {
            let columns = contract.columns(dataset);
            let names: BTreeSet<&str> = columns.iter().map(|column| column.name).collect();
            let lists = columns
                .iter()
                .filter(|column| column.kind == ColumnKind::TextList);
            let elements: BTreeSet<i32> = lists.clone().filter_map(|column| column.element_id).collect();
            let ids: BTreeSet<i32> = columns.iter().map(|column| column.field_id).collect();
            assert_eq!(names.len(), columns.len(), "{dataset}");
            assert_eq!(ids.len(), columns.len(), "{dataset}");
            assert_eq!(elements.len(), lists.count(), "{dataset}");
            assert!(ids.is_disjoint(&elements), "{dataset}");
            let given = columns.iter().filter(|column| column.element_id.is_some());
            assert_eq!(
                given.count(),
                elements.len(),
                "only lists have elements: {dataset}"
            );
            assert!(dataset.key().iter().all(|key| names.contains(key)), "{dataset}");
        }
    }
}
