//! The contract with readers: which columns a table has.

use std::sync::Arc;

use access_core::model::{UserAttribute, UserAttributes};
use arrow::datatypes::{Schema, SchemaRef};

use super::attributes::{AttributeColumns, column};
use super::column::Column;
use super::row_tables::{RowTable, own_columns};
use super::table::Table;

/// Incremented when a column changes its meaning or is removed; new columns alone do not change it.
pub const SCHEMA_VERSION: u32 = 1;

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
        let declared = declared.map(|(attribute, field_id)| column(attribute, field_id));
        let mut columns: Vec<Column> = own_columns(dataset).iter().copied().chain(declared).collect();
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
        let is_selected = |column: &&Column| columns.is_none_or(|names| names.contains(&column.name));
        let all = self.columns(dataset);
        let fields: Vec<_> = all.iter().filter(is_selected).map(Column::field).collect();
        Arc::new(Schema::new(fields))
    }

    /// A table with these columns, for rows.
    pub(crate) fn row_table<T: RowTable>(self) -> T {
        let schema = self.schema(T::TABLE);
        let attributes = AttributeColumns::new(&self.declared(T::TABLE), &schema);
        T::new(schema, attributes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::column::ColumnKind;
    use super::*;

    #[test]
    fn names_and_field_ids_are_unique_and_keys_exist() {
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
