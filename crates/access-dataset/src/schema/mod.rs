//! The contract with readers of the dataset: tables, columns, types, field ids.

mod attributes;
mod column;
mod contract;
mod dictionary_builder;
pub(crate) mod docs;
mod row_tables;
mod table;

pub(crate) use attributes::AttributeCell;
pub use column::{Column, ColumnKind};
pub use contract::{Contract, SCHEMA_VERSION};
pub use dictionary_builder::DictionaryBuilder;
pub(crate) use row_tables::{
    ChangeRow, ChangeTable, EntitlementRow, EntitlementTable, GrantHistoryRow, GrantHistoryTable, GrantRow,
    GrantTable, LeftOutRow, LeftOutTable, ResourceRow, ResourceTable, ResourceTypeRow, ResourceTypeTable,
    RowTable, SyncRow, SyncTable, UserHistoryRow, UserHistoryTable, UserRow, UserTable, own_columns,
};
pub use table::Table;
